"""The events of each turn, kept so that readers may come late, come back, or never come."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Protocol

from marianne_orchestrator.events import Done, Event

MAX_TURNS = 5_000


class UnknownTurnError(LookupError):
    """No such turn, or it has expired."""


class TurnsUnavailableError(Exception):
    """The turns of other processes can be neither read nor stopped for now."""


class OwnTurn(Protocol):
    """A turn in the hands of the process that runs it."""

    @property
    def shared(self) -> bool:
        """Whether a reader who comes back finds it, whichever process answers."""
        ...

    async def append(self, event: Event) -> None: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """What asking for a turn found: the sequence before its latest attempt, and the turn itself if it is to be run."""

    after: int
    turn: OwnTurn | None


class TurnLog(Protocol):
    """Sequences are 1-based and go on from one attempt to the next."""

    async def open(self, message_id: str, origin: str, on_stop: Callable[[], None]) -> Opened:
        """Makes the turn, or a new attempt of one whose owner died; `turn` is None when it runs or has ended.

        `origin` is the traceparent of who asks; `on_stop` is called when anybody wants the turn stopped.
        """
        ...

    def read(self, message_id: str, after: int = 0) -> AsyncGenerator[tuple[int, Event]]:
        """Events after that sequence, waiting for those to come, up to Done.

        Raises UnknownTurnError and TurnsUnavailableError.
        """
        ...

    async def origin(self, message_id: str) -> str:
        """The traceparent of who asked for the turn, "" when unknown."""
        ...

    async def stop(self, message_id: str) -> None:
        """Lets the owner of a running turn know, wherever it is. Raises TurnsUnavailableError."""
        ...

    async def is_read_elsewhere(self, message_id: str) -> bool:
        """Whether another process has a reader of this turn."""
        ...


class MemoryTurn:
    """The events of one attempt, whose first has the sequence `after` + 1."""

    shared = True

    def __init__(self, after: int, origin: str, on_stop: Callable[[], None], on_end: Callable[[], None]) -> None:
        self.after = after
        self.origin = origin
        self.on_stop = on_stop
        self.ended = False
        self._on_end = on_end
        self._events: list[Event] = []
        self._grown = asyncio.Event()

    async def append(self, event: Event) -> None:
        self.tell(event)

    def tell(self, event: Event) -> None:
        self._events.append(event)
        if isinstance(event, Done):
            self.ended = True
            self._on_end()
        self._grown.set()
        self._grown = asyncio.Event()

    async def read(self, after: int) -> AsyncGenerator[tuple[int, Event]]:
        place = after - self.after
        while True:
            while place < len(self._events):
                place += 1
                yield self.after + place, self._events[place - 1]
            if self.ended:
                return
            await self._grown.wait()


class MemoryTurnLog:
    """Turns of this process. An ended turn is kept for `ttl_s`; the oldest ended ones go first when there are many."""

    def __init__(self, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._clock = clock
        self._turns: dict[str, MemoryTurn] = {}
        self._ended_at: OrderedDict[str, float] = OrderedDict()

    async def open(self, message_id: str, origin: str, on_stop: Callable[[], None]) -> Opened:
        if turn := self.find(message_id):
            return Opened(turn.after, None)
        return Opened(0, self.make(message_id, 0, origin, on_stop))

    async def read(self, message_id: str, after: int = 0) -> AsyncGenerator[tuple[int, Event]]:
        turn = self.find(message_id)
        if turn is None:
            raise UnknownTurnError(message_id)
        async for numbered in turn.read(after):
            yield numbered

    async def origin(self, message_id: str) -> str:
        turn = self.find(message_id)
        return turn.origin if turn else ""

    async def stop(self, message_id: str) -> None:
        if (turn := self.find(message_id)) and not turn.ended:
            turn.on_stop()

    async def is_read_elsewhere(self, message_id: str) -> bool:
        return False

    def find(self, message_id: str) -> MemoryTurn | None:
        self._forget_ended()
        return self._turns.get(message_id)

    def make(self, message_id: str, after: int, origin: str, on_stop: Callable[[], None]) -> MemoryTurn:
        """A turn that `find` does not know yet."""
        self._forget_ended(coming=1)
        turn = MemoryTurn(after, origin, on_stop, lambda: self._note_end(message_id, turn))
        self._turns[message_id] = turn
        return turn

    def forget(self, message_id: str) -> None:
        """Those who read the turn go on reading it."""
        self._turns.pop(message_id, None)
        self._ended_at.pop(message_id, None)

    def _note_end(self, message_id: str, turn: MemoryTurn) -> None:
        if self._turns.get(message_id) is turn:
            self._ended_at[message_id] = self._clock()

    def _forget_ended(self, coming: int = 0) -> None:
        horizon = self._clock() - self._ttl_s
        while self._ended_at:
            message_id, ended_at = next(iter(self._ended_at.items()))
            if ended_at >= horizon and len(self._turns) + coming <= MAX_TURNS:
                return
            self.forget(message_id)
