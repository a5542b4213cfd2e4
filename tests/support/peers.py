"""Peers that fail in ways a stopped process does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from support.processes import free_port


@asynccontextmanager
async def silent_server(port: int = 0) -> AsyncIterator[int]:
    """Accepts connections, reads, and never answers; gives its port."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            pass
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", port or free_port())
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
