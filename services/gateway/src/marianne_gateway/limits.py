"""How much one caller, and all of them together, may ask for."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Protocol

from marianne_chassis.shared_metrics import ACTIVE_STREAMS
from marianne_gateway.errors import Refusal

_MOST_CALLERS = 10_000


class RateLimiter(Protocol):
    async def admit(self, caller: str) -> float:
        """Counts one request; 0.0 when it may go on, else the seconds after which the next one would."""
        ...


class CallerStreams(Protocol):
    def slot(self, caller: str) -> AbstractAsyncContextManager[None]:
        """A place among the answers under way for this caller. Entering raises Refusal when there is none left."""
        ...


def too_many_streams() -> Refusal:
    return Refusal(429, "too_many_streams", retry_after_s=5)


class MemoryCallerStreams:
    """Streams of this process; without a limit everybody has room."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._active: Counter[str] = Counter()

    @asynccontextmanager
    async def slot(self, caller: str) -> AsyncIterator[None]:
        if self._limit is not None and self._active[caller] >= self._limit:
            raise too_many_streams()
        self._active[caller] += 1
        try:
            yield
        finally:
            self._active[caller] -= 1
            if not self._active[caller]:
                del self._active[caller]


class TokenBuckets:
    """A bucket for each caller, in memory: it holds a minute's requests and refills evenly."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = float(per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    async def admit(self, caller: str) -> float:
        now = self._clock()
        tokens, since = self._buckets.get(caller, (self._size, now))
        tokens = min(self._size, tokens + (now - since) * self._per_second)
        admitted = tokens >= 1
        self._buckets[caller] = (tokens - 1 if admitted else tokens, now)
        if len(self._buckets) > _MOST_CALLERS:
            self._forget_the_rested(now)
        return 0.0 if admitted else (1 - tokens) / self._per_second

    def _forget_the_rested(self, now: float) -> None:
        """A bucket that nobody touched for a minute is full, like that of a caller never seen."""
        self._buckets = {caller: bucket for caller, bucket in self._buckets.items() if now - bucket[1] < 60}


class Streams:
    """The answers under way: a limited number of them, and none once the gateway is closing."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._active = 0
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def is_closing(self) -> bool:
        return self._closing

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Raises Refusal when there is no room, or no time left for another answer."""
        if self._closing:
            raise Refusal(503, "unavailable", retry_after_s=5)
        if self._active >= self._limit:
            raise too_many_streams()
        self._active += 1
        self._idle.clear()
        try:
            with ACTIVE_STREAMS.track_inprogress():
                yield
        finally:
            self._active -= 1
            if self._active == 0:
                self._idle.set()

    def close(self) -> None:
        self._closing = True

    async def wait_until_idle(self) -> None:
        await self._idle.wait()
