"""The server interceptor: one span and one count for each RPC, and errors that leak nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from inspect import isasyncgenfunction
from typing import Any, TypeAlias

import grpc
import structlog
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.context import Context

from marianne_chassis.rpc import Method, Observation

log = structlog.get_logger()

ServicerContext = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
Behaviour = Callable[[Any, ServicerContext], Awaitable[Any]]

# grpc.aio tells a handler that its client left in two ways: what it reads ends or what it writes fails, and its task is
# cancelled, which may come last. So long is waited for that: after a failed write, and after the end of what was read.
_AFTER_FAILED_WRITE_S = 1.0
_AFTER_LAST_READ_S = 0.01


class ServerTelemetry(grpc.aio.ServerInterceptor):
    """Traces and counts every RPC but health and reflection.

    grpc.aio runs each RPC in a task of its own, so the span is attached to that task and never detached: a handler
    that is cancelled while it waits for a slow reader has no other context to restore.

    An exception that a handler lets through is logged and becomes INTERNAL. To answer otherwise a servicer calls
    `context.abort(code, message)`.
    """

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        handler = await continuation(handler_call_details)
        method = Method.parse(handler_call_details.method)
        return handler if handler is None or method.is_plumbing else _observed(handler, method)


def _observed(handler: "grpc.RpcMethodHandler[Any, Any]", method: Method) -> Handler:
    behaviour: Any = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    if isasyncgenfunction(behaviour):
        behaviour = _writing(behaviour)
    if handler.request_streaming:
        behaviour = _reading(behaviour)

    async def observed(request: Any, context: ServicerContext) -> Any:
        return await _run(behaviour, request, context, method)

    factories = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    factory: Any = factories[handler.request_streaming, handler.response_streaming]
    wrapped: Handler = factory(observed, handler.request_deserializer, handler.response_serializer)
    return wrapped


def _writing(generator: Callable[[Any, ServicerContext], AsyncIterator[Any]]) -> Behaviour:
    """A generator handler as one that writes, so that it is closed in the task that ran it."""

    async def write_all(request: Any, context: ServicerContext) -> None:
        async with aclosing(generator(request, context)) as messages:  # type: ignore[type-var]
            async for message in messages:
                await context.write(message)

    return write_all


def _reading(behaviour: Behaviour) -> Behaviour:
    async def read_all(requests: Any, context: ServicerContext) -> Any:
        response = await behaviour(requests, context)
        await asyncio.sleep(_AFTER_LAST_READ_S)
        return response

    return read_all


async def _run(behaviour: Behaviour, request: Any, context: ServicerContext, method: Method) -> Any:
    carrier = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    observation = Observation("server", method, parent=propagate.extract(carrier, Context()))
    otel_context.attach(trace.set_span_in_context(observation.span))
    cancelled = False
    try:
        return await _answer(behaviour, request, context, method)
    except asyncio.CancelledError:
        cancelled = True
        raise
    finally:
        code: grpc.StatusCode | None = grpc.StatusCode.CANCELLED if cancelled else context.code()
        observation.end(code or grpc.StatusCode.OK)


async def _answer(behaviour: Behaviour, request: Any, context: ServicerContext, method: Method) -> Any:
    try:
        return await behaviour(request, context)
    except grpc.aio.AbortError:
        raise
    except (Exception, asyncio.CancelledError) as error:
        if isinstance(error, grpc.aio.InternalError):
            await asyncio.sleep(_AFTER_FAILED_WRITE_S)
        if isinstance(error, asyncio.CancelledError) and _is_cancelled():
            raise
        # A cancellation that nobody asked for is a fault like any other; without a status the client would wait on.
        log.exception("rpc_failed", rpc=method.full_name)
        await context.abort(grpc.StatusCode.INTERNAL, "internal error")


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
