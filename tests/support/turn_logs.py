"""Turn logs for tests: what a turn may say, and logs over a real Redis."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from marianne_orchestrator.events import Done, Error, Event, Status, Token
from marianne_orchestrator.redis_connection import open_redis
from marianne_orchestrator.redis_turn_log import RedisTurnLog
from marianne_orchestrator.turn_log import OwnTurn, TurnLog

TTL_S = 600.0
EVENTS: tuple[Event, ...] = (Status("understanding"), Token("Un.", "fr", "cited", ("1.1",)), Done("stop"))
LAST_WORDS = (Error("interrupted", "Interrompu.", retryable=True), Done("interrupted"))


@dataclass
class RecordedInterruption:
    """Keeps the attempts that were recorded, by their message and what they had told."""

    recorded: list[tuple[str, list[Event]]] = field(default_factory=list)

    def last_words(self, told: Sequence[Event]) -> tuple[Error, Done]:
        return LAST_WORDS

    def record(self, message_id: str, told: Sequence[Event]) -> None:
        self.recorded.append((message_id, list(told)))


@asynccontextmanager
async def redis_log(
    url: str, interruption: RecordedInterruption | None = None, *, lease_s: float = 5.0, timeout_s: float = 5.0
) -> AsyncIterator[RedisTurnLog]:
    """The log of one process."""
    async with open_redis(url, timeout_s) as redis:
        log = RedisTurnLog(redis, interruption or RecordedInterruption(), ttl_s=TTL_S, lease_s=lease_s)
        async with log.at_work():
            yield log


async def own(log: TurnLog, message_id: str = "m1", *events: Event) -> OwnTurn:
    """A new turn that has said these events; nobody minds its being stopped."""
    opened = await log.open(message_id, "", lambda: None)
    assert opened.turn is not None
    await append(opened.turn, *events)
    return opened.turn


async def append(turn: OwnTurn, *events: Event) -> None:
    for event in events:
        await turn.append(event)


async def read(log: TurnLog, message_id: str = "m1", after: int = 0) -> list[tuple[int, Event]]:
    return [numbered async for numbered in log.read(message_id, after)]
