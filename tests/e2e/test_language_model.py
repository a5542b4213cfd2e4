"""With a language model: what it writes is checked sentence by sentence, and streams."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from marianne_client.events import Error, Event, Token, Withheld
from support.events import answer, ask, degraded, finish_reason, of_kind, one, verdicts
from support.llm import (
    DONE,
    FakeLLM,
    RecordedRequest,
    Reply,
    Send,
    Wait,
    chunk,
    frame,
    misbehaviour,
    reply_text,
)
from support.sample import one_space, questions
from support.stack import Stack, running_stack
from support.writer import cite, plain_ids, sources_in

DEMO = questions()[0].text
WITHIN_S = 0.1


# One model and one stack serve all tests here, so all of them share an event loop.
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
        "GUARDRAILS_JUDGE": "off",
        "ORCHESTRATOR_LLM_FIRST_TOKEN_TIMEOUT_S": "0.5",
    }
    async with running_stack(tmp_path_factory.mktemp("stack"), sample_index, **environment) as running:
        yield running


@pytest.fixture
def model(upstream: FakeLLM) -> FakeLLM:
    """The model as a test finds it: well-behaved, and asked nothing yet."""
    upstream.requests.clear()
    upstream.respond_with(two_sentences)
    return upstream


def two_sentences(request: RecordedRequest) -> Reply:
    return reply_text(" ".join(cite(request, sentence) for sentence in plain_ids(request, 2)))


def said(text: str) -> Send:
    return Send(frame(chunk({"content": text})))


async def test_cited_sentences_are_released_without_their_marks(model: FakeLLM, stack: Stack) -> None:
    events = await ask(stack, DEMO)

    first, second = plain_ids(model.requests[0], 2)
    assert [token.citations for token in of_kind(events, Token)] == [(first,), (second,)]
    written = sources_in(model.requests[0])
    assert one_space(answer(events)) == one_space(f"{written[first]} {written[second]}")
    assert finish_reason(events) == "stop"


async def test_the_first_sentence_reaches_the_reader_while_the_model_still_writes(model: FakeLLM, stack: Stack) -> None:
    received = asyncio.Event()

    def waits_for_the_reader(request: RecordedRequest) -> Reply:
        first, second = plain_ids(request, 2)
        return Reply((said(f"{cite(request, first)} "), Wait(received), said(cite(request, second)), Send(DONE)))

    model.respond_with(waits_for_the_reader)
    tokens = []
    async with stack.client() as client, asyncio.timeout(15):
        async for event in client.ask(DEMO):
            if isinstance(event, Token):
                tokens.append(event)
                received.set()

    assert len(tokens) == 2


async def test_a_sentence_with_a_figure_that_no_source_has_is_replaced_by_its_source(
    model: FakeLLM, stack: Stack
) -> None:
    def invents_a_figure(request: RecordedRequest) -> Reply:
        first, second = plain_ids(request, 2)
        return reply_text(f"Le dossier coûte 7 431 euros [{first}]. {cite(request, second)}")

    model.respond_with(invents_a_figure)
    before = await stack.metric("guardrails", "guardrail_rejections_total", reason="unsupported_fact")
    events = await ask(stack, DEMO)

    first, _ = plain_ids(model.requests[0], 2)
    assert one(events, Withheld).reason == "unsupported_fact"
    assert "7 431" not in answer(events)
    replacement = of_kind(events, Token)[0]
    assert replacement.replaces == "unsupported_fact"
    assert replacement.verdict == "quoted"
    assert one_space(replacement.text) == one_space(sources_in(model.requests[0])[first])
    assert await stack.metric("guardrails", "guardrail_rejections_total", reason="unsupported_fact") == before + 1


async def test_no_byte_of_an_invented_figure_leaves_the_gateway(model: FakeLLM, stack: Stack) -> None:
    model.respond_with(lambda request: reply_text(f"Le délai est de 6 173 jours [{plain_ids(request, 1)[0]}]."))

    async with httpx.AsyncClient() as http:
        response = await http.post(f"{stack.url}/chat/stream", json={"query": DEMO}, timeout=20)

    assert "173 jours" not in response.text
    assert "event: withheld" in response.text


async def test_a_claim_without_a_source_is_not_released_and_the_reader_is_told(model: FakeLLM, stack: Stack) -> None:
    model.respond_with(
        lambda request: reply_text(
            f"Les chats siamois dorment sous la préfecture. {cite(request, plain_ids(request, 1)[0])}"
        )
    )

    events = await ask(stack, DEMO)

    assert "siamois" not in answer(events)
    assert one(events, Withheld).reason == "no_citation"
    assert of_kind(events, Token)[0].verdict == "fixed"


@pytest.mark.parametrize(
    "oddity",
    [
        "crlf",
        "no_space_after_data",
        "comments",
        "utf8_cut",
        "role_only_first",
        "null_content",
        "empty_choices_with_usage",
        "no_done",
    ],
)
async def test_an_upstream_with_odd_manners_is_understood(model: FakeLLM, stack: Stack, oddity: str) -> None:
    model.respond_with(lambda request: misbehaviour(oddity, cite(request, plain_ids(request, 1)[0])))

    events = await ask(stack, DEMO)

    [first] = plain_ids(model.requests[0], 1)
    assert one_space(answer(events)) == one_space(sources_in(model.requests[0])[first])
    assert degraded(events) == [dependency for dependency in degraded(events) if dependency == "data"]


@pytest.mark.parametrize(
    "failure", ["unauthorized", "server_error", "cut_before_first_token", "zero_tokens", "web_page"]
)
async def test_a_model_that_gives_nothing_is_replaced_by_quotes(model: FakeLLM, stack: Stack, failure: str) -> None:
    model.respond_with(lambda _: misbehaviour(failure))
    before = await stack.metric("orchestrator", "degraded_total", dependency="llm")

    events = await ask(stack, DEMO)

    assert "llm" in degraded(events)
    assert verdicts(events) == {"quoted"}
    assert finish_reason(events) == "stop"
    assert await stack.metric("orchestrator", "degraded_total", dependency="llm") == before + 1


async def test_a_model_that_hangs_is_replaced_by_quotes_within_its_time_limit(model: FakeLLM, stack: Stack) -> None:
    model.respond_with(lambda _: misbehaviour("hang_before_first_token"))

    events = await ask(stack, DEMO)

    assert "llm" in degraded(events)
    assert verdicts(events) == {"quoted"}


async def test_a_model_cut_after_a_sentence_was_shown_ends_in_an_error(model: FakeLLM, stack: Stack) -> None:
    def cut_after_one(request: RecordedRequest) -> Reply:
        whole = misbehaviour("cut_mid_stream")
        return Reply((said(f"{cite(request, plain_ids(request, 1)[0])} "), said("Et puis"), *whole.steps))

    model.respond_with(cut_after_one)
    events = await ask(stack, DEMO)

    assert len(of_kind(events, Token)) == 1
    assert one(events, Error).code == "llm"
    assert one(events, Error).retryable
    assert finish_reason(events) == "error"


async def test_leaving_closes_the_models_stream_at_once(model: FakeLLM, stack: Stack) -> None:
    never = asyncio.Event()
    model.respond_with(lambda request: Reply((said(f"{cite(request, plain_ids(request, 1)[0])} "), Wait(never))))
    async with (
        httpx.AsyncClient(timeout=20) as http,
        http.stream("POST", f"{stack.url}/chat/stream", json={"query": DEMO}) as response,
    ):
        async for line in response.aiter_lines():
            if line == "event: token":
                break
    left = time.monotonic()
    await model.closed(0)

    assert time.monotonic() - left <= WITHIN_S


async def test_a_turn_counts_its_tokens_and_its_time(model: FakeLLM, stack: Stack) -> None:
    async def counted() -> tuple[float, float, float]:
        return (
            await stack.metric("orchestrator", "llm_request_duration_seconds_count", operation="answer"),
            await stack.metric("orchestrator", "token_usage_total", operation="answer", type="input"),
            await stack.metric("orchestrator", "llm_time_to_first_token_seconds_count"),
        )

    before = await counted()
    await ask(stack, DEMO)

    grown = tuple(after - earlier for after, earlier in zip(await counted(), before, strict=True))
    assert grown == (1, 7, 1)


async def test_the_prompt_fences_and_numbers_the_sources_and_remembers_the_conversation(
    model: FakeLLM, stack: Stack
) -> None:
    first = await ask(stack, DEMO)
    thread = next(event.thread_id for event in first if not isinstance(event, Token) and hasattr(event, "thread_id"))
    await ask(stack, "Et combien de temps avant ?", thread)

    roles = [message["role"] for message in model.requests[1].body["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert model.requests[1].body["messages"][1]["content"] == DEMO
    assert model.requests[1].body["messages"][2]["content"] == answer(first)


async def test_a_question_in_english_is_searched_in_french(model: FakeLLM, stack: Stack) -> None:
    translation = "Comment renouveler un titre de séjour étudiant ?"
    model.respond_with(lambda request: reply_text(translation) if len(model.requests) == 1 else two_sentences(request))

    events: list[Event] = await ask(stack, "How do I renew my student residence permit?")

    assert len(model.requests) == 2
    assert sources_in(model.requests[1])
    assert finish_reason(events) == "stop"
