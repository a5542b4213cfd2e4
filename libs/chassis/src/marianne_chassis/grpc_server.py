"""A gRPC server as every service runs it: telemetry, health, reflection in development, a drain before the end."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from marianne_chassis.server_telemetry import ServerTelemetry
from marianne_chassis.settings import ServiceSettings, SettingError

log = structlog.get_logger()

# Clients that watch the health have left by then; a call that arrives at the very end would be dropped.
_LEAVING_S = 0.5

_SERVING = health_pb2.HealthCheckResponse.SERVING


class GrpcServer:
    """To be created inside the running event loop; servicers are registered on `server` before `serve`.

    `port` is the bound one from `started` on.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        max_message_bytes: int = 4 * 1024 * 1024,
        max_connection_age_s: float = 120.0,
        max_connection_age_grace_s: float = 100.0,
    ) -> None:
        """Connections are asked to end after `max_connection_age_s`, so that clients resolve the address again and
        find new pods; an RPC has `max_connection_age_grace_s` from then on, and must not need longer.
        """
        self._settings = settings
        self._health = _WatchedHealth()
        self.port = 0
        self.started = asyncio.Event()
        self.server = grpc.aio.server(
            interceptors=[ServerTelemetry()],
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", max_message_bytes),
                ("grpc.max_connection_age_ms", round(max_connection_age_s * 1000)),
                ("grpc.max_connection_age_grace_ms", round(max_connection_age_grace_s * 1000)),
                ("grpc.keepalive_time_ms", 30_000),
                ("grpc.keepalive_timeout_ms", 10_000),
                ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
                ("grpc.keepalive_permit_without_calls", 1),
            ],
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.server)

    async def serve(self, stop: asyncio.Event, services: Sequence[str]) -> None:
        """Serves until `stop`, then reports NOT_SERVING, refuses new RPCs and lets running ones end within `drain_s`.

        `services` are the full names of the proto services, for health and reflection.

        Raises SettingError when the address cannot be bound.
        """
        self.port = self._listen()
        if self._settings.environment == "development":
            names = (*services, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self.server)
        await self.server.start()
        for name in ("", *services):
            await self._health.set(name, _SERVING)
        self.started.set()
        log.info("grpc_server_started", bind=self._settings.bind, port=self.port)
        try:
            await stop.wait()
        finally:
            log.info("grpc_server_draining", drain_s=self._settings.drain_s)
            await self._health.enter_graceful_shutdown()
            if self._health.watchers:
                await asyncio.sleep(_LEAVING_S)
            self._health.let_go()
            await self.server.stop(self._settings.drain_s)

    def _listen(self) -> int:
        host = self._settings.bind
        address = f"[{host}]:{self._settings.port}" if ":" in host else f"{host}:{self._settings.port}"
        try:
            return self.server.add_insecure_port(address)
        except RuntimeError as error:
            raise SettingError(self._settings, "port", f"cannot listen on {address}; is it in use?") from error


class _WatchedHealth(health.aio.HealthServicer):
    """Knows how many clients will hear that the server drains, and lets go those that watch to the end."""

    def __init__(self) -> None:
        super().__init__()
        self.watchers = 0
        self._let_go = asyncio.Event()

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Any) -> None:
        self.watchers += 1
        ends = (asyncio.create_task(super().Watch(request, context)), asyncio.create_task(self._let_go.wait()))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
            self.watchers -= 1

    def let_go(self) -> None:
        self._let_go.set()
