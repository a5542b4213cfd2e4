"""A small gRPC service whose handlers show every way an RPC can go, over plain bytes.

`python -m support.echo` runs it as a process of its own, as any service runs.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Literal

import grpc
import httpx
import redis.asyncio
import structlog
from opentelemetry import trace
from pydantic_settings import SettingsConfigDict
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from marianne_chassis.grpc_client import remaining
from marianne_chassis.grpc_server import GrpcServer
from marianne_chassis.lifecycle import run_service
from marianne_chassis.settings import ServiceSettings, load_settings

SERVICE = "test.v1.EchoService"

log = structlog.get_logger()

Context = grpc.aio.ServicerContext[bytes, bytes]


class EchoSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="ECHO_")

    port: int = 0
    metrics_port: int = 0
    drain_s: float = 5.0
    broken: Literal["no", "alone", "in_a_group"] = "no"


class Echo:
    """Remembers what happened to its handlers."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.left = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.may_end = asyncio.Event()
        self.metadata: list[tuple[str, str | bytes]] = []
        self.peers: list[str] = []

    async def say(self, request: bytes, context: Context) -> bytes:
        self.entered.set()
        log.info("said")
        self.peers.append(context.peer())
        self.metadata = list(context.invocation_metadata() or ())
        return request

    async def wait(self, request: bytes, context: Context) -> bytes:
        """Answers once the test allows it."""
        await self._held()
        return request

    async def fail(self, request: bytes, context: Context) -> bytes:
        raise ValueError(request.decode())

    async def refuse(self, request: bytes, context: Context) -> bytes:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "query: 1 to 2000 characters")

    async def recover(self, request: bytes, context: Context) -> bytes:
        """Is unavailable the first time."""
        self.peers.append(context.peer())
        if len(self.peers) == 1:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "try again")
        return request

    async def fetch(self, request: bytes, context: Context) -> bytes:
        """Calls a Redis and an HTTP server at these ports, with a secret on the way."""
        redis_port, http_port = request.decode().split()
        async with redis.asyncio.Redis(port=int(redis_port), retry=Retry(NoBackoff(), 0)) as store:
            with contextlib.suppress(redis.ConnectionError):
                await store.set("key", "words of a user")
        async with httpx.AsyncClient() as client:
            return (await client.get(f"http://127.0.0.1:{http_port}/")).content

    async def remain(self, request: bytes, context: Context) -> bytes:
        """How long an onward call limited to `request` seconds may take."""
        return b"%f" % remaining(context, float(request))

    async def stray(self, request: bytes, context: Context) -> bytes:
        """Leaves a task behind that fails."""
        failing = asyncio.create_task(self.fail(request, context))
        await asyncio.wait([failing])
        return request

    async def give_up(self, request: bytes, context: Context) -> bytes:
        """Lets a cancellation through that came from inside."""
        raise asyncio.CancelledError

    async def call_badly(self, request: bytes, context: Context) -> bytes:
        """Makes an onward call that cannot be sent."""
        async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
            onward: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/a/B")
            return await onward(request, metadata=(("UPPER-CASE", "is no key of HTTP/2"),))

    async def write(self, request: bytes, context: Context) -> None:
        """Writes as many messages as asked for, then waits until the test allows the end."""
        for number in range(int(request)):
            await context.write(b"%d" % number)
        await self._held()

    async def generate(self, request: bytes, context: Context) -> AsyncIterator[bytes]:
        """The same as a generator."""
        try:
            for number in range(int(request)):
                yield b"%d" % number
            await self._held()
        finally:
            self.left.set()

    async def flood(self, request: bytes, context: Context) -> AsyncIterator[bytes]:
        """Sends until the reader's window is full, inside a span of its own."""
        self.entered.set()
        try:
            with trace.get_tracer(__name__).start_as_current_span("flood"):
                while True:
                    yield b"x" * 65536
        finally:
            self.left.set()

    async def flood_by_writing(self, request: bytes, context: Context) -> None:
        self.entered.set()
        try:
            while True:
                await context.write(b"x" * 65536)
        finally:
            self.left.set()

    async def converse(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        self.entered.set()
        try:
            async for request in requests:
                yield request
        finally:
            self.left.set()

    async def collect(self, requests: AsyncIterator[bytes], context: Context) -> bytes:
        return b"".join([request async for request in requests])

    async def _held(self) -> None:
        self.entered.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    def handlers(self) -> dict[str, "grpc.RpcMethodHandler[Any, Any]"]:
        unary: Any = grpc.unary_unary_rpc_method_handler
        stream: Any = grpc.unary_stream_rpc_method_handler
        return {
            "Say": unary(self.say),
            "Wait": unary(self.wait),
            "Fail": unary(self.fail),
            "Refuse": unary(self.refuse),
            "Recover": unary(self.recover),
            "Fetch": unary(self.fetch),
            "Remain": unary(self.remain),
            "Stray": unary(self.stray),
            "GiveUp": unary(self.give_up),
            "CallBadly": unary(self.call_badly),
            "Write": stream(self.write),
            "Generate": stream(self.generate),
            "Flood": stream(self.flood),
            "FloodByWriting": stream(self.flood_by_writing),
            "Converse": grpc.stream_stream_rpc_method_handler(self.converse),
            "Collect": grpc.stream_unary_rpc_method_handler(self.collect),
        }

    def register(self, server: GrpcServer) -> None:
        server.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, self.handlers()),))


