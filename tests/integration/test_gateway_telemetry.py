import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from support.gateway import RunningGateway, next_chunk, running_gateway
from support.orchestrator import Break, FakeOrchestrator, done, meta, token
from support.otlp import Span, process_sink

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
SECRET = "mon-secret-a-moi"


@pytest.fixture(name="orchestrator")
async def _orchestrator() -> FakeOrchestrator:
    return FakeOrchestrator()


@pytest.fixture(name="gateway")
async def _gateway(orchestrator: FakeOrchestrator) -> AsyncIterator[RunningGateway]:
    process_sink().clear()
    async with orchestrator.running() as address, running_gateway(address) as gateway:
        yield gateway


async def server_spans() -> list[Span]:
    spans = await process_sink().wait_for(lambda spans: any(span.kind == "SERVER" for span in spans))
    return [span for span in spans if span.kind == "SERVER"]


async def test_one_trace_goes_from_the_caller_through_the_gateway_to_the_orchestrator(
    gateway: RunningGateway, orchestrator: FakeOrchestrator
) -> None:
    headers = {"traceparent": f"00-{TRACE_ID}-{CALLER}-01"}
    await gateway.http.post("/chat/stream", json={"query": "?"}, headers=headers)

    spans = await process_sink().wait_for(lambda spans: len(spans) >= 2)

    server = next(span for span in spans if span.kind == "SERVER")
    client = next(span for span in spans if span.kind == "CLIENT")
    assert (server.trace_id, server.parent_id) == (TRACE_ID, CALLER)
    assert (client.trace_id, client.parent_id) == (TRACE_ID, server.span_id)
    assert orchestrator.metadata["traceparent"] == f"00-{TRACE_ID}-{client.span_id}-01"
    assert server.name == "POST /chat/stream"


async def test_the_span_lasts_as_long_as_the_stream(gateway: RunningGateway, orchestrator: FakeOrchestrator) -> None:
    go_on = asyncio.Event()
    orchestrator.play(meta(), go_on, token("Une phrase."), done())
    async with gateway.http.stream("POST", "/chat/stream", json={"query": "?"}) as response:
        chunks = response.aiter_raw()
        await next_chunk(chunks)
        assert [span for span in process_sink().spans() if span.kind == "SERVER"] == []
        go_on.set()
        assert b"event: done" in b"".join([chunk async for chunk in chunks])

    [span] = await server_spans()

    assert (span.status, span.attributes["marianne.finish_reason"]) == ("UNSET", "stop")


async def test_a_reader_that_leaves_is_seen_in_the_trace(
    gateway: RunningGateway, orchestrator: FakeOrchestrator
) -> None:
    orchestrator.play(meta(), asyncio.Event())
    async with gateway.http.stream("POST", "/chat/stream", json={"query": "?"}) as response:
        chunks = response.aiter_raw()
        await next_chunk(chunks)

    [span] = await server_spans()

    assert (span.status, span.attributes["marianne.finish_reason"]) == ("ERROR", "cancelled")


@pytest.mark.parametrize("path", ["/chat/stream", "/chat"])
async def test_a_turn_that_erred_is_an_error_in_the_trace(
    gateway: RunningGateway, orchestrator: FakeOrchestrator, path: str
) -> None:
    orchestrator.play(meta(), Break(grpc.StatusCode.UNAVAILABLE))
    await gateway.http.post(path, json={"query": "?"})

    [span] = await server_spans()

    assert span.status == "ERROR"
    assert span.attributes["marianne.finish_reason"] == "error"
    assert span.attributes["error.type"] in {"unavailable", "503"}


async def test_nothing_that_was_typed_is_in_a_span(gateway: RunningGateway) -> None:
    await gateway.http.post(f"/chat?q={SECRET}", json={"query": SECRET, "thread_id": SECRET, SECRET: SECRET})
    await gateway.http.post("/chat", json={"query": SECRET})
    await gateway.http.get(f"/?q={SECRET}")

    spans = await process_sink().wait_for(lambda spans: sum(span.kind == "SERVER" for span in spans) == 2)

    assert SECRET not in str(spans)


async def test_probes_and_the_page_leave_no_trace(gateway: RunningGateway) -> None:
    for path in ("/livez", "/readyz", "/", "/page.json", "/web/chat.css"):
        await gateway.http.get(path)
    await gateway.http.get("/threads/t_1")

    assert [span.name for span in await server_spans()] == ["GET /threads/{thread_id}"]
