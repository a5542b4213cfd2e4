"""One Redis for all that the orchestrator keeps, left alone for a while after it failed."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

logger = structlog.get_logger(__name__)

T = TypeVar("T")

BREAKER_S = 5.0
# The longest that one command may wait for something to happen.
WAIT_S = 1.0


class RedisUnavailableError(Exception):
    """Redis did not answer, or is being left alone because it did not."""


class RedisConnection:
    """A pool of connections behind a breaker: after a failure nobody calls for BREAKER_S seconds."""

    def __init__(self, url: str, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = _client(url, timeout_s, timeout_s)
        self._waiting = _client(url, timeout_s, timeout_s + WAIT_S)
        self._clock = clock
        self._closed_until = float("-inf")

    async def call(self, command: Callable[["Redis"], Awaitable[T]]) -> T:
        """Raises RedisUnavailableError."""
        return await self._guarded(command, self._redis)

    async def wait(self, command: Callable[["Redis"], Awaitable[T]]) -> T:
        """The same for a command that may block for up to WAIT_S."""
        return await self._guarded(command, self._waiting)

    async def close(self) -> None:
        await self._redis.aclose()
        await self._waiting.aclose()

    async def _guarded(self, command: Callable[["Redis"], Awaitable[T]], client: "Redis") -> T:
        if self._clock() < self._closed_until:
            raise RedisUnavailableError
        try:
            return await _cancellable(command(client))
        except (RedisError, OSError) as error:
            self._closed_until = self._clock() + BREAKER_S
            logger.warning("redis_unavailable", error=type(error).__name__, retry_after_s=BREAKER_S)
            raise RedisUnavailableError from error


async def _cancellable(answer: Awaitable[T]) -> T:
    """The client loses a cancellation that arrives while it connects; here it counts after all."""
    task = asyncio.current_task()
    cancelled_before = task.cancelling() if task else 0
    try:
        return await answer
    finally:
        if task and task.cancelling() > cancelled_before:
            raise asyncio.CancelledError


def _client(url: str, connect_timeout_s: float, answer_timeout_s: float) -> "Redis":
    # The client's default retries wait seconds before they give up on a server that is down.
    return Redis.from_url(
        url,
        socket_timeout=answer_timeout_s,
        socket_connect_timeout=connect_timeout_s,
        retry=Retry(NoBackoff(), 0),
    )


@asynccontextmanager
async def open_redis(url: str, timeout_s: float) -> AsyncIterator[RedisConnection]:
    connection = RedisConnection(url, timeout_s)
    try:
        yield connection
    finally:
        await connection.close()
