"""Conversations: what was asked and what was released, for a while."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Protocol, TypeVar

import orjson
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

logger = structlog.get_logger(__name__)

T = TypeVar("T")

MAX_EXCHANGES = 20
MAX_ANSWER_CHARS = 8000
MEMORY_THREADS = 10_000
BREAKER_S = 5.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn as it is remembered: the redacted question, the French query that found its texts, the released text."""

    message_id: str
    question: str
    query: str
    answer: str
    asked_at: str


@dataclass(frozen=True, slots=True)
class Thread:
    exchanges: tuple[Exchange, ...] = ()

    def with_exchange(self, exchange: Exchange) -> "Thread":
        return Thread((*self.exchanges, exchange)[-MAX_EXCHANGES:])


class ThreadsUnavailableError(Exception):
    """Conversations can be neither read nor written for now."""


class ThreadStore(Protocol):
    """Every method raises ThreadsUnavailableError."""

    async def load(self, thread_id: str) -> Thread:
        """An unknown or expired thread is empty."""
        ...

    async def append(self, thread_id: str, exchange: Exchange) -> None:
        """Exchanges that are appended at the same time are all kept."""
        ...

    async def delete(self, thread_id: str) -> None: ...

    async def close(self) -> None: ...


class MemoryThreadStore:
    """Threads of this process, the longest unused forgotten first."""

    def __init__(self, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._clock = clock
        self._threads: OrderedDict[str, tuple[float, Thread]] = OrderedDict()

    async def load(self, thread_id: str) -> Thread:
        expires, thread = self._threads.get(thread_id, (0.0, Thread()))
        return thread if self._clock() < expires else Thread()

    async def append(self, thread_id: str, exchange: Exchange) -> None:
        thread = await self.load(thread_id)
        self._threads[thread_id] = (self._clock() + self._ttl_s, thread.with_exchange(exchange))
        self._threads.move_to_end(thread_id)
        if len(self._threads) > MEMORY_THREADS:
            self._threads.popitem(last=False)

    async def delete(self, thread_id: str) -> None:
        self._threads.pop(thread_id, None)

    async def close(self) -> None:
        self._threads.clear()


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
