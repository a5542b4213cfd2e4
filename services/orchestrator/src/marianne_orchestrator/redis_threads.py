"""Conversations in Redis, so that they outlive a process and are seen by all of them."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import TypeVar

import orjson
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from marianne_orchestrator.redis_connection import RedisConnection, RedisUnavailableError
from marianne_orchestrator.threads import Exchange, Thread, ThreadsUnavailableError, erased

T = TypeVar("T")


class RedisThreadStore:
    """One JSON blob a thread, with a time to live."""

    def __init__(self, redis: RedisConnection, ttl_s: float) -> None:
        self._redis = redis
        self._ttl_ms = round(ttl_s * 1000)

    async def load(self, thread_id: str) -> Thread:
        return _thread(await self._call(lambda redis: redis.get(_key(thread_id))))

    async def append(self, thread_id: str, exchange: Exchange) -> None:
        key = _key(thread_id)

        async def change(pipeline: Pipeline) -> None:
            thread = _thread(await pipeline.get(key)).with_exchange(exchange)
            pipeline.multi()  # type: ignore[no-untyped-call]  # redis leaves it untyped
            pipeline.set(key, _blob(thread), px=self._ttl_ms)

        # Begins again when another turn of the thread, or its erasure, was faster.
        await self._call(lambda redis: redis.transaction(change, key))

    async def delete(self, thread_id: str) -> None:
        await self._call(lambda redis: redis.set(_key(thread_id), _blob(erased()), px=self._ttl_ms))

    async def _call(self, command: Callable[["Redis"], Awaitable[T]]) -> T:
        try:
            return await self._redis.call(command)
        except RedisUnavailableError as error:
            raise ThreadsUnavailableError from error


def _thread(blob: bytes | str | None) -> Thread:
    if not blob:
        return Thread()
    kept = orjson.loads(blob)
    erased_at = kept["erased_at"]
    return Thread(
        tuple(Exchange(**exchange) for exchange in kept["exchanges"]),
        datetime.fromisoformat(erased_at) if erased_at else None,
    )


def _blob(thread: Thread) -> bytes:
    return orjson.dumps(asdict(thread))


def _key(thread_id: str) -> str:
    return f"marianne:thread:{thread_id}"
