"""A Redis that is not there: one refuses, one accepts and never answers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Self


@contextmanager
def refusing_redis() -> Iterator[str]:
    """A URL whose port is taken, but at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"redis://127.0.0.1:{held.getsockname()[1]}"


class HangingRedis:
    """Accepts connections, counts them, and never says a word."""

    def __init__(self) -> None:
        self.accepted = 0
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
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
