"""Rules and judge together: the verdict on each unit of an answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from prometheus_client import REGISTRY

from marianne_guardrails.answer_check import Judging, open_answer_check
from marianne_guardrails.evidence import Passage
from marianne_guardrails.grounding import Grounding, Unit, UnitVerdict
from marianne_guardrails.judge.batches import JudgeLimits
from marianne_guardrails.judge.port import Claim, Entailment, JudgeError, Judgement
from marianne_language.citations import SentenceId

PASSAGES = (
    Passage(
        1,
        (
            "La carte de séjour est délivrée par la préfecture du lieu où réside le demandeur.",
            "La carte coûte 225 euros.",
        ),
    ),
)
PROSE = "Vous obtenez ce document auprès du service compétent pour votre adresse."
NEAR = "La carte de séjour est délivrée par la préfecture du lieu de résidence du demandeur."
FACT = "Prévoyez une dépense de 225 € au moment de votre passage au guichet."
LIMITS = JudgeLimits(first_s=30, later_s=30)


class FakeJudge:
    """Finds the same of every claim, or fails, or never answers."""

    def __init__(self, entailment: Entailment | None = Entailment.SUPPORTED, error: str = "") -> None:
        self._entailment = entailment
        self._error = error
        self.hangs = False
        self.claims: list[Claim] = []
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def judge(self, passages: Sequence[Passage], claims: Sequence[Claim]) -> list[Judgement]:
        self.claims += claims
        self.asked.set()
        try:
            if self.hangs:
                await asyncio.Event().wait()
        finally:
            self.left.set()
        if self._error:
            raise JudgeError(self._error)
        return [Judgement(claim.id, self._entailment) for claim in claims if self._entailment]


def unit(number: int, text: str, *ids: str) -> Unit:
    return Unit(number, text, tuple(SentenceId.parse(id_) for id_ in ids))


async def given(*units: Unit) -> AsyncIterator[Unit]:
    for each in units:
        yield each


async def verdicts(judge: FakeJudge | None, *units: Unit, required: bool = False) -> list[UnitVerdict]:
    judging = Judging(judge, LIMITS, required) if judge else None
    with open_answer_check(judging) as check:
        return [verdict async for verdict in check.verdicts(Grounding(PASSAGES), PASSAGES, given(*units))]


def said(verdict: UnitVerdict) -> tuple[str, str | None]:
    return verdict.verdict.value, verdict.reason and verdict.reason.value


@pytest.mark.parametrize(
    ("entailment", "expected"),
    [
        (Entailment.SUPPORTED, ("supported", None)),
        (Entailment.CONTRADICTED, ("withheld", "contradiction")),
        (Entailment.NOT_FOUND, ("withheld", "not_entailed")),
    ],
)
@pytest.mark.parametrize("text", [(PROSE, "1.1"), (FACT, "1.2")])
async def test_the_judge_decides_what_the_rules_let_through(
    entailment: Entailment, expected: tuple[str, str | None], text: tuple[str, str]
) -> None:
    [verdict] = await verdicts(FakeJudge(entailment), unit(1, *text))
    assert said(verdict) == expected
    assert verdict.citations == (SentenceId.parse(text[1]),)


@pytest.mark.parametrize("text", [(PROSE, "1.1"), (FACT, "1.2")])
async def test_without_a_judge_a_claim_is_cited(text: tuple[str, str]) -> None:
    [verdict] = await verdicts(None, unit(1, *text))
    assert said(verdict) == ("cited", None)


@pytest.mark.parametrize("judge", [FakeJudge(error="no"), FakeJudge(None), FakeJudge(Entailment.UNVERIFIED)])
async def test_a_judge_that_fails_withholds_facts_and_leaves_prose_cited(judge: FakeJudge) -> None:
    prose, fact = await verdicts(judge, unit(1, PROSE, "1.1"), unit(2, FACT, "1.2"))
    assert said(prose) == ("cited", None)
    assert said(fact) == ("withheld", "backend_error")


async def test_the_judge_is_asked_too_where_the_words_alone_convince_the_rules() -> None:
    [by_rules] = await verdicts(None, unit(1, NEAR, "1.1"))
    [judged] = await verdicts(FakeJudge(Entailment.CONTRADICTED), unit(1, NEAR, "1.1"))
    [unjudged] = await verdicts(FakeJudge(error="no"), unit(1, NEAR, "1.1"))
    assert [said(verdict)[0] for verdict in (by_rules, judged, unjudged)] == ["supported", "withheld", "supported"]


async def test_a_required_judge_that_fails_withholds_prose_too() -> None:
    [verdict] = await verdicts(FakeJudge(error="no"), unit(1, PROSE, "1.1"), required=True)
    assert said(verdict) == ("withheld", "backend_error")


async def test_a_judge_that_is_late_withholds_facts_and_leaves_prose_cited() -> None:
    judge = FakeJudge()
    judge.hangs = True
    with open_answer_check(Judging(judge, JudgeLimits(0.02, 0.02))) as check:
        units = given(unit(1, PROSE, "1.1"), unit(2, FACT, "1.2"))
        prose, fact = [verdict async for verdict in check.verdicts(Grounding(PASSAGES), PASSAGES, units)]
    assert said(prose) == ("cited", None)
    assert said(fact) == ("withheld", "timeout")


async def test_a_wrong_fact_is_final_whatever_the_judge_would_say() -> None:
    judge = FakeJudge(Entailment.SUPPORTED)
    [verdict] = await verdicts(judge, unit(1, "La carte coûte 226 euros.", "1.2"))
    assert said(verdict) == ("withheld", "unsupported_fact")
    assert judge.claims == []


async def test_what_needs_no_judge_is_not_shown_to_it() -> None:
    judge = FakeJudge(Entailment.NOT_FOUND)
    quoted, greeting = await verdicts(judge, unit(1, "La carte coûte 225 euros.", "1.2"), unit(2, "Bonjour,"))
    assert (said(quoted)[0], said(greeting)[0]) == ("quoted", "no_claim")
    assert judge.claims == []


async def test_a_claim_is_judged_with_the_sentence_before_it() -> None:
    judge = FakeJudge()
    await verdicts(judge, unit(1, "Bonjour,"), unit(2, PROSE, "1.1"))
    assert judge.claims == [Claim(2, PROSE, (SentenceId(1, 1),), "Bonjour,")]


async def test_verdicts_keep_the_order_of_the_units() -> None:
    units = [unit(1, PROSE, "1.1"), unit(2, "La carte coûte 225 euros.", "1.2"), unit(3, FACT, "1.2")]
    assert [verdict.id for verdict in await verdicts(FakeJudge(), *units)] == [1, 2, 3]


async def test_units_are_taken_while_the_judge_thinks() -> None:
    judge = FakeJudge()
    judge.hangs = True
    taken: list[int] = []
    third = asyncio.Event()

    async def units() -> AsyncIterator[Unit]:
        for number in (1, 2, 3):
            taken.append(number)
            yield unit(number, PROSE, "1.1")
        third.set()

    with open_answer_check(Judging(judge, LIMITS)) as check:
        reading = asyncio.create_task(anext(check.verdicts(Grounding(PASSAGES), PASSAGES, units())))
        await asyncio.wait_for(third.wait(), 10)
        assert not reading.done()
        reading.cancel()
        await asyncio.wait([reading])
    assert taken == [1, 2, 3]


async def test_leaving_lets_go_of_the_judge() -> None:
    judge = FakeJudge()
    judge.hangs = True
    with open_answer_check(Judging(judge, LIMITS)) as check:
        answer = check.verdicts(Grounding(PASSAGES), PASSAGES, given(unit(1, PROSE, "1.1")))
        reading = asyncio.create_task(anext(answer))
        await asyncio.wait_for(judge.asked.wait(), 10)
        reading.cancel()
        await asyncio.wait([reading])
    assert judge.left.is_set()


async def test_a_fault_of_the_caller_comes_after_the_verdicts_before_it() -> None:
    async def units() -> AsyncIterator[Unit]:
        yield unit(1, PROSE, "1.1")
        raise LookupError("of the caller")

    with open_answer_check(Judging(FakeJudge(), LIMITS)) as check:
        answer = check.verdicts(Grounding(PASSAGES), PASSAGES, units())
        assert said(await anext(answer)) == ("supported", None)
        with pytest.raises(LookupError):
            await anext(answer)


@pytest.mark.parametrize(
    ("judge", "text", "reason"),
    [
        (FakeJudge(Entailment.NOT_FOUND), (PROSE, "1.1"), "not_entailed"),
        (FakeJudge(Entailment.CONTRADICTED), (PROSE, "1.1"), "contradiction"),
        (FakeJudge(error="no"), (FACT, "1.2"), "backend_error"),
        (None, ("La carte coûte 226 euros.", "1.2"), "unsupported_fact"),
    ],
)
async def test_every_rejection_is_counted_once(judge: FakeJudge | None, text: tuple[str, str], reason: str) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("guardrail_rejections_total", {"reason": reason}) or 0

    before = counted()
    await verdicts(judge, unit(1, *text))
    assert counted() == before + 1
