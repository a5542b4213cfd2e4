"""How long turns are kept in memory, and how many; what every log does is in tests/integration/test_turn_log.py."""

import pytest

from marianne_orchestrator.turn_log import MAX_TURNS, MemoryTurnLog, UnknownTurnError
from support.turn_logs import EVENTS, TTL_S, append, own, read


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="log")
async def _log(clock: Clock) -> MemoryTurnLog:
    return MemoryTurnLog(TTL_S, clock)


async def test_an_ended_turn_is_kept_for_its_time_to_live(log: MemoryTurnLog, clock: Clock) -> None:
    await own(log, "m1", *EVENTS)
    clock.now += TTL_S - 1
    assert len(await read(log)) == 3
    clock.now += 2
    with pytest.raises(UnknownTurnError):
        await read(log)
    await own(log, "m1")


async def test_a_running_turn_does_not_expire(log: MemoryTurnLog, clock: Clock) -> None:
    turn = await own(log, "m1", EVENTS[0])
    clock.now += 10 * TTL_S
    await append(turn, *EVENTS[1:])
    assert len(await read(log)) == 3


async def test_the_oldest_ended_turns_make_room(log: MemoryTurnLog) -> None:
    await own(log, "running")
    for number in range(MAX_TURNS + 1):
        await own(log, f"m{number}", EVENTS[2])
    await own(log, "last")
    with pytest.raises(UnknownTurnError):
        await read(log, "m0")
    assert (await log.open("running", "", lambda: None)).turn is None
    assert (await log.open(f"m{MAX_TURNS}", "", lambda: None)).turn is None