class EchoStub:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        def unary(name: str) -> grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]:
            return channel.unary_unary(f"/{SERVICE}/{name}")

        def stream(name: str) -> grpc.aio.UnaryStreamMultiCallable[bytes, bytes]:
            return channel.unary_stream(f"/{SERVICE}/{name}")

        self.say = unary("Say")
        self.wait = unary("Wait")
        self.fail = unary("Fail")
        self.refuse = unary("Refuse")
        self.recover = unary("Recover")
        self.fetch = unary("Fetch")
        self.remain = unary("Remain")
        self.stray = unary("Stray")
        self.give_up = unary("GiveUp")
        self.call_badly = unary("CallBadly")
        self.absent = unary("Absent")
        self.write = stream("Write")
        self.generate = stream("Generate")
        self.flood = stream("Flood")
        self.flood_by_writing = stream("FloodByWriting")
        self.converse: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(f"/{SERVICE}/Converse")
        self.collect: grpc.aio.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(f"/{SERVICE}/Collect")


@contextlib.asynccontextmanager
async def serving(
    echo: Echo, settings: ServiceSettings | None = None, **limits: Any
) -> AsyncIterator[tuple[GrpcServer, Callable[[], Coroutine[Any, Any, None]]]]:
    """A started GrpcServer with `echo`, and what stops it and waits for its end."""
    stop = asyncio.Event()
    server = GrpcServer(settings or EchoSettings(), **limits)
    echo.register(server)
    task = asyncio.create_task(server.serve(stop, [SERVICE]))

    async def shut_down() -> None:
        stop.set()
        await task

    started = asyncio.create_task(server.started.wait())
    await asyncio.wait((task, started), return_when=asyncio.FIRST_COMPLETED)
    started.cancel()
    try:
        yield server, shut_down
    finally:
        await shut_down()


async def fall_over() -> None:
    raise RuntimeError("the index is broken")


def main() -> None:
    settings = load_settings(EchoSettings)

    async def serve(stop: asyncio.Event) -> None:
        if settings.broken == "alone":
            await fall_over()
        async with asyncio.TaskGroup() as group:
            if settings.broken == "in_a_group":
                group.create_task(fall_over())
        server = GrpcServer(settings)
        Echo().register(server)
        await server.serve(stop, [SERVICE])

    run_service("echo", settings, serve)


if __name__ == "__main__":
    main()
