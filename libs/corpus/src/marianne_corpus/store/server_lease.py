"""The right to write on a server: a collection that only one run can create.

`marianne-lease-<n>` tells in its metadata who holds it and when that run was last alive. A lease that lapsed is
followed by the one of the next number, which again only one run can create.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from qdrant_client import AsyncQdrantClient

from marianne_corpus.index import LeaseHeldError
from marianne_corpus.schema import COLLECTION
from marianne_corpus.store.server_client import WRITE_TIMEOUT_S, Server, create_once

_PREFIX: Final = f"{COLLECTION}-lease-"
_NAME: Final = re.compile(rf"{_PREFIX}(\d+)")
_RENEWALS: Final = 3
"""Signs of life within the time after which a lease lapses."""


@asynccontextmanager
async def held_lease(server: Server, run_id: str, seconds: float) -> AsyncIterator[None]:
    """Raises LeaseHeldError, StoreUnavailableError."""
    async with server.call("create_collection", WRITE_TIMEOUT_S) as client:
        name = await _take(client, run_id, seconds)
    renewal = asyncio.create_task(_renew(server, name, run_id, seconds / _RENEWALS))
    try:
        yield
    finally:
        renewal.cancel()
        await asyncio.wait([renewal])
        async with server.call("delete_collection", WRITE_TIMEOUT_S) as client:
            await client.delete_collection(name)


async def _take(client: AsyncQdrantClient, run_id: str, seconds: float) -> str:
    names = [found.name for found in (await client.get_collections()).collections]
    numbers = sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))
    if numbers:
        await _refuse_while_alive(client, f"{_PREFIX}{numbers[-1]}", seconds)
    name = f"{_PREFIX}{numbers[-1] + 1 if numbers else 1}"
    if not await create_once(client, name, vectors_config={}, metadata=_sign_of_life(run_id)):
        raise LeaseHeldError("another run has just begun to write this index")
    for number in numbers:
        await client.delete_collection(f"{_PREFIX}{number}")
    return name


async def _refuse_while_alive(client: AsyncQdrantClient, name: str, seconds: float) -> None:
    holder = (await client.get_collection(name)).config.metadata or {}
    silent = datetime.now(UTC) - datetime.fromisoformat(holder["alive_at"])
    if silent.total_seconds() < seconds:
        raise LeaseHeldError(
            f"run {holder['run_id']} is writing this index; it was alive {silent.total_seconds():.0f} s ago"
        )


async def _renew(server: Server, name: str, run_id: str, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        async with server.call("update_collection", WRITE_TIMEOUT_S) as client:
            await client.update_collection(name, metadata=_sign_of_life(run_id))


def _sign_of_life(run_id: str) -> dict[str, str]:
    return {"run_id": run_id, "alive_at": datetime.now(UTC).isoformat()}
