"""What a judge is told, what is believed of its reply, and when it is asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marianne_guardrails.evidence import Passage
from marianne_guardrails.judge.batches import ClaimBatches, Finding, JudgeLimits
from marianne_guardrails.judge.port import Claim, Entailment, JudgeError, Judgement
from marianne_guardrails.judge.prompt import judge_messages, sentences_around
from marianne_guardrails.judge.reply import read_reply
from marianne_language.citations import SentenceId

PASSAGES = (
    Passage(
        1, ("Le titre se renouvelle en ligne.", "Le délai est de deux mois.", "- un passeport ;"), "Titre de séjour"
    ),
    Passage(2, ("Le récépissé autorise à travailler.",), "Récépissé"),
)
LIMITS = JudgeLimits(first_s=30, later_s=30)


def claim(number: int = 1, text: str = "Il faut deux mois.", *ids: str) -> Claim:
    return Claim(number, text, tuple(SentenceId.parse(id_) for id_ in ids or ("1.2",)))


def reply(**changes: object) -> str:
    item = {"claim": 1, "entailment": "SUPPORTED", "source": "1.2", "words": "Le délai est de"}
    return json.dumps({"judgements": [{**item, **changes}]})


def entailments(content: str, *claims: Claim) -> list[Entailment]:
    return [judgement.entailment for judgement in read_reply(content, PASSAGES, claims or (claim(),))]


def test_the_prompt_shows_the_cited_sentence_its_neighbours_and_its_title() -> None:
    _, user = judge_messages(PASSAGES, [claim()])
    assert "Source 1: Titre de séjour\n[1.1] Le titre se renouvelle en ligne.\n[1.2] Le délai" in user["content"]
    assert "récépissé" not in user["content"]


def test_sources_and_claims_stand_between_lines_with_a_fresh_mark() -> None:
    first, second = (judge_messages(PASSAGES, [claim()])[1]["content"].splitlines() for _ in range(2))
    mark = first[0].split()[2]
    assert [line for line in first if mark in line] == [
        f"=== sources {mark} ===",
        f"=== end of sources {mark} ===",
        f"=== claims {mark} ===",
        f"=== end of claims {mark} ===",
    ]
    assert mark not in "\n".join(second)


@given(st.text(max_size=80), st.text(min_size=1, max_size=80))
def test_no_text_can_add_a_line_to_the_prompt(sentence: str, text: str) -> None:
    plain = judge_messages([Passage(1, ("a",))], [claim(1, "b", "1.1")])[1]["content"]
    odd = judge_messages([Passage(1, (sentence,))], [claim(1, text, "1.1")])[1]["content"]
    assert odd.count("\n") == plain.count("\n")


@pytest.mark.parametrize(
    "words", ["Le délai est de", "le delai est de", "Le délai est de deux mois.", "« Le délai est de… »"]
)
def test_a_judgement_with_the_right_words_is_believed(words: str) -> None:
    assert entailments(reply(words=words)) == [Entailment.SUPPORTED]


@pytest.mark.parametrize("entailment", ["SUPPORTED", "CONTRADICTED"])
@pytest.mark.parametrize(
    "lie",
    [
        {"words": "Le délai est d'un"},
        {"words": ""},
        {"words": "Le délai"},
        {"source": "1.1"},
        {"source": "2.1", "words": "Le récépissé autorise à"},
        {"source": "1.9"},
        {"source": "1"},
        {"source": ""},
        {"source": None, "words": None},
    ],
)
def test_a_judgement_with_wrong_words_counts_nothing(entailment: str, lie: dict[str, object]) -> None:
    assert entailments(reply(entailment=entailment, **lie)) == [Entailment.UNVERIFIED]


def test_a_short_sentence_is_quoted_whole() -> None:
    assert entailments(reply(source="1.3", words="un passeport")) == [Entailment.SUPPORTED]


def test_what_was_not_found_needs_no_words() -> None:
    assert entailments(reply(entailment="NOT_FOUND", source="", words="")) == [Entailment.NOT_FOUND]


@pytest.mark.parametrize("change", [{"claim": 2}, {"claim": "1"}, {"entailment": "YES"}, {"entailment": None}])
def test_what_is_no_judgement_of_an_asked_claim_is_left_out(change: dict[str, object]) -> None:
    assert entailments(reply(**change), claim(), claim(7)) == []


def test_two_judgements_of_one_claim_count_as_none() -> None:
    doubled = {"judgements": json.loads(reply())["judgements"] * 2}
    assert entailments(json.dumps(doubled)) == []


@pytest.mark.parametrize("content", ["", "SUPPORTED", "[]", "{}", '{"judgements": {}}', '{"judgements": ["a"'])
def test_a_reply_of_another_form_is_an_error(content: str) -> None:
    with pytest.raises(JudgeError):
        entailments(content)


def test_the_surroundings_of_a_citation_end_with_its_passage() -> None:
    assert sentences_around(PASSAGES, [SentenceId(2, 1)]) == {SentenceId(2, 1)}
    assert sentences_around(PASSAGES, [SentenceId(9, 1)]) == set()


class FakeJudge:
    """Judges as `find` says, once `due` is set."""

    def __init__(self, find: Callable[[Claim], Entailment | None] = lambda _: Entailment.SUPPORTED) -> None:
        self._find = find
        self.due = asyncio.Event()
        self.due.set()
        self.error: JudgeError | None = None
        self.calls: list[list[int]] = []
        self._called = asyncio.Condition()

    async def called(self, times: int) -> None:
        async with self._called:
            await self._called.wait_for(lambda: len(self.calls) >= times)

    async def judge(self, passages: Sequence[Passage], claims: Sequence[Claim]) -> list[Judgement]:
        async with self._called:
            self.calls.append([claim.id for claim in claims])
            self._called.notify_all()
        await self.due.wait()
        if self.error:
            raise self.error
        found = [(claim.id, self._find(claim)) for claim in claims]
        return [Judgement(id_, entailment) for id_, entailment in found if entailment]


@asynccontextmanager
async def running(judge: FakeJudge, limits: JudgeLimits = LIMITS) -> AsyncIterator[ClaimBatches]:
    waiting = ClaimBatches(judge, limits, PASSAGES)
    run = asyncio.create_task(waiting.run())
    try:
        async with asyncio.timeout(10):
            yield waiting
            waiting.end()
            await run
    finally:
        run.cancel()


async def found(*findings: "asyncio.Future[Finding]") -> list[Finding]:
    return [await finding for finding in findings]


async def test_the_first_claim_is_judged_at_once() -> None:
    judge = FakeJudge()
    async with running(judge) as waiting:
        assert await waiting.ask(claim(1)) == "supported"
        assert judge.calls == [[1]]


async def test_what_waits_meanwhile_is_asked_in_one_call() -> None:
    judge = FakeJudge()
    judge.due.clear()
    async with running(judge) as waiting:
        first = waiting.ask(claim(1))
        await judge.called(1)
        others = [waiting.ask(claim(number)) for number in (2, 3, 4)]
        judge.due.set()
        assert await found(first, *others) == ["supported"] * 4
    assert judge.calls == [[1], [2, 3, 4]]


async def test_the_end_of_the_answer_waits_for_no_company() -> None:
    judge = FakeJudge()
    async with running(judge) as waiting:
        await waiting.ask(claim(1))
        last = waiting.ask(claim(2))
        waiting.end()
        assert await last == "supported"
    assert judge.calls == [[1], [2]]


async def test_sentences_that_need_no_judge_count_for_the_next_call() -> None:
    judge = FakeJudge()
    async with running(judge) as waiting:
        await waiting.ask(claim(1))
        waiting.pass_by()
        waiting.pass_by()
        assert await waiting.ask(claim(4)) == "supported"


async def test_a_claim_does_not_wait_for_company_for_ever() -> None:
    async with running(FakeJudge(), replace(LIMITS, linger_s=0.01)) as waiting:
        await waiting.ask(claim(1))
        assert await waiting.ask(claim(2)) == "supported"


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=20))
async def test_there_is_at_most_one_call_for_three_sentences(sentences: list[tuple[bool, bool]]) -> None:
    judge = FakeJudge()
    async with running(judge) as waiting:
        for number, (needs_judge, pause) in enumerate(sentences, start=1):
            if needs_judge:
                waiting.ask(claim(number))
            else:
                waiting.pass_by()
            if pause:
                await asyncio.sleep(0)
        waiting.end()
    assert len(judge.calls) <= 1 + -(-(len(sentences) - 1) // 3)
    assert [id_ for call in judge.calls for id_ in call] == [n for n, (asked, _) in enumerate(sentences, 1) if asked]


async def test_a_claim_that_the_judge_leaves_out_is_missing() -> None:
    async with running(FakeJudge(lambda claim: None if claim.id == 1 else Entailment.SUPPORTED)) as waiting:
        assert await waiting.ask(claim(1)) == "missing"


async def test_the_first_call_has_a_time_limit_of_its_own() -> None:
    judge = FakeJudge()
    judge.due.clear()
    async with running(judge, JudgeLimits(first_s=0.01, later_s=30)) as waiting:
        assert await waiting.ask(claim(1)) == "timeout"
        judge.due.set()
        last = waiting.ask(claim(2))
        waiting.end()
        assert await last == "supported"


async def test_a_judge_that_fails_is_asked_again_about_the_next_claims() -> None:
    judge = FakeJudge()
    judge.error = JudgeError("no")
    async with running(judge) as waiting:
        assert await waiting.ask(claim(1)) == "error"
        judge.error = None
        last = waiting.ask(claim(2))
        waiting.end()
        assert await last == "supported"


async def test_who_waits_is_let_go_when_the_judging_stops() -> None:
    judge = FakeJudge()
    judge.due.clear()
    waiting = ClaimBatches(judge, LIMITS, PASSAGES)
    run = asyncio.create_task(waiting.run())
    asked = waiting.ask(claim(1))
    await judge.called(1)
    later = waiting.ask(claim(2))
    run.cancel()
    await asyncio.wait([run])
    assert asked.cancelled()
    assert later.cancelled()
