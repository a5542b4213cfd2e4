"""Limits that all gateways share, kept in Redis. Without Redis nobody is refused: limits protect, they do not serve."""

import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from marianne_gateway.limits import too_many_streams

log = structlog.get_logger()

_BREAKER_S = 5.0

# The generic cell rate algorithm (https://www.itu.int/rec/T-REC-I.371): microseconds between requests, microseconds
# that may be saved up -> microseconds to wait, 0 when admitted.
_ADMIT = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local wait = due - now - ARGV[2]
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', due + ARGV[1]), 'PX', math.ceil((due - now + ARGV[1]) / 1000))
return 0
"""
# most, a name for the stream, seconds after which it counts as gone -> 1 when there is room
_ENTER = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""


class RedisLimits:
    """Requests a minute and streams at a time of each caller. After a failure Redis is left alone for 5 s."""

    def __init__(
        self,
        redis: "Redis",
        per_minute: int,
        streams: int | None,
        longest_stream_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._admit = redis.register_script(_ADMIT)
        self._enter = redis.register_script(_ENTER)
        self._interval_us = round(60_000_000 / per_minute)
        self._saved_us = self._interval_us * (per_minute - 1)
        self._streams = streams
        self._longest_s = round(longest_stream_s)
        self._clock = clock
        self._closed_until = float("-inf")

    async def admit(self, caller: str) -> float:
        wait_us = await self._try(lambda: self._admit([_key("rate", caller)], [self._interval_us, self._saved_us]))
        return (wait_us or 0) / 1_000_000

    @asynccontextmanager
    async def slot(self, caller: str) -> AsyncIterator[None]:
        """Raises Refusal when the caller has no room for another stream."""
        if self._streams is None:
            yield
            return
        key, name = _key("streams", caller), secrets.token_hex(8)
        if await self._try(lambda: self._enter([key], [self._streams or 0, name, self._longest_s])) == 0:
            raise too_many_streams()
        try:
            yield
        finally:
            await self._try(lambda: self._redis.zrem(key, name))

    async def _try(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """None while Redis is away."""
        if self._clock() < self._closed_until:
            return None
        try:
            return await call()
        except (RedisError, OSError) as error:
            self._closed_until = self._clock() + _BREAKER_S
            log.warning("limits_unavailable", error=type(error).__name__, retry_after_s=_BREAKER_S)
            return None


@asynccontextmanager
async def open_redis(url: str, timeout_s: float) -> AsyncIterator["Redis"]:
    redis = Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0))
    try:
        yield redis
    finally:
        await redis.aclose()


def _key(kind: str, caller: str) -> str:
    # A caller may be an address, which Redis need not know.
    return f"marianne:{kind}:{hashlib.sha256(caller.encode()).hexdigest()[:32]}"
