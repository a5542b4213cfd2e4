"""What every turn log does, over memory and over a real Redis; and what only the one in Redis can do."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from marianne_orchestrator.events import Event, Token
from marianne_orchestrator.turn_log import MemoryTurnLog, OwnTurn, TurnLog, TurnsUnavailableError, UnknownTurnError
from support.absent_redis import HangingRedis, refusing_redis
from support.redis import RedisServer, running_redis
from support.turn_logs import EVENTS, LAST_WORDS, TTL_S, RecordedInterruption, append, own, read, redis_log

EVERYTHING = list(enumerate(EVENTS, start=1))
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SHORT_S = 0.2
needs_redis = pytest.mark.system("redis-server")


@pytest.fixture(name="redis")
async def _redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    async with running_redis(tmp_path) as server:
        yield server


@pytest.fixture(
    name="logs",
    params=["memory", pytest.param("redis", marks=needs_redis), pytest.param("redis_two", marks=needs_redis)],
)
async def _logs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[TurnLog, TurnLog]]:
    """The log of the process that runs turns, and that of the one that is asked for them: the same, or another."""
    if request.param == "memory":
        log = MemoryTurnLog(TTL_S)
        yield log, log
        return
    async with running_redis(tmp_path) as redis, redis_log(redis.url) as one:
        if request.param == "redis":
            yield one, one
            return
        async with redis_log(redis.url) as other:
            yield one, other


@pytest.fixture(name="log")
def _log(logs: tuple[TurnLog, TurnLog]) -> TurnLog:
    return logs[0]


@pytest.fixture(name="other")
def _other(logs: tuple[TurnLog, TurnLog]) -> TurnLog:
    return logs[1]


async def test_a_turn_is_made_once(log: TurnLog, other: TurnLog) -> None:
    await own(log, "m1")
    assert (await other.open("m1", "", lambda: None)).turn is None
    await own(other, "m2")


async def test_of_many_who_ask_at_once_one_runs_the_turn(log: TurnLog, other: TurnLog) -> None:
    asked = [each.open("m1", "", lambda: None) for each in (log, other) * 5]
    opened = await asyncio.gather(*asked)
    assert len([each for each in opened if each.turn]) == 1


async def test_a_turn_that_has_ended_is_not_made_again(log: TurnLog, other: TurnLog) -> None:
    await own(log, "m1", *EVENTS)
    opened = await other.open("m1", "", lambda: None)
    assert (opened.after, opened.turn) == (0, None)


async def test_events_are_read_in_order_and_numbered_from_one(log: TurnLog, other: TurnLog) -> None:
    await own(log, "m1", *EVENTS)
    assert await read(other) == EVERYTHING


@pytest.mark.parametrize("after", [0, 1, 2, 3, 99])
async def test_reading_goes_on_after_a_sequence(log: TurnLog, other: TurnLog, after: int) -> None:
    await own(log, "m1", *EVENTS)
    assert await read(other, "m1", after) == EVERYTHING[after:]


async def test_a_reader_waits_for_events_to_come(log: TurnLog, other: TurnLog) -> None:
    turn = await own(log)
    events = other.read("m1")
    for numbered in EVERYTHING:
        coming = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        assert not coming.done()
        await turn.append(numbered[1])
        async with asyncio.timeout(10):
            assert await coming == numbered
    assert await anext(events, None) is None


async def test_many_readers_read_the_same(log: TurnLog, other: TurnLog) -> None:
    turn = await own(log)
    reading = [asyncio.create_task(read(each, "m1", after)) for after in (0, 1) for each in (log, other)]
    await append(turn, *EVENTS)
    assert await asyncio.gather(*reading) == [EVERYTHING, EVERYTHING, EVERYTHING[1:], EVERYTHING[1:]]


async def test_turns_are_kept_apart(log: TurnLog, other: TurnLog) -> None:
    await own(log, "m1", EVENTS[0], EVENTS[2])
    await own(log, "m2", EVENTS[1], EVENTS[2])
    assert [event for _, event in await read(other, "m2")] == [EVENTS[1], EVENTS[2]]


async def test_a_reader_that_leaves_disturbs_nobody(log: TurnLog, other: TurnLog) -> None:
    turn = await own(log, "m1", EVENTS[0])
    leaving = other.read("m1")
    await anext(leaving)
    await leaving.aclose()
    await append(turn, *EVENTS[1:])
    assert await read(other) == EVERYTHING


async def test_an_unknown_turn_cannot_be_read(other: TurnLog) -> None:
    with pytest.raises(UnknownTurnError):
        await read(other, "m1")


async def test_a_stop_reaches_the_owner(log: TurnLog, other: TurnLog) -> None:
    stopped = asyncio.Event()
    await log.open("m1", "", stopped.set)
    await other.stop("m1")
    async with asyncio.timeout(10):
        await stopped.wait()


async def test_stopping_what_does_not_run_does_nothing(log: TurnLog, other: TurnLog) -> None:
    await own(log, "m1", *EVENTS)
    await other.stop("m1")
    await other.stop("unknown")
    assert await read(other) == EVERYTHING


async def test_who_asked_is_remembered(log: TurnLog, other: TurnLog) -> None:
    await log.open("m1", TRACEPARENT, lambda: None)
    assert await other.origin("m1") == TRACEPARENT
    assert await other.origin("unknown") == ""


async def test_a_turn_is_shared(log: TurnLog) -> None:
    assert (await own(log)).shared


@needs_redis
async def test_an_owner_learns_that_its_turn_is_read_elsewhere(redis: RedisServer) -> None:
    async with redis_log(redis.url) as log, redis_log(redis.url) as other:
        turn = await own(log, "m1", EVENTS[0])
        assert not await log.is_read_elsewhere("m1")
        reader = other.read("m1")
        await anext(reader)
        assert await log.is_read_elsewhere("m1")
        await append(turn, *EVENTS[1:])
        assert [numbered async for numbered in reader] == EVERYTHING[1:]


@needs_redis
async def test_a_turn_outlives_the_process_that_ran_it_for_its_time_to_live(redis: RedisServer) -> None:
    async with redis_log(redis.url) as log:
        await own(log, "m1", *EVENTS)
    async with redis_log(redis.url) as later:
        assert await read(later) == EVERYTHING
    async with Redis.from_url(redis.url) as client:
        for key in await client.keys("marianne:turn:*"):
            assert 0 < await client.pttl(key) <= TTL_S * 1000


@contextlib.asynccontextmanager
async def dying(url: str, *events: Event) -> AsyncIterator[OwnTurn]:
    """The turn of a process that said these events and then nothing any more."""
    async with redis_log(url, lease_s=SHORT_S) as log:
        turn = await own(log, "m1", *events)
        tasks = [task for task in asyncio.all_tasks() if "_renew" in repr(task.get_coro())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        yield turn


@needs_redis
async def test_readers_of_a_dead_owner_are_told_once_and_the_attempt_is_recorded_once(redis: RedisServer) -> None:
    interruption = RecordedInterruption()
    async with (
        dying(redis.url, *EVENTS[:2]),
        redis_log(redis.url, interruption) as one,
        redis_log(redis.url, interruption) as other,
    ):
        async with asyncio.timeout(10):
            told = [*await asyncio.gather(read(one), read(other), read(other, "m1", 2))]
    everything = list(enumerate((*EVENTS[:2], *LAST_WORDS), start=1))
    assert told == [everything, everything, everything[2:]]
    assert interruption.recorded == [("m1", list(EVENTS[:2]))]


@needs_redis
async def test_a_living_owner_keeps_its_turn_however_long_it_is_silent(redis: RedisServer) -> None:
    async with redis_log(redis.url, lease_s=SHORT_S) as log, redis_log(redis.url) as other:
        turn = await own(log, "m1", EVENTS[0])
        reading = asyncio.create_task(read(other))
        await asyncio.wait((reading,), timeout=3 * SHORT_S)
        await append(turn, *EVENTS[1:])
        assert await reading == EVERYTHING


@needs_redis
async def test_who_asks_again_after_a_dead_owner_runs_a_new_attempt(redis: RedisServer) -> None:
    interruption = RecordedInterruption()
    async with dying(redis.url, *EVENTS[:2]), redis_log(redis.url, interruption) as log, redis_log(redis.url) as other:
        async with asyncio.timeout(10):
            assert len(await read(other)) == 4
        opened = await log.open("m1", "", lambda: None)
        assert opened.turn
        await append(opened.turn, *EVENTS)
        assert opened.after == 4
        assert await read(other, "m1", 4) == list(enumerate(EVENTS, start=5))
        assert await read(other, "m1", 1) == list(enumerate((EVENTS[1], *LAST_WORDS), start=2))


@needs_redis
async def test_asking_again_at_once_interrupts_an_owner_whose_lease_has_lapsed(redis: RedisServer) -> None:
    interruption = RecordedInterruption()
    async with dying(redis.url, EVENTS[0]), redis_log(redis.url, interruption) as log:
        await until_lapsed(redis)
        opened = await log.open("m1", "", lambda: None)
    assert opened.after == 3
    assert opened.turn
    assert interruption.recorded == [("m1", [EVENTS[0]])]


async def until_lapsed(redis: RedisServer) -> None:
    async with Redis.from_url(redis.url) as client:
        while await client.keys("*:lease"):  # noqa: ASYNC110  nothing tells of an expiry
            await asyncio.sleep(0.01)


@needs_redis
async def test_an_owner_that_was_given_up_cannot_write_into_the_next_attempt(redis: RedisServer) -> None:
    async with dying(redis.url, EVENTS[0]) as lost, redis_log(redis.url) as log:
        await until_lapsed(redis)
        new = await own(log)
        await append(lost, Token("Perdu.", "fr", "cited"), EVENTS[2])
        await append(new, *EVENTS)
        assert [event for _, event in await read(log, "m1", 3)] == list(EVENTS)


@needs_redis
async def test_an_owner_that_nobody_gave_up_goes_on_after_its_lease_lapsed(redis: RedisServer) -> None:
    async with dying(redis.url, EVENTS[0]) as late, redis_log(redis.url) as other:
        await until_lapsed(redis)
        await append(late, *EVENTS[1:])
        assert await read(other) == EVERYTHING


@needs_redis
async def test_a_redis_that_comes_back_hears_what_it_missed(redis: RedisServer) -> None:
    async with redis_log(redis.url, timeout_s=0.1, lease_s=60) as log, redis_log(redis.url) as other:
        turn = await own(log, "m1", EVENTS[0])
        reading = asyncio.create_task(read(log))
        async with stopped(redis):
            await append(turn, *EVENTS[1:])
        assert await reading == EVERYTHING
        log._redis._closed_until = 0  # the breaker has waited long enough
        await log._flush_all()
        assert await read(other) == EVERYTHING


@contextlib.asynccontextmanager
async def stopped(redis: RedisServer) -> AsyncIterator[None]:
    redis.program.send(signal.SIGSTOP)
    try:
        yield
    finally:
        redis.program.send(signal.SIGCONT)


async def test_without_redis_a_turn_runs_in_memory_and_is_not_shared() -> None:
    with refusing_redis() as url:
        async with redis_log(url) as log:
            turn = await own(log, "m1", *EVENTS)
            assert not turn.shared
            assert await read(log) == EVERYTHING
            assert (await log.open("m1", "", lambda: None)).turn is None


async def test_without_redis_a_turn_here_is_stopped_and_one_elsewhere_cannot_be() -> None:
    stopped = asyncio.Event()
    with refusing_redis() as url:
        async with redis_log(url) as log:
            await log.open("m1", "", stopped.set)
            await log.stop("m1")
            assert stopped.is_set()
            with pytest.raises(TurnsUnavailableError):
                await log.stop("m2")
            with pytest.raises(TurnsUnavailableError):
                await read(log, "m2")


async def test_a_redis_that_hangs_delays_a_turn_once() -> None:
    async with HangingRedis().running() as redis, redis_log(redis.url, timeout_s=0.1) as log:
        before = asyncio.get_running_loop().time()
        await own(log, "m1", *EVENTS)
        assert asyncio.get_running_loop().time() - before < 0.4
