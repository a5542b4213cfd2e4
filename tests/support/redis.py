"""A real Redis for tests, without persistence, stopped and started by pid."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from support.processes import Program, free_port


class RedisServer:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)]
        self._program = Program("redis", [*command, "--save", "", "--appendonly", "no"], {}, folder)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def program(self) -> Program:
        return self._program

    async def start(self) -> None:
        await self._program.start()
        async with Redis.from_url(self.url) as redis:
            while not await _answers(redis):
                assert self._program.returncode is None, self._program.output()

    async def empty(self) -> None:
        """Waits until every conversation has expired."""
        async with Redis.from_url(self.url) as redis:
            while await redis.keys("marianne:thread:*"):  # noqa: ASYNC110  nothing tells of an expiry
                await asyncio.sleep(0.01)


async def _answers(redis: "Redis") -> bool:
    with suppress(RedisError, OSError):
        return bool(await redis.ping())
    return False


@asynccontextmanager
async def running_redis(folder: Path) -> AsyncIterator[RedisServer]:
    server = RedisServer(folder)
    try:
        await server.start()
        yield server
    finally:
        await server.program.end()
