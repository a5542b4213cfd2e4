"""The span of a call and what its observer hears."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from marianne_orchestrator.llm.errors import LLMError
from marianne_orchestrator.llm.openai_compatible import OpenAICompatibleModel
from marianne_orchestrator.llm.stream import Usage
from support.llm import FakeLLM, Hang, Reply, Send, misbehaviour, token_frames

ModelFactory = Callable[..., OpenAICompatibleModel]
PROMPT = [HumanMessage("Mon secret ?")]
Heard = list[tuple[Any, ...]]


async def answer(model: OpenAICompatibleModel) -> str:
    return "".join([str(chunk.content) async for chunk in model.astream(PROMPT)])


def the_chat_span(spans: InMemorySpanExporter) -> ReadableSpan:
    (span,) = [span for span in spans.get_finished_spans() if span.name == "chat small"]
    return span


@contextmanager
def instrumented_httpx() -> Iterator[None]:
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument()
    try:
        yield
    finally:
        instrumentor.uninstrument()


async def test_one_client_span_covers_the_whole_stream(
    model: OpenAICompatibleModel, spans: InMemorySpanExporter
) -> None:
    await answer(model)

    span = the_chat_span(spans)
    attributes = dict(span.attributes or {})
    assert 0 < float(str(attributes.pop("gen_ai.response.time_to_first_chunk"))) < 10
    assert attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "small",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "fake-1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 4,
        "server.address": "127.0.0.1",
    }
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET


async def test_the_span_is_a_child_of_the_caller_and_the_parent_of_the_server(
    model: OpenAICompatibleModel, fake: FakeLLM, spans: InMemorySpanExporter
) -> None:
    with trace.get_tracer("test").start_as_current_span("node") as node:
        await answer(model)

    span = the_chat_span(spans)
    assert span.context is not None
    assert span.parent is not None
    assert span.parent.span_id == node.get_span_context().span_id
    _, trace_id, parent_id, _ = fake.requests[0].headers["traceparent"].split("-")
    assert trace_id == trace.format_trace_id(node.get_span_context().trace_id)
    assert parent_id == trace.format_span_id(span.context.span_id)


async def test_the_instrumentation_of_httpx_adds_no_span(
    model: OpenAICompatibleModel, fake: FakeLLM, spans: InMemorySpanExporter
) -> None:
    with instrumented_httpx():
        await answer(model)
        await model.ainvoke(PROMPT)

    assert [span.name for span in spans.get_finished_spans()] == ["chat small", "chat small"]
    context = spans.get_finished_spans()[0].context
    assert context is not None
    assert trace.format_span_id(context.span_id) in fake.requests[0].headers["traceparent"]


async def test_the_span_is_not_current_while_its_text_is_used(
    model: OpenAICompatibleModel, spans: InMemorySpanExporter
) -> None:
    before = trace.get_current_span()

    assert {trace.get_current_span() async for _ in model.astream(PROMPT)} == {before}


@pytest.mark.parametrize(
    ("name", "error_type", "outcome"),
    [
        ("unauthorized", "LLMRefused", "refused"),
        ("overloaded", "LLMUnavailable", "unavailable"),
        ("hang_before_first_token", "LLMTimeout", "timeout"),
        ("web_page", "LLMProtocolError", "protocol_error"),
        ("zero_tokens", "LLMNoText", "no_text"),
        ("cut_mid_stream", "LLMInterrupted", "interrupted"),
    ],
)
async def test_a_failure_is_on_the_span_and_told_to_the_observer(
    make_model: ModelFactory,
    fake: FakeLLM,
    spans: InMemorySpanExporter,
    heard: Heard,
    name: str,
    error_type: str,
    outcome: str,
) -> None:
    fake.script(misbehaviour(name))

    with pytest.raises(LLMError):
        await answer(make_model(fake.base_url, first_token_timeout_s=0.5 if outcome == "timeout" else 20))

    span = the_chat_span(spans)
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == error_type
    assert heard[-1][3] == outcome


async def test_a_cancellation_is_on_the_span_and_told_to_the_observer(
    model: OpenAICompatibleModel, fake: FakeLLM, spans: InMemorySpanExporter, heard: Heard
) -> None:
    fake.script(Reply((*map(Send, token_frames("Bonjour.")), Hang())))
    asking = asyncio.create_task(answer(model))
    await fake.received(0)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    span = the_chat_span(spans)
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "CancelledError"
    assert heard[-1] == ("finished", "small", "answer", "cancelled", None)


async def test_the_observer_hears_start_first_token_and_end(model: OpenAICompatibleModel, heard: Heard) -> None:
    await answer(model)

    assert heard == [
        ("started", "small", "answer"),
        ("first_token", "small", "answer"),
        ("finished", "small", "answer", "ok", Usage(7, 4)),
    ]


async def test_attempts_and_fail_over_are_one_call(
    make_model: ModelFactory, fake: FakeLLM, second: FakeLLM, spans: InMemorySpanExporter, heard: Heard
) -> None:
    fake.respond_with(lambda _request: misbehaviour("overloaded"))

    await answer(make_model(fake.base_url, second.base_url, attempts=2))

    assert the_chat_span(spans).status.status_code is StatusCode.UNSET
    assert [what for what, *_ in heard] == ["started", "first_token", "finished"]


async def test_tokens_of_an_answer_without_text_are_counted(
    model: OpenAICompatibleModel, fake: FakeLLM, heard: Heard
) -> None:
    fake.script(misbehaviour("zero_tokens"))

    with pytest.raises(LLMError):
        await answer(model)

    assert heard[-1][4] == Usage(7, 0)


async def test_neither_question_nor_answer_is_on_the_span(
    model: OpenAICompatibleModel, fake: FakeLLM, spans: InMemorySpanExporter
) -> None:
    fake.script(misbehaviour("cut_mid_stream", "Zoé habite ici."))

    with pytest.raises(LLMError):
        await answer(model)

    shown = the_chat_span(spans).to_json()
    assert "secret" not in shown
    assert "Zo" not in shown
