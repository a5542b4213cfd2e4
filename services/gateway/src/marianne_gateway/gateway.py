"""What the routes share."""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from marianne_gateway.config import GatewaySettings
from marianne_gateway.ids import Ids
from marianne_gateway.keys import ApiKeys
from marianne_gateway.limits import CallerStreams, MemoryCallerStreams, RateLimiter, Streams, TokenBuckets
from marianne_gateway.orchestrator_client import Orchestrator
from marianne_gateway.redis_limits import RedisLimits


@dataclass(frozen=True, slots=True)
class Gateway:
    """`reached` is set once the orchestrator has been reached for the first time."""

    settings: GatewaySettings
    orchestrator: Orchestrator
    keys: ApiKeys
    ids: Ids
    rates: RateLimiter
    caller_streams: CallerStreams
    streams: Streams
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_ready(self) -> bool:
        return self.reached.is_set() and not self.streams.is_closing


def assemble(settings: GatewaySettings, orchestrator: Orchestrator, shared: RedisLimits | None = None) -> Gateway:
    """With everything else as the settings say. Without a signing key, ids hold for the life of this process; without
    `shared` limits, callers are counted by this process.
    """
    signing_key = settings.signing_key
    return Gateway(
        settings=settings,
        orchestrator=orchestrator,
        keys=ApiKeys.read(settings.api_keys_file),
        ids=Ids(signing_key.get_secret_value().encode() if signing_key else secrets.token_bytes(32)),
        rates=shared or TokenBuckets(settings.requests_per_minute),
        caller_streams=shared or MemoryCallerStreams(settings.max_streams_per_key),
        streams=Streams(settings.max_streams),
    )


def _of(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


CurrentGateway = Annotated[Gateway, Depends(_of)]
