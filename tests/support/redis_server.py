"""A real Redis for tests, and two that are not there: one refuses, one accepts and never answers."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from support.processes import Program, free_port


@asynccontextmanager
async def running_redis(folder: Path, port: int | None = None) -> AsyncIterator[str]:
    """A redis-server of its own that keeps nothing on disk; yields its URL."""
    port = port or free_port()
    url = f"redis://127.0.0.1:{port}"
    options = {"port": port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": folder}
    command = ["redis-server", *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
    program = Program("redis", command, os.environ, folder)  # noqa: TID251  a program of the system
    await program.start()
    try:
        async with Redis.from_url(url, retry=Retry(ConstantBackoff(0.02), 500)) as client:
            await client.ping()
        yield url
    finally:
        await program.end()


@contextmanager
def refusing_redis() -> Iterator[str]:
    """The port is taken, but nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"redis://127.0.0.1:{held.getsockname()[1]}"


class HangingRedis:
    """Accepts connections and never says a word."""

    def __init__(self) -> None:
        self.accepted = 0
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["HangingRedis"]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        await reader.read()  # what the client says, up to its leaving
        writer.close()
