"""One question, one trace, through every process."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from marianne_client.events import Meta
from support.events import ask, one
from support.llm import FakeLLM, RecordedRequest, Reply, Send, Wait, chunk, frame, reply_text
from support.otlp import OtlpSink, Span, chain, orphans, otlp_sink, roots
from support.sample import questions
from support.stack import Stack, running_stack
from support.writer import cite, plain_ids

DEMO = questions()[0].text
GATEWAY = "POST /chat/stream"
HANDLE_QUERY = "marianne.orchestrator.v1.OrchestratorService/HandleQuery"
SERVICES = {"marianne-gateway", "marianne-orchestrator", "marianne-retrieval", "marianne-guardrails"}

# The ancestors of each span that somebody looks for, nearest first.
TURN = ["orchestrator_handle_query", HANDLE_QUERY, HANDLE_QUERY, GATEWAY]
SEARCH = "marianne.retrieval.v1.RetrievalService/Search"
CHECK_INPUT = "marianne.guardrails.v1.GuardrailsService/CheckInput"
CHECK_ANSWER = "marianne.guardrails.v1.GuardrailsService/CheckAnswer"
ANCESTORS = {
    "retrieve": TURN,
    "query marianne": [SEARCH, SEARCH, "retrieve", *TURN],
    "guardrail_check_input": [CHECK_INPUT, CHECK_INPUT, "check_input", *TURN],
    "guardrail_check_hallucination": [CHECK_ANSWER, CHECK_ANSWER, *TURN],
    "chat fake-1": ["procedure", *TURN],
}
BEGIN = ["recognise_emergencies", "check_input"]
NODE_PATHS = {
    "procedure": (DEMO, [*BEGIN, "understand", "retrieve", "procedure"]),
    "fact": (
        "Combien coûte le renouvellement du titre de séjour ?",
        [*BEGIN, "understand", "retrieve", "procedure"],
    ),
    "legal": ("Ai-je le droit de travailler avec un récépissé ?", [*BEGIN, "understand", "retrieve", "legal"]),
    "locator": ("Où déposer ma demande de titre de séjour ?", [*BEGIN, "understand", "retrieve", "locator"]),
    "smalltalk": ("Bonjour", [*BEGIN, "understand", "smalltalk"]),
    "out_of_scope": ("Recette ratatouille niçoise", [*BEGIN, "understand", "retrieve", "out_of_scope"]),
}
NODES = {node for _, path in NODE_PATHS.values() for node in path}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[FakeLLM]:
    async with FakeLLM() as fake:
        yield fake


@pytest.fixture(scope="module")
def sink() -> Iterator[OtlpSink]:
    with otlp_sink() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(
    model: FakeLLM, sink: OtlpSink, sample_index: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    environment = {
        "LLM_BASE_URL": model.base_url,
        "LLM_MODEL": "fake-1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
        "OTEL_EXPORTER_OTLP_INSECURE": "true",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    async with running_stack(tmp_path_factory.mktemp("stack"), sample_index, **environment) as running:
        # The first question also learns which corpus serves, with a time limit that a cold start may exceed.
        await ask(running, "Bonjour")
        yield running


def one_sentence(request: RecordedRequest) -> Reply:
    return reply_text(cite(request, plain_ids(request, 1)[0]))


async def trace(sink: OtlpSink, trace_id: str, names: set[str]) -> list[Span]:
    """The spans of a turn, once the outermost one has ended, those named have come, and nobody's parent is missing."""

    def complete(spans: list[Span]) -> bool:
        mine = [span for span in spans if span.trace_id == trace_id]
        return bool(roots(mine)) and not orphans(mine) and names <= {span.name for span in mine}

    return [span for span in await sink.wait_for(complete) if span.trace_id == trace_id]


async def traced(stack: Stack, sink: OtlpSink, query: str, *names: str) -> list[Span]:
    return await trace(sink, one(await ask(stack, query), Meta).trace_id, {"check_input", *names})


async def test_one_question_is_one_trace_with_one_root_and_no_orphan(
    stack: Stack, sink: OtlpSink, model: FakeLLM
) -> None:
    model.respond_with(one_sentence)

    spans = await traced(stack, sink, DEMO, *ANCESTORS)

    assert [root.name for root in roots(spans)] == [GATEWAY]
    assert orphans(spans) == []
    assert {span.service for span in spans} == SERVICES
    assert [(span.name, span.status_message) for span in spans if span.status == "ERROR"] == []


async def test_every_hop_hangs_below_the_one_that_asked_for_it(stack: Stack, sink: OtlpSink, model: FakeLLM) -> None:
    model.respond_with(one_sentence)

    spans = await traced(stack, sink, DEMO, *ANCESTORS)

    for name, ancestors in ANCESTORS.items():
        [span] = [span for span in spans if span.name == name]
        assert chain(spans, span)[1:] == ancestors, name


async def test_the_models_server_is_told_the_trace(stack: Stack, sink: OtlpSink, model: FakeLLM) -> None:
    model.requests.clear()
    model.respond_with(one_sentence)

    spans = await traced(stack, sink, DEMO, "chat fake-1")

    [chat] = [span for span in spans if span.name == "chat fake-1"]
    assert model.requests[0].headers["traceparent"].split("-")[1:3] == [chat.trace_id, chat.span_id]


@pytest.mark.parametrize("intent", NODE_PATHS)
async def test_each_intent_takes_its_own_path_through_the_graph(
    stack: Stack, sink: OtlpSink, model: FakeLLM, intent: str
) -> None:
    model.respond_with(one_sentence)
    query, path = NODE_PATHS[intent]

    spans = await traced(stack, sink, query, *path)

    nodes = sorted((span for span in spans if span.name in NODES), key=lambda span: span.start_ns)
    assert [span.name for span in nodes] == path


async def test_a_client_that_leaves_midway_leaves_one_cancelled_trace(
    stack: Stack, sink: OtlpSink, model: FakeLLM
) -> None:
    never = asyncio.Event()
    model.requests.clear()
    model.respond_with(
        lambda request: Reply(
            (Send(frame(chunk({"content": f"{cite(request, plain_ids(request, 1)[0])} "}))), Wait(never))
        )
    )
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    async with (
        httpx.AsyncClient(timeout=20) as http,
        http.stream("POST", f"{stack.url}/chat/stream", json={"query": DEMO}, headers=headers) as response,
    ):
        async for line in response.aiter_lines():
            if line == "event: token":
                break
    await model.closed(0)

    expected = {GATEWAY, HANDLE_QUERY, "orchestrator_handle_query", "chat fake-1"}

    def cut(spans: list[Span]) -> bool:
        return expected <= {span.name for span in spans if span.trace_id == trace_id and span.status == "ERROR"}

    spans = [span for span in await sink.wait_for(cut) if span.trace_id == trace_id]
    assert {span.name for span in orphans(spans)} == {GATEWAY}


async def test_no_word_of_the_question_is_in_any_span(stack: Stack, sink: OtlpSink, model: FakeLLM) -> None:
    model.respond_with(one_sentence)

    spans = await traced(stack, sink, "Comment renouveler un titre de séjour étudiant à Zanzibarville ?")

    assert "zanzibarville" not in repr(spans).casefold()
    assert "renouveler" not in repr(spans).casefold()


async def test_no_word_of_the_question_is_in_any_log(stack: Stack, model: FakeLLM) -> None:
    model.respond_with(one_sentence)

    await ask(stack, "Comment renouveler un titre de séjour étudiant à Zanzibarville ?")

    assert "zanzibarville" not in stack.output().casefold()
