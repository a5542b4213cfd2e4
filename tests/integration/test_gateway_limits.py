"""What every limiter does, in memory and over a real Redis; and that an absent Redis refuses nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from marianne_gateway.errors import Refusal
from marianne_gateway.limits import CallerStreams, MemoryCallerStreams, RateLimiter, TokenBuckets
from marianne_gateway.redis_limits import RedisLimits, open_redis
from support.absent_redis import HangingRedis, refusing_redis
from support.gateway import ask, running_gateway
from support.orchestrator import FakeOrchestrator, meta
from support.redis import running_redis

LONG_S = 100.0
needs_redis = pytest.mark.system("redis-server")


@asynccontextmanager
async def shared(url: str, per_minute: int = 60, streams: int | None = 2) -> AsyncIterator[RedisLimits]:
    async with open_redis(url, 1.0) as redis:
        yield RedisLimits(redis, per_minute, streams, LONG_S)


@pytest.fixture(name="limits", params=["memory", pytest.param("redis", marks=needs_redis)])
async def _limits(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[RateLimiter, CallerStreams]]:
    """Three requests a minute, two streams at a time."""
    if request.param == "memory":
        yield TokenBuckets(3), MemoryCallerStreams(2)
        return
    async with running_redis(tmp_path) as redis, shared(redis.url, 3, 2) as limits:
        yield limits, limits


async def test_a_minutes_requests_pass_and_the_next_one_waits(limits: tuple[RateLimiter, CallerStreams]) -> None:
    rates, _ = limits
    assert [await rates.admit("maya") for _ in range(3)] == [0.0] * 3
    assert 15 < await rates.admit("maya") <= 20
    assert await rates.admit("omar") == 0.0


async def test_a_caller_has_so_many_streams_at_a_time(limits: tuple[RateLimiter, CallerStreams]) -> None:
    _, streams = limits
    async with AsyncExitStack() as held:
        for _ in range(2):
            await held.enter_async_context(streams.slot("maya"))
        with pytest.raises(Refusal) as refused:
            await held.enter_async_context(streams.slot("maya"))
        await held.enter_async_context(streams.slot("omar"))
    assert (refused.value.status, refused.value.code) == (429, "too_many_streams")
    async with streams.slot("maya"):
        pass


@needs_redis
async def test_gateways_count_together(tmp_path: Path) -> None:
    async with running_redis(tmp_path) as redis, shared(redis.url, 1, 1) as one, shared(redis.url, 1, 1) as other:
        assert await one.admit("maya") == 0.0
        assert await other.admit("maya") > 0
        async with one.slot("maya"):
            with pytest.raises(Refusal):
                await other.slot("maya").__aenter__()
        async with other.slot("maya"):
            pass


async def test_a_redis_that_refuses_refuses_nobody() -> None:
    with refusing_redis() as url:
        async with shared(url, 1, 1) as limits, limits.slot("maya"), limits.slot("maya"):
            assert [await limits.admit("maya") for _ in range(3)] == [0.0] * 3


async def test_a_redis_that_hangs_is_waited_for_once() -> None:
    async with HangingRedis().running() as redis, open_redis(redis.url, 0.05) as client:
        limits = RedisLimits(client, 1, 1, LONG_S)
        async with asyncio.timeout(0.5):
            assert [await limits.admit("maya") for _ in range(50)] == [0.0] * 50
        assert redis.accepted == 1


async def test_a_stream_too_many_is_a_429_with_the_time_to_wait() -> None:
    orchestrator = FakeOrchestrator()
    async with orchestrator.running() as address, running_gateway(address, max_streams_per_key=1) as gateway:
        orchestrator.play(meta(), asyncio.Event())
        async with gateway.http.stream("POST", "/chat/stream", json={"query": "Où ?"}) as first:
            await anext(first.aiter_bytes())
            refused = await gateway.http.post("/chat/stream", json={"query": "Où ?"})
        orchestrator.play(meta())
        assert await ask(gateway)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "too_many_streams"
    assert int(refused.headers["retry-after"]) > 0
