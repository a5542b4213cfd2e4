"""The gateway's life: uvicorn is run inside the process' own lifecycle, and closes in order."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import grpc
import structlog
import uvicorn
from starlette.types import ASGIApp

from marianne_chassis.grpc_client import open_channel
from marianne_chassis.settings import SettingError
from marianne_gateway.app import create_app
from marianne_gateway.config import GatewaySettings
from marianne_gateway.gateway import Gateway, assemble
from marianne_gateway.http_middleware import WithoutQueryString
from marianne_gateway.orchestrator_client import IDEMPOTENT_METHODS, Orchestrator
from marianne_gateway.redis_limits import RedisLimits, open_redis

log = structlog.get_logger()

# What the streams leave over once they have ended or their time is up.
_LAST_RESPONSES_S = 2


async def serve(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Serves until `stop`. Then `/readyz` says no, new questions are refused, answers under way get `drain_s` to end,
    and only after that does the door close. Raises SettingError when it cannot listen.
    """
    listener = listening(settings)
    port = listener.getsockname()[1]
    async with open_gateway(settings) as gateway, serving(create_app(gateway), listener):
        log.info("gateway_listening", bind=settings.bind, port=port, keys=len(gateway.keys))
        await stop.wait()
        gateway.streams.close()
        log.info("gateway_draining", drain_s=settings.drain_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(settings.drain_s):
                await gateway.streams.wait_until_idle()


@asynccontextmanager
async def open_gateway(settings: GatewaySettings) -> AsyncIterator[Gateway]:
    """The parts, with a channel to the orchestrator that is tried from now on."""
    async with open_channel(settings.orchestrator_addr, IDEMPOTENT_METHODS) as channel:
        orchestrator = Orchestrator(
            channel,
            call_timeout_s=settings.call_timeout_s,
            first_event_timeout_s=settings.first_event_timeout_s,
            turn_timeout_s=settings.turn_timeout_s,
        )
        async with _shared_limits(settings) as shared:
            gateway = assemble(settings, orchestrator, shared)
            contact = asyncio.create_task(_first_contact(channel, gateway.reached))
            try:
                yield gateway
            finally:
                contact.cancel()


@asynccontextmanager
async def _shared_limits(settings: GatewaySettings) -> AsyncIterator[RedisLimits | None]:
    """None without Redis, when this process counts for itself."""
    if settings.redis_url is None:
        yield None
        return
    async with open_redis(settings.redis_url.get_secret_value(), settings.redis_timeout_s) as redis:
        yield RedisLimits(redis, settings.requests_per_minute, settings.max_streams_per_key, settings.turn_timeout_s)


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Answers HTTP/1.1 on `listener`, which it closes in the end."""
    config = uvicorn.Config(
        WithoutQueryString(app),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,  # longer than the 60 s of the proxies in front, which must not meet a closing door
        timeout_graceful_shutdown=_LAST_RESPONSES_S,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await running


def listening(settings: GatewaySettings) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    try:
        return socket.create_server((settings.bind, settings.port), family=family, backlog=2048)
    except OSError as error:
        where = f"{settings.bind}:{settings.port}"
        raise SettingError(settings, "port", f"cannot listen on {where}: {error.strerror}") from error


class _Server(uvicorn.Server):
    """Leaves signals to the lifecycle that runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _first_contact(channel: grpc.aio.Channel, reached: asyncio.Event) -> None:
    await channel.channel_ready()
    reached.set()
    log.info("orchestrator_reached")
