"""Where conversations and turns are kept: in Redis when there is a URL, else in the memory of this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from marianne_orchestrator.config import OrchestratorSettings
from marianne_orchestrator.interruption import Interruption
from marianne_orchestrator.redis_connection import open_redis
from marianne_orchestrator.redis_threads import RedisThreadStore
from marianne_orchestrator.redis_turn_log import RedisTurnLog
from marianne_orchestrator.threads import MemoryThreadStore, ThreadStore
from marianne_orchestrator.turn_log import MemoryTurnLog, TurnLog


@dataclass(frozen=True, slots=True)
class Stores:
    threads: ThreadStore
    turns: TurnLog


@asynccontextmanager
async def open_stores(settings: OrchestratorSettings, interruption: Interruption) -> AsyncIterator[Stores]:
    if settings.redis_address is None:
        yield Stores(MemoryThreadStore(settings.thread_ttl_s), MemoryTurnLog(settings.turn_ttl_s))
        return
    async with open_redis(settings.redis_address, settings.redis_timeout_s) as redis:
        turns = RedisTurnLog(redis, interruption, ttl_s=settings.turn_ttl_s, lease_s=settings.turn_lease_s)
        async with turns.at_work():
            yield Stores(RedisThreadStore(redis, settings.thread_ttl_s), turns)
