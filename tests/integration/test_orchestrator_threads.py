"""What every thread store does, over memory and over a real Redis; and what Redis costs while it is away."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis.asyncio import Redis

from marianne_orchestrator.events import Degraded, Done, Meta
from marianne_orchestrator.redis_connection import BREAKER_S, RedisConnection
from marianne_orchestrator.redis_threads import RedisThreadStore
from marianne_orchestrator.sources import Found
from marianne_orchestrator.threads import (
    MAX_EXCHANGES,
    MEMORY_THREADS,
    Exchange,
    MemoryThreadStore,
    Thread,
    ThreadStore,
    ThreadsUnavailableError,
)
from support.absent_redis import HangingRedis, refusing_redis
from support.ports import FakeFinder, exchange
from support.redis import RedisServer, running_redis
from support.turns import QUESTION, SOURCES, Rig, answer, of, one

TTL_S = 60.0
TIMEOUT_S = 0.1
needs_redis = pytest.mark.system("redis-server")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@asynccontextmanager
async def redis_store(
    url: str, *, ttl_s: float = TTL_S, timeout_s: float = 5, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[RedisThreadStore]:
    redis = RedisConnection(url, timeout_s, clock)
    try:
        yield RedisThreadStore(redis, ttl_s)
    finally:
        await redis.close()


@pytest.fixture(name="store", params=["memory", pytest.param("redis", marks=needs_redis)])
async def _store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ThreadStore]:
    if request.param == "memory":
        yield MemoryThreadStore(TTL_S)
        return
    async with running_redis(tmp_path) as redis, redis_store(redis.url) as store:
        yield store


async def questions(store: ThreadStore, thread_id: str) -> list[str]:
    return [exchange.question for exchange in (await store.load(thread_id)).exchanges]


async def test_an_unknown_thread_is_empty(store: ThreadStore) -> None:
    assert await store.load("t1") == Thread()


async def test_exchanges_come_back_whole_and_in_order(store: ThreadStore) -> None:
    said = [exchange("Où ça ?", answer="À la préfecture.\n\n— « 75 »"), exchange("سؤال", query="question")]
    for exchanged in said:
        await store.append("t1", exchanged)
    assert await store.load("t1") == Thread(tuple(said))


async def test_threads_are_kept_apart(store: ThreadStore) -> None:
    await store.append("t1", exchange("Une"))
    await store.append("t2", exchange("Deux"))
    assert await questions(store, "t1") == ["Une"]


async def test_only_the_last_exchanges_are_kept(store: ThreadStore) -> None:
    for number in range(MAX_EXCHANGES + 3):
        await store.append("t1", exchange(str(number)))
    assert await questions(store, "t1") == [str(number) for number in range(3, MAX_EXCHANGES + 3)]


async def test_an_erased_thread_is_empty(store: ThreadStore) -> None:
    await store.append("t1", exchange("Une"))
    await store.delete("t1")
    assert await store.load("t1") == Thread()


async def test_erasing_an_unknown_thread_succeeds(store: ThreadStore) -> None:
    await store.delete("t1")


async def test_an_exchange_that_was_asked_before_the_erasure_is_dropped(store: ThreadStore) -> None:
    running = exchange_now("Avant")
    await store.append("t1", exchange_now("Une"))
    await store.delete("t1")
    await store.append("t1", running)
    assert await store.load("t1") == Thread()
    await store.append("t1", exchange_now("Après"))
    assert await questions(store, "t1") == ["Après"]


async def test_an_erasure_of_a_thread_that_was_never_kept_holds_for_its_first_turn(store: ThreadStore) -> None:
    running = exchange_now("Avant")
    await store.delete("t1")
    await store.append("t1", running)
    assert await store.load("t1") == Thread()


async def test_erasing_while_turns_end_leaves_nothing_of_them(store: ThreadStore) -> None:
    running = [exchange_now(str(number)) for number in range(8)]
    appending = [store.append("t1", each) for each in running]
    await asyncio.gather(*appending[:4], store.delete("t1"), *appending[4:])
    assert await store.load("t1") == Thread()


def exchange_now(question: str) -> Exchange:
    return replace(exchange(question), asked_at=datetime.now(UTC).isoformat(timespec="microseconds"))


async def test_turns_that_end_together_are_all_remembered(store: ThreadStore) -> None:
    asked = [str(number) for number in range(8)]
    await asyncio.gather(*(store.append("t1", exchange(question)) for question in asked))
    assert sorted(await questions(store, "t1")) == asked


async def test_in_memory_a_thread_expires(clock: Clock) -> None:
    store = MemoryThreadStore(TTL_S, clock)
    await store.append("t1", exchange("Une"))
    clock.now += TTL_S - 1
    await store.append("t1", exchange("Deux"))
    clock.now += TTL_S - 1
    assert await questions(store, "t1") == ["Une", "Deux"]
    clock.now += 2
    assert await questions(store, "t1") == []


async def test_in_memory_the_longest_unused_thread_is_forgotten() -> None:
    store = MemoryThreadStore(TTL_S)
    for number in range(MEMORY_THREADS):
        await store.append(f"t{number}", exchange("Une"))
    await store.append("t0", exchange("Deux"))
    await store.append("new", exchange("Une"))
    assert await questions(store, "t0") == ["Une", "Deux"]
    assert await questions(store, "t1") == []


@needs_redis
async def test_in_redis_a_thread_has_a_time_to_live_from_its_last_exchange(tmp_path: Path) -> None:
    async with running_redis(tmp_path) as redis, Redis.from_url(redis.url) as client:
        for ttl_s in (1000.0, TTL_S):
            async with redis_store(redis.url, ttl_s=ttl_s) as store:
                await store.append("t1", exchange("Une"))
        [key] = await client.keys()
        assert 0 < await client.pttl(key) <= TTL_S * 1000


@needs_redis
async def test_another_orchestrator_reads_the_same_thread(tmp_path: Path) -> None:
    async with (
        running_redis(tmp_path) as redis,
        redis_store(redis.url) as one,
        redis_store(redis.url) as other,
    ):
        await one.append("t1", exchange("Une"))
        assert await questions(other, "t1") == ["Une"]


Call = Callable[[ThreadStore], Awaitable[object]]
every_call = pytest.mark.parametrize(
    "call",
    [
        lambda store: store.load("t1"),
        lambda store: store.append("t1", exchange("Une")),
        lambda store: store.delete("t1"),
    ],
    ids=["load", "append", "delete"],
)


async def seconds_until_unavailable(store: ThreadStore) -> float:
    started = time.monotonic()
    with pytest.raises(ThreadsUnavailableError):
        await store.load("t1")
    return time.monotonic() - started


@every_call
async def test_a_redis_that_refuses_makes_every_call_fail(call: Call) -> None:
    with refusing_redis() as url:
        async with redis_store(url, timeout_s=TIMEOUT_S) as store:
            with pytest.raises(ThreadsUnavailableError):
                await call(store)


@every_call
async def test_a_redis_that_hangs_makes_every_call_fail(call: Call) -> None:
    async with HangingRedis().running() as redis, redis_store(redis.url, timeout_s=TIMEOUT_S) as store:
        with pytest.raises(ThreadsUnavailableError):
            await call(store)


async def test_a_refusal_is_told_at_once() -> None:
    with refusing_redis() as url:
        async with redis_store(url, timeout_s=TIMEOUT_S) as store:
            assert await seconds_until_unavailable(store) < 0.3


async def test_silence_is_told_after_one_timeout(clock: Clock) -> None:
    async with HangingRedis().running() as redis, redis_store(redis.url, timeout_s=TIMEOUT_S, clock=clock) as store:
        assert await seconds_until_unavailable(store) < 0.3
        assert redis.accepted == 1


async def test_while_the_breaker_is_open_nobody_calls(clock: Clock) -> None:
    async with HangingRedis().running() as redis, redis_store(redis.url, timeout_s=TIMEOUT_S, clock=clock) as store:
        await seconds_until_unavailable(store)
        clock.now += BREAKER_S - 0.1
        await seconds_until_unavailable(store)
        assert redis.accepted == 1
        clock.now += 0.2
        await seconds_until_unavailable(store)
        assert redis.accepted == 2


@needs_redis
async def test_a_redis_that_comes_back_is_used_again(clock: Clock, tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    async with redis_store(redis.url, clock=clock) as store:
        await seconds_until_unavailable(store)
        try:
            await redis.start()
            await seconds_until_unavailable(store)
            clock.now += BREAKER_S
            await store.append("t1", exchange("Une"))
            assert await questions(store, "t1") == ["Une"]
        finally:
            await redis.program.end()


@needs_redis
async def test_a_wrong_password_is_an_absence_too(tmp_path: Path) -> None:
    async with (
        running_redis(tmp_path) as redis,
        redis_store(redis.url.replace("redis://", "redis://nobody:wrong@")) as store,
    ):
        await seconds_until_unavailable(store)


async def test_a_turn_goes_on_without_redis(tmp_path: Path) -> None:
    async with HangingRedis().running() as redis, redis_store(redis.url, timeout_s=TIMEOUT_S) as store:
        events = await Rig(tmp_path, threads=store).run(replace(QUESTION, resumable=True))
    assert one(events, Meta).resumable is False
    assert of(events, Degraded)[0].dependency == "redis"
    assert answer(events)
    assert one(events, Done).finish_reason == "stop"
    assert redis.accepted == 1


@needs_redis
async def test_parallel_turns_of_a_thread_are_both_remembered(tmp_path: Path) -> None:
    async with (
        running_redis(tmp_path) as redis,
        redis_store(redis.url) as one_pod,
        redis_store(redis.url) as other_pod,
    ):
        pods = [Rig(tmp_path / name, threads=store) for name, store in (("a", one_pod), ("b", other_pod))]
        asked = [replace(QUESTION, message_id=name) for name in ("m1", "m2")]
        await asyncio.gather(*(pod.run(question) for pod, question in zip(pods, asked, strict=True)))
        remembered = (await one_pod.load(QUESTION.thread_id)).exchanges
    assert {exchange.message_id for exchange in remembered} == {"m1", "m2"}


class ErasingFinder(FakeFinder):
    """Finds once the reader has erased the conversation."""

    def __init__(self, threads: ThreadStore) -> None:
        super().__init__(*SOURCES)
        self._threads = threads

    async def search(self, query: str, *, as_of: str, limit: int, redacted: bool) -> Found:
        await self._threads.delete(QUESTION.thread_id)
        return await super().search(query, as_of=as_of, limit=limit, redacted=redacted)


async def test_a_turn_does_not_write_back_what_was_erased_while_it_ran(store: ThreadStore, tmp_path: Path) -> None:
    await store.append(QUESTION.thread_id, exchange("Une"))
    events = await Rig(tmp_path, threads=store, finder=ErasingFinder(store)).run()
    assert answer(events)
    assert await store.load(QUESTION.thread_id) == Thread()
    await Rig(tmp_path, threads=store).run(replace(QUESTION, message_id="m2"))
    assert [kept.message_id for kept in (await store.load(QUESTION.thread_id)).exchanges] == ["m2"]
