"""The traced channel: a span and a count for each RPC that this process makes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import grpc
from opentelemetry import propagate, trace

from marianne_chassis.rpc import SERVER_ADDRESS, SERVER_PORT, Method, Observation

Attributes = dict[str, str | int]
UnaryCall = grpc.aio.UnaryUnaryCall[Any, Any]


class TracedChannel(grpc.aio.Channel):
    """A channel whose RPCs are traced and counted.

    Unary RPCs pass an interceptor. Streams do not: grpc.aio would relay every message of an intercepted stream through
    a generator. Their calls are watched from outside and handed out as they are.
    """

    def __init__(self, target: str, options: Sequence[tuple[str, Any]]) -> None:
        self._attributes = _address(target)
        interceptor = _UnaryTelemetry(self._attributes)
        self._channel: Any = grpc.aio.insecure_channel(target, options=options, interceptors=[interceptor])

    def unary_unary(self, method: str, *args: Any, **options: Any) -> Any:
        return self._channel.unary_unary(method, *args, **options)

    def unary_stream(self, method: str, *args: Any, **options: Any) -> Any:
        return self._watched(method, self._channel.unary_stream(method, *args, **options))

    def stream_unary(self, method: str, *args: Any, **options: Any) -> Any:
        return self._watched(method, self._channel.stream_unary(method, *args, **options))

    def stream_stream(self, method: str, *args: Any, **options: Any) -> Any:
        return self._watched(method, self._channel.stream_stream(method, *args, **options))

    def _watched(self, path: str, multi_callable: Callable[..., grpc.aio.Call]) -> Any:
        method = Method.parse(path)
        if method.is_plumbing:
            return multi_callable

        def call(*args: Any, metadata: Iterable[tuple[str, str | bytes]] = (), **options: Any) -> grpc.aio.Call:
            observation = Observation("client", method, attributes=self._attributes)
            try:
                started = multi_callable(*args, metadata=_with_trace(metadata, observation), **options)
            except Exception:
                observation.end(grpc.StatusCode.INTERNAL)
                raise
            started.add_done_callback(lambda ended: observation.end(_final_code(ended)))
            return started

        return call

    async def close(self, grace: float | None = None) -> None:
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        state: grpc.ChannelConnectivity = self._channel.get_state(try_to_connect)
        return state

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._channel.channel_ready()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.close()


class _UnaryTelemetry(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, attributes: Attributes) -> None:
        self._attributes = attributes

    async def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Awaitable[UnaryCall]],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> UnaryCall:
        method = Method.parse(client_call_details.method)
        if method.is_plumbing:
            return await continuation(client_call_details, request)
        observation = Observation("client", method, attributes=self._attributes)
        code = grpc.StatusCode.INTERNAL
        try:
            call = await continuation(_traced(client_call_details, observation), request)
            # Awaited here, because a call that fails before it is sent never reports that it is done.
            await call
            code = grpc.StatusCode.OK
        except grpc.aio.AioRpcError as error:
            code = error.code()
            raise
        except asyncio.CancelledError:
            code = grpc.StatusCode.CANCELLED
            raise
        finally:
            observation.end(code)
        return call


def _traced(details: grpc.aio.ClientCallDetails, observation: Observation) -> grpc.aio.ClientCallDetails:
    return grpc.aio.ClientCallDetails(
        details.method,
        details.timeout,
        _with_trace(details.metadata or (), observation),
        details.credentials,
        details.wait_for_ready,
    )


def _with_trace(metadata: Iterable[tuple[str, str | bytes]], observation: Observation) -> grpc.aio.Metadata:
    headers: dict[str, str] = {}
    propagate.inject(headers, trace.set_span_in_context(observation.span))
    return grpc.aio.Metadata(*(metadata or ()), *headers.items())


def _final_code(call: grpc.aio.Call) -> grpc.StatusCode:
    """The code of a call that has ended. Its coroutine has nothing left to wait for, so it needs no task, which the
    end of the loop might cut short.
    """
    try:
        call.code().send(None)
    except StopIteration as returned:
        code: grpc.StatusCode = returned.value
        return code
    raise RuntimeError("the call has not ended")


def _address(target: str) -> Attributes:
    host, _, port = target.rpartition("/")[2].rpartition(":")
    return {SERVER_ADDRESS: host, SERVER_PORT: int(port)} if host and port.isdigit() else {SERVER_ADDRESS: target}
