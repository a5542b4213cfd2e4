"""What telemetry and callers see of an RPC, over a real server and channel."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from opentelemetry import trace

from marianne_chassis.grpc_client import open_channel
from support.echo import SERVICE, Echo, EchoStub, serving
from support.otlp import Span, chain, orphans, process_sink, root_span, roots

BOTH_SIDES = 2
ILLEGAL = (("UPPER-CASE", "is no key of HTTP/2"),)


@pytest.fixture(name="echo")
async def _echo() -> Echo:
    return Echo()


@pytest.fixture(name="stub")
async def _stub(echo: Echo) -> AsyncIterator[EchoStub]:
    async with serving(echo) as (server, _), open_channel(f"127.0.0.1:{server.port}") as channel:
        yield EchoStub(channel)


async def sides(trace_id: str, method: str) -> tuple[Span, Span]:
    """The client's and the server's span of the one RPC to `method` in the trace."""

    def both(spans: list[Span]) -> bool:
        return len([span for span in spans if span.name == f"{SERVICE}/{method}"]) == BOTH_SIDES

    spans = await process_sink().wait_for(both, trace_id=trace_id)
    by_kind = {span.kind: span for span in spans if span.name == f"{SERVICE}/{method}"}
    return by_kind["CLIENT"], by_kind["SERVER"]


async def cancelled(call: Any) -> None:
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call.read() if hasattr(call, "read") else await call


async def within(event: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        await event.wait()


async def test_one_trace_crosses_a_unary_rpc(stub: EchoStub) -> None:
    with root_span() as trace_id:
        assert await stub.say(b"hello") == b"hello"

    client, server = await sides(trace_id, "Say")
    spans = await process_sink().wait_for(lambda spans: len(spans) == 3, trace_id=trace_id)
    assert chain(spans, server) == [server.name, client.name, "test"]
    assert len(roots(spans)) == 1
    assert orphans(spans) == []


async def test_spans_follow_the_conventions_for_rpc(stub: EchoStub) -> None:
    with root_span() as trace_id:
        await stub.say(b"hello")

    client, server = await sides(trace_id, "Say")
    common = {"rpc.system.name": "grpc", "rpc.method": f"{SERVICE}/Say", "rpc.response.status_code": "OK"}
    assert server.attributes == common
    assert client.attributes.items() >= {**common, "server.address": "127.0.0.1"}.items()
    assert isinstance(client.attributes["server.port"], int)
    assert (client.status, server.status) == ("UNSET", "UNSET")


@pytest.mark.parametrize("method", ["Write", "Generate"])
async def test_a_stream_that_ends_is_ok_on_both_sides(stub: EchoStub, echo: Echo, method: str) -> None:
    echo.may_end.set()

    with root_span() as trace_id:
        messages = [message async for message in getattr(stub, method.lower())(b"3")]

    client, server = await sides(trace_id, method)
    assert messages == [b"0", b"1", b"2"]
    assert client.attributes["rpc.response.status_code"] == server.attributes["rpc.response.status_code"] == "OK"
    assert server.parent_id == client.span_id


async def test_a_conversation_is_one_span_on_each_side(stub: EchoStub) -> None:
    with root_span() as trace_id:
        call = stub.converse()
        await call.write(b"a")
        assert await call.read() == b"a"
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF

    client, server = await sides(trace_id, "Converse")
    assert server.parent_id == client.span_id
    assert client.attributes["rpc.response.status_code"] == server.attributes["rpc.response.status_code"] == "OK"


async def test_requests_may_stream_to_one_response(stub: EchoStub) -> None:
    with root_span() as trace_id:
        assert await stub.collect(iter([b"a", b"b"])) == b"ab"

    client, server = await sides(trace_id, "Collect")
    assert server.parent_id == client.span_id


async def test_the_span_of_a_call_is_not_current_for_its_caller(stub: EchoStub, echo: Echo) -> None:
    echo.may_end.set()

    with root_span():
        current = trace.get_current_span()
        async for _ in stub.generate(b"2"):
            assert trace.get_current_span() is current
        assert trace.get_current_span() is current


async def test_metadata_of_the_caller_arrives(stub: EchoStub, echo: Echo) -> None:
    await stub.say(b"", metadata=(("x-key", "value"),))

    assert ("x-key", "value") in [tuple(pair) for pair in echo.metadata]


async def test_baggage_is_neither_sent_nor_trusted(stub: EchoStub, echo: Echo) -> None:
    with root_span():
        await stub.say(b"")

    assert "baggage" not in dict(echo.metadata)


async def test_cancelling_a_unary_call_reaches_the_handler(stub: EchoStub, echo: Echo) -> None:
    with root_span() as trace_id:
        call = asyncio.ensure_future(stub.wait(b""))
        await within(echo.entered)
        call.cancel()
        await within(echo.cancelled)

    client, server = await sides(trace_id, "Wait")
    assert (client.status, client.status_message) == ("ERROR", "CANCELLED")
    assert (server.status, server.status_message) == ("ERROR", "CANCELLED")


async def test_a_timeout_around_a_unary_call_reaches_the_handler(stub: EchoStub, echo: Echo) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stub.wait(b""), 0.2)

    await within(echo.cancelled)


@pytest.mark.parametrize("method", ["write", "generate"])
async def test_a_stream_cancelled_halfway_is_cancelled_on_both_sides(stub: EchoStub, echo: Echo, method: str) -> None:
    with root_span() as trace_id:
        call = getattr(stub, method)(b"2")
        assert await call.read() == b"0"
        await within(echo.entered)
        await cancelled(call)
        await within(echo.cancelled)

    client, server = await sides(trace_id, method.title())
    assert (client.status, client.status_message) == ("ERROR", "CANCELLED")
    assert (server.status, server.status_message) == ("ERROR", "CANCELLED")


async def test_a_stream_is_cancelled_by_the_reader_that_leaves_it(stub: EchoStub, echo: Echo) -> None:
    async def read() -> None:
        call = stub.write(b"1")
        try:
            async for _ in call:
                pass
        finally:
            call.cancel()

    with root_span() as trace_id:
        reader = asyncio.create_task(read())
        await within(echo.entered)
        reader.cancel()
        await within(echo.cancelled)

    client, server = await sides(trace_id, "Write")
    assert client.status_message == server.status_message == "CANCELLED"


async def test_conversations_that_the_client_leaves_do_not_look_ended(stub: EchoStub, echo: Echo) -> None:
    codes = []
    for _ in range(5):
        with root_span() as trace_id:
            call = stub.converse()
            await call.write(b"a")
            await call.read()
            await cancelled(call)
        client, server = await sides(trace_id, "Converse")
        assert client.status_message == "CANCELLED"
        codes.append(server.attributes["rpc.response.status_code"])

    # grpc.aio may tell the end of the requests so long before the cancellation that one looks like an end.
    assert codes.count("CANCELLED") >= 4


@pytest.mark.parametrize("method", ["Flood", "FloodByWriting"])
async def test_cancels_under_back_pressure_leave_no_noise(
    stub: EchoStub, echo: Echo, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    call_method: Callable[[bytes], Any] = stub.flood if method == "Flood" else stub.flood_by_writing
    for _ in range(10):
        echo.left.clear()
        with root_span() as trace_id:
            call = call_method(b"")
            await call.read()
            await cancelled(call)
            await within(echo.left)
        _, server = await sides(trace_id, method)
        assert server.status_message == "CANCELLED"
    gc.collect()

    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_span_inside_a_cancelled_generator_keeps_its_place(stub: EchoStub, echo: Echo) -> None:
    with root_span() as trace_id:
        call = stub.flood(b"")
        await call.read()
        await cancelled(call)
        await within(echo.left)

    spans = await process_sink().wait_for(lambda spans: len(spans) == 4, trace_id=trace_id)
    (inner,) = [span for span in spans if span.name == "flood"]
    assert chain(spans, inner) == ["flood", f"{SERVICE}/Flood", f"{SERVICE}/Flood", "test"]


async def test_a_deadline_ends_the_handler_and_is_told_apart(stub: EchoStub, echo: Echo) -> None:
    with root_span() as trace_id, pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.wait(b"", timeout=0.2)

    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await within(echo.cancelled)
    client, server = await sides(trace_id, "Wait")
    assert client.status_message == "DEADLINE_EXCEEDED"
    assert server.status == "ERROR"


async def test_an_onward_call_takes_no_longer_than_the_caller_waits(stub: EchoStub) -> None:
    assert 0 < float(await stub.remain(b"60", timeout=5)) < 5.5
    assert float(await stub.remain(b"2", timeout=60)) == 2
    assert float(await stub.remain(b"2")) == 2


async def test_an_unexpected_exception_becomes_internal_and_leaks_nothing(stub: EchoStub) -> None:
    with root_span() as trace_id, pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.fail(b"words of a user")

    assert (error.value.code(), error.value.details()) == (grpc.StatusCode.INTERNAL, "internal error")
    client, server = await sides(trace_id, "Fail")
    assert (server.status, server.attributes["error.type"]) == ("ERROR", "INTERNAL")
    assert "words of a user" not in repr((client, server))


async def test_a_refusal_of_the_servicer_reaches_the_caller_and_is_no_fault_of_the_server(stub: EchoStub) -> None:
    with root_span() as trace_id, pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.refuse(b"")

    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.value.details() == "query: 1 to 2000 characters"
    client, server = await sides(trace_id, "Refuse")
    assert server.attributes["rpc.response.status_code"] == "INVALID_ARGUMENT"
    assert (client.status, server.status) == ("ERROR", "UNSET")


async def test_a_cancellation_that_nobody_asked_for_is_answered(stub: EchoStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.give_up(b"", timeout=10)

    assert error.value.code() is grpc.StatusCode.INTERNAL


async def test_a_failure_inside_an_onward_call_is_answered(stub: EchoStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.call_badly(b"", timeout=10)

    assert error.value.code() is grpc.StatusCode.INTERNAL


async def test_a_call_to_an_unknown_method_is_unimplemented(stub: EchoStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.absent(b"")

    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_unary_call_that_cannot_be_sent_fails_at_once_and_its_span_ends(stub: EchoStub) -> None:
    with root_span() as trace_id, pytest.raises(grpc.aio.BaseError):
        await asyncio.wait_for(stub.say(b"", metadata=ILLEGAL), 5)

    spans = await process_sink().wait_for(lambda spans: len(spans) == 2, trace_id=trace_id)
    assert [span.status for span in spans if span.kind == "CLIENT"] == ["ERROR"]


@pytest.mark.parametrize("method", ["write", "converse"])
async def test_a_stream_that_cannot_be_sent_fails_at_once_and_its_span_ends(stub: EchoStub, method: str) -> None:
    arguments = [b"1"] if method == "write" else []
    with root_span() as trace_id, pytest.raises(grpc.aio.AioRpcError):
        await asyncio.wait_for(getattr(stub, method)(*arguments, metadata=ILLEGAL).read(), 5)

    spans = await process_sink().wait_for(lambda spans: len(spans) == 2, trace_id=trace_id)
    assert [span.status for span in spans if span.kind == "CLIENT"] == ["ERROR"]
