"""No wrong number ever leaves: two hundred answers with one wrong fact each, read as bytes of the gateway."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson
import pytest
import pytest_asyncio

from marianne_client.events import Token, Withheld
from support.events import answer, ask, of_kind, one
from support.judge import always, by_word, is_judging, judging
from support.llm import FakeLLM, RecordedRequest, Reply, reply_text
from support.perturbations import KINDS, Wrong, careless, faithful
from support.sample import SAMPLE, questions
from support.stack import Stack, running_stack
from support.writer import cite, plain_ids, sources_in

DEMO = questions()[0].text
ANSWERS = 200
AT_A_TIME = 8
_TOKEN = re.compile(r"^event: token\ndata: (.+)$", re.MULTILINE)
_QUESTION = re.compile(r"^## (.+\?)$", re.MULTILINE)
_HEAD = re.compile(r"^Source \d+: (.+)$", re.MULTILINE)
_TITLE = re.compile(r'^title: "?(.+?)"?$', re.MULTILINE)


def asked() -> list[str]:
    """Questions that the sheets themselves raise, one of each sheet after the other; some need no model."""
    sheets = [path.read_text(encoding="utf-8") for path in sorted((SAMPLE / "sheets").glob("*.md"))]
    raised = [
        [f"{question} ({title[1]})" for question in _QUESTION.findall(sheet)]
        for sheet in sheets
        if (title := _TITLE.search(sheet))
    ]
    mixed = itertools.chain.from_iterable(itertools.zip_longest(*raised))
    return [question for question in mixed if question][: ANSWERS + ANSWERS // 4]


@dataclass
class CarelessModel:
    """Writes one wrong fact into every answer, each kind in turn, and as a judge supports whatever it is shown."""

    kinds: "itertools.cycle[str]" = field(default_factory=lambda: itertools.cycle(KINDS))
    written: dict[str, tuple[str, Wrong]] = field(default_factory=dict)

    def __call__(self, request: RecordedRequest) -> Reply:
        if is_judging(request):
            return judging(always("SUPPORTED"))(request)
        sources = sources_in(request)
        prompt, _, question = request.body["messages"][-1]["content"].rpartition("\n\n")
        titles = " ".join(_HEAD.findall(prompt))
        kind, wrong = next(
            (kind, wrong)
            for kind in itertools.islice(self.kinds, len(KINDS))
            if (wrong := careless(sources, kind, titles)) is not None
        )
        self.written[question] = kind, wrong
        return reply_text(f"{faithful(sources)} {wrong.sentence}")


# One model and one stack serve both tests here, so both share an event loop.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream() -> AsyncIterator[FakeLLM]:
    async with FakeLLM() as fake:
        yield fake


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(
    upstream: FakeLLM, sample_index: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    environment = {
        "LLM_BASE_URL": upstream.base_url,
        "LLM_MODEL": "fake-1",
        "GUARDRAILS_JUDGE": "required",
        "GATEWAY_REQUESTS_PER_MINUTE": "10000",
    }
    async with running_stack(tmp_path_factory.mktemp("stack"), sample_index, **environment) as running:
        yield running


async def answers(stack: Stack, all_questions: list[str]) -> dict[str, str]:
    """The body of every answer, as it was received."""
    turns = asyncio.Semaphore(AT_A_TIME)
    async with httpx.AsyncClient(timeout=60) as http:

        async def post(question: str) -> tuple[str, str]:
            async with turns:
                response = await http.post(f"{stack.url}/chat/stream", json={"query": question, "language": "fr"})
            return question, response.content.decode()

        return dict(await asyncio.gather(*(post(question) for question in all_questions)))


def shown(body: str) -> str:
    return "".join(orjson.loads(data)["text"] for data in _TOKEN.findall(body))


async def test_no_wrong_fact_is_in_the_bytes_of_two_hundred_answers(stack: Stack, upstream: FakeLLM) -> None:
    model = CarelessModel()
    upstream.respond_with(model)

    bodies = await answers(stack, asked())

    leaks = [
        (kind, wrong.trace, question)
        for question, (kind, wrong) in model.written.items()
        if wrong.trace in bodies[question] or wrong.trace in shown(bodies[question])
    ]
    assert leaks == []
    assert len(model.written) >= ANSWERS
    assert {kind for kind, _ in model.written.values()} == set(KINDS)
    # A gate that withheld everything would pass what is above.
    written = [bodies[question] for question in model.written]
    assert all(0 < body.find("event: token") < body.find("event: withheld") for body in written)
    assert all('"verdict":"quoted"' in body for body in written)


async def test_a_sentence_that_the_judge_finds_nowhere_is_replaced_by_its_source(
    stack: Stack, upstream: FakeLLM
) -> None:
    def writes_and_judges(request: RecordedRequest) -> Reply:
        if is_judging(request):
            return judging(by_word(siamois="NOT_FOUND"))(request)
        first, second = plain_ids(request, 2)
        return reply_text(f"Les chats siamois dorment à la préfecture [{first}]. {cite(request, second)}")

    upstream.respond_with(writes_and_judges)
    events = await ask(stack, DEMO)

    assert one(events, Withheld).reason == "not_entailed"
    assert "siamois" not in answer(events)
    replacement, _ = of_kind(events, Token)
    assert (replacement.verdict, replacement.replaces) == ("quoted", "not_entailed")
    assert await stack.metric("guardrails", "guardrail_rejections_total", reason="not_entailed") == 1
    assert await stack.metric("guardrails", "llm_request_duration_seconds_count", operation="judge") >= 1
