import asyncio

import pytest

from marianne_gateway.errors import Refusal
from marianne_gateway.limits import Streams, TokenBuckets


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_minutes_requests_pass_at_once_and_the_next_one_waits() -> None:
    buckets = TokenBuckets(60, Clock())

    assert [await buckets.admit("maya") for _ in range(60)] == [0.0] * 60
    assert await buckets.admit("maya") == pytest.approx(1.0)


async def test_a_bucket_refills_evenly() -> None:
    clock = Clock()
    buckets = TokenBuckets(60, clock)
    for _ in range(60):
        await buckets.admit("maya")

    clock.now = 2.0

    assert [await buckets.admit("maya") for _ in range(3)] == [0.0, 0.0, pytest.approx(1.0)]


async def test_waiting_as_long_as_told_is_enough() -> None:
    clock = Clock()
    buckets = TokenBuckets(7, clock)
    while not (wait_s := await buckets.admit("maya")):
        pass

    clock.now += wait_s

    assert await buckets.admit("maya") == 0.0


async def test_callers_do_not_pay_for_each_other() -> None:
    buckets = TokenBuckets(1, Clock())
    await buckets.admit("maya")

    assert await buckets.admit("omar") == 0.0


async def test_callers_that_rest_are_forgotten_so_memory_stays_bounded() -> None:
    clock = Clock()
    buckets = TokenBuckets(60, clock)
    for number in range(10_000):
        await buckets.admit(str(number))

    clock.now = 61.0
    await buckets.admit("maya")

    assert len(buckets._buckets) == 1


async def test_there_are_only_so_many_answers_at_a_time() -> None:
    streams = Streams(1)

    with streams.slot():
        with pytest.raises(Refusal) as caught, streams.slot():
            pass
        assert (caught.value.status, caught.value.code) == (429, "too_many_streams")
    with streams.slot():
        pass


async def test_a_closing_gateway_takes_no_new_answers_and_waits_for_those_under_way() -> None:
    streams = Streams(10)

    with streams.slot():
        streams.close()
        waiting = asyncio.create_task(streams.wait_until_idle())
        with pytest.raises(Refusal) as caught, streams.slot():
            pass
        assert (caught.value.status, caught.value.code) == (503, "unavailable")
        assert not waiting.done()
    await waiting
