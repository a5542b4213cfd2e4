"""Conversations: what was asked and what was released, for a while."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

MAX_EXCHANGES = 20
MAX_ANSWER_CHARS = 8000
MEMORY_THREADS = 10_000


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
    """`erased_at` is left behind by an erasure, so that a turn that was running then cannot write itself back."""

    exchanges: tuple[Exchange, ...] = ()
    erased_at: datetime | None = field(default=None, compare=False)

    def with_exchange(self, exchange: Exchange) -> "Thread":
        """Without it if it was asked before the thread was erased."""
        if self.erased_at and datetime.fromisoformat(exchange.asked_at) <= self.erased_at:
            return self
        return replace(self, exchanges=(*self.exchanges, exchange)[-MAX_EXCHANGES:])


def erased() -> Thread:
    """What stands where a thread was, from now on."""
    return Thread(erased_at=datetime.now(UTC))


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

    async def delete(self, thread_id: str) -> None:
        """For good: an exchange that was asked before and is appended later is dropped."""
        ...


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
        self._keep(thread_id, (await self.load(thread_id)).with_exchange(exchange))

    async def delete(self, thread_id: str) -> None:
        self._keep(thread_id, erased())

    def _keep(self, thread_id: str, thread: Thread) -> None:
        self._threads[thread_id] = (self._clock() + self._ttl_s, thread)
        self._threads.move_to_end(thread_id)
        if len(self._threads) > MEMORY_THREADS:
            self._threads.popitem(last=False)
