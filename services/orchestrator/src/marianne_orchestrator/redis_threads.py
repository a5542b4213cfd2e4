"""Conversations in Redis, so that they outlive a process and are seen by all of them."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TypeVar

import orjson
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from marianne_orchestrator.threads import Exchange, MemoryThreadStore, Thread, ThreadStore, ThreadsUnavailableError

logger = structlog.get_logger(__name__)

T = TypeVar("T")

BREAKER_S = 5.0


class RedisThreadStore:
    """One JSON blob a thread, with a time to live. After a failure Redis is left alone for BREAKER_S seconds."""

    def __init__(self, redis: "Redis", ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._ttl_s = ttl_s
        self._clock = clock
        self._closed_until = float("-inf")

    @classmethod
    def connect(
        cls, url: str, ttl_s: float, timeout_s: float, clock: Callable[[], float] = time.monotonic
    ) -> "RedisThreadStore":
        # The client's default retries wait seconds before they give up on a server that is down.
        redis = Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
        )
        return cls(redis, ttl_s, clock)

    async def load(self, thread_id: str) -> Thread:
        return _thread(await self._guarded(lambda: self._redis.get(_key(thread_id))))

    async def append(self, thread_id: str, exchange: Exchange) -> None:
        key = _key(thread_id)

        async def change(pipeline: Pipeline) -> None:
            thread = _thread(await pipeline.get(key)).with_exchange(exchange)
            pipeline.multi()  # type: ignore[no-untyped-call]  # redis leaves it untyped
            pipeline.set(key, _blob(thread), px=int(self._ttl_s * 1000))

        # Begins again when another turn of the thread was faster.
        await self._guarded(lambda: self._redis.transaction(change, key))

    async def delete(self, thread_id: str) -> None:
        await self._guarded(lambda: self._redis.delete(_key(thread_id)))

    async def close(self) -> None:
        await self._redis.aclose()

    async def _guarded(self, call: Callable[[], Awaitable[T]]) -> T:
        if self._clock() < self._closed_until:
            raise ThreadsUnavailableError
        try:
            return await call()
        except (RedisError, OSError) as error:
            self._closed_until = self._clock() + BREAKER_S
            logger.warning("redis_unavailable", error=type(error).__name__, retry_after_s=BREAKER_S)
            raise ThreadsUnavailableError from error


@asynccontextmanager
async def open_thread_store(redis_url: str | None, *, ttl_s: float, timeout_s: float) -> AsyncIterator[ThreadStore]:
    """Redis when there is a URL, else the memory of this process."""
    store: ThreadStore = (
        RedisThreadStore.connect(redis_url, ttl_s, timeout_s) if redis_url else MemoryThreadStore(ttl_s)
    )
    try:
        yield store
    finally:
        await store.close()


def _thread(blob: bytes | str | None) -> Thread:
    return Thread(tuple(Exchange(**exchange) for exchange in orjson.loads(blob))) if blob else Thread()


def _blob(thread: Thread) -> bytes:
    return orjson.dumps([asdict(exchange) for exchange in thread.exchanges])


def _key(thread_id: str) -> str:
    return f"marianne:thread:{thread_id}"
