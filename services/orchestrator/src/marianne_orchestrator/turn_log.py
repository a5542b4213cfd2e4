"""The events of each turn, kept so that readers may come late, come back, or never come."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from marianne_orchestrator.events import Done, Event

MAX_TURNS = 5_000


class UnknownTurnError(LookupError):
    """No such turn, or it has expired."""


class TurnLog(Protocol):
    async def open(self, message_id: str) -> bool:
        """Makes the turn; False when it was there already."""
        ...

    async def append(self, message_id: str, event: Event) -> None: ...

    def read(self, message_id: str, after: int = 0) -> AsyncGenerator[tuple[int, Event]]:
        """Events after that sequence, waiting for those to come, up to Done. Raises UnknownTurnError."""
        ...


class _Turn:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ended = False
        self._grown = asyncio.Event()

    def append(self, event: Event) -> None:
        self.events.append(event)
        self.ended = isinstance(event, Done)
        self._grown.set()
        self._grown = asyncio.Event()

    async def grown(self) -> None:
        """Returns when the next event has been appended."""
        await self._grown.wait()


class MemoryTurnLog:
    """Turns of this process. An ended turn is kept for `ttl_s`; the oldest ended ones go first when there are many."""

    def __init__(self, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._clock = clock
        self._turns: dict[str, _Turn] = {}
        self._ended_at: OrderedDict[str, float] = OrderedDict()

    async def open(self, message_id: str) -> bool:
        self._forget_ended(coming=1)
        if message_id in self._turns:
            return False
        self._turns[message_id] = _Turn()
        return True

    async def append(self, message_id: str, event: Event) -> None:
        turn = self._turns[message_id]
        turn.append(event)
        if turn.ended:
            self._ended_at[message_id] = self._clock()

    async def read(self, message_id: str, after: int = 0) -> AsyncGenerator[tuple[int, Event]]:
        self._forget_ended()
        turn = self._turns.get(message_id)
        if turn is None:
            raise UnknownTurnError(message_id)
        sequence = after
        while True:
            while sequence < len(turn.events):
                sequence += 1
                yield sequence, turn.events[sequence - 1]
            if turn.ended:
                return
            await turn.grown()

    def _forget_ended(self, coming: int = 0) -> None:
        horizon = self._clock() - self._ttl_s
        while self._ended_at:
            message_id, ended_at = next(iter(self._ended_at.items()))
            if ended_at >= horizon and len(self._turns) + coming <= MAX_TURNS:
                return
            del self._ended_at[message_id], self._turns[message_id]
