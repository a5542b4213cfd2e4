"""What every turn log does. `make_log` is parametrised so that another store joins by adding a line."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from marianne_orchestrator.events import Done, Event, Status, Token
from marianne_orchestrator.turn_log import MAX_TURNS, MemoryTurnLog, TurnLog, UnknownTurnError

TTL_S = 600.0
EVENTS: tuple[Event, ...] = (Status("understanding"), Token("Un.", "fr", "cited", ("1.1",)), Done("stop"))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


async def memory_log(clock: Clock) -> TurnLog:
    return MemoryTurnLog(TTL_S, clock)


@pytest.fixture(name="log", params=[memory_log])
async def _log(request: pytest.FixtureRequest, clock: Clock) -> TurnLog:
    make_log: Callable[[Clock], Awaitable[TurnLog]] = request.param
    return await make_log(clock)


async def append(log: TurnLog, message_id: str, *events: Event) -> None:
    for event in events:
        await log.append(message_id, event)


async def read(log: TurnLog, message_id: str, after: int = 0) -> list[tuple[int, Event]]:
    return [numbered async for numbered in log.read(message_id, after)]


async def test_a_turn_is_made_once(log: TurnLog) -> None:
    assert await log.open("m1")
    assert not await log.open("m1")
    assert await log.open("m2")


async def test_events_are_read_in_order_and_numbered_from_one(log: TurnLog) -> None:
    await log.open("m1")
    await append(log, "m1", *EVENTS)
    assert await read(log, "m1") == list(enumerate(EVENTS, start=1))


@pytest.mark.parametrize("after", [0, 1, 2, 3, 99])
async def test_reading_goes_on_after_a_sequence(log: TurnLog, after: int) -> None:
    await log.open("m1")
    await append(log, "m1", *EVENTS)
    assert await read(log, "m1", after) == list(enumerate(EVENTS, start=1))[after:]


async def test_a_reader_waits_for_events_to_come(log: TurnLog) -> None:
    await log.open("m1")
    events = log.read("m1")
    for sequence, event in enumerate(EVENTS, start=1):
        coming = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        assert not coming.done()
        await log.append("m1", event)
        async with asyncio.timeout(10):
            assert await coming == (sequence, event)
    assert await anext(events, None) is None


async def test_many_readers_read_the_same(log: TurnLog) -> None:
    await log.open("m1")
    reading = [asyncio.create_task(read(log, "m1", after)) for after in (0, 0, 1)]
    await append(log, "m1", *EVENTS)
    everything = list(enumerate(EVENTS, start=1))
    assert await asyncio.gather(*reading) == [everything, everything, everything[1:]]


async def test_turns_are_kept_apart(log: TurnLog) -> None:
    await log.open("m1")
    await log.open("m2")
    await append(log, "m1", EVENTS[0], EVENTS[2])
    await append(log, "m2", EVENTS[1], EVENTS[2])
    assert [event for _, event in await read(log, "m2")] == [EVENTS[1], EVENTS[2]]


async def test_a_reader_that_leaves_disturbs_nobody(log: TurnLog) -> None:
    await log.open("m1")
    await log.append("m1", EVENTS[0])
    leaving = log.read("m1")
    await anext(leaving)
    await leaving.aclose()
    await append(log, "m1", *EVENTS[1:])
    assert len(await read(log, "m1")) == 3


async def test_an_unknown_turn_cannot_be_read(log: TurnLog) -> None:
    with pytest.raises(UnknownTurnError):
        await read(log, "m1")


async def test_an_ended_turn_is_kept_for_its_time_to_live(log: TurnLog, clock: Clock) -> None:
    await log.open("m1")
    await append(log, "m1", *EVENTS)
    clock.now += TTL_S - 1
    assert len(await read(log, "m1")) == 3
    clock.now += 2
    with pytest.raises(UnknownTurnError):
        await read(log, "m1")
    assert await log.open("m1")


async def test_a_running_turn_does_not_expire(log: TurnLog, clock: Clock) -> None:
    await log.open("m1")
    await log.append("m1", EVENTS[0])
    clock.now += 10 * TTL_S
    await append(log, "m1", *EVENTS[1:])
    assert len(await read(log, "m1")) == 3


async def test_in_memory_the_oldest_ended_turns_make_room() -> None:
    log = MemoryTurnLog(TTL_S, Clock())
    await log.open("running")
    for number in range(MAX_TURNS + 1):
        await log.open(f"m{number}")
        await log.append(f"m{number}", EVENTS[2])
    await log.open("last")
    with pytest.raises(UnknownTurnError):
        await read(log, "m0")
    assert not await log.open("running")
    assert not await log.open(f"m{MAX_TURNS}")
