"""The client of a Qdrant server or cluster, and how an index lies there.

Each generation is a collection `marianne-<generation>`; the alias `marianne` names the one that is served. The manifest
is the collection's metadata. Files that belong to a generation lie in parts in `marianne-<generation>-files`.
"""

import asyncio
import math
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import grpc
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException

from marianne_corpus.index import NoIndexError, StoreUnavailableError
from marianne_corpus.manifest import IncompatibleIndexError, Manifest
from marianne_corpus.schema import COLLECTION
from marianne_corpus.store.telemetry import qdrant_span

PREFIX: Final = f"{COLLECTION}-"
MANIFEST: Final = "manifest"
WRITE_TIMEOUT_S: Final = 60.0

FILES: Final = "-files"
_PART_BYTES: Final = 1 << 19
_PARTS_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the server is, `url` as `http://host:6333` or `https://…`, of which host and scheme count, and how it keeps
    what is written: vectors and payload on disk, vectors quantized to bytes, shards and replicas over the nodes.
    """

    url: str
    grpc_port: int = 6334
    api_key: str | None = None
    on_disk: bool = False
    quantized: bool = False
    shard_number: int | None = None
    replication_factor: int | None = None


class Server:
    """The client, opened at the first call, and what its failures mean."""

    def __init__(self, address: ServerAddress) -> None:
        self._address = address
        self._client: AsyncQdrantClient | None = None

    @asynccontextmanager
    async def call(self, operation: str, timeout_s: float) -> AsyncIterator[AsyncQdrantClient]:
        try:
            with qdrant_span(operation, COLLECTION):
                async with asyncio.timeout(timeout_s):
                    yield self._connected()
        except TimeoutError as error:
            raise self._unavailable(f"no answer within {timeout_s:.2f} s") from error
        except grpc.aio.AioRpcError as error:
            raise self._unavailable(f"{error.code().name}, {error.details()}") from error
        except (QdrantException, ApiException) as error:
            raise self._unavailable(str(error)) from error
        except IncompatibleIndexError as error:
            raise self._unavailable(str(error)) from error
        except NoIndexError as error:
            raise NoIndexError(f"QDRANT_URL={self._address.url}: {error}") from error

    async def close(self) -> None:
        if self._client:
            await self._client.close()
            self._client = None

    def _connected(self) -> AsyncQdrantClient:
        if self._client is None:
            self._client = AsyncQdrantClient(
                url=self._address.url,
                grpc_port=self._address.grpc_port,
                api_key=self._address.api_key,
                prefer_grpc=True,
                # `call` keeps the exact deadline; this one only tells the server when nobody waits any more.
                timeout=math.ceil(WRITE_TIMEOUT_S),
                check_compatibility=False,
            )
        return self._client

    def _unavailable(self, reason: str) -> StoreUnavailableError:
        return StoreUnavailableError(f"QDRANT_URL={self._address.url}: {reason}")


async def aliased(client: AsyncQdrantClient) -> str | None:
    """The collection that is served."""
    aliases = (await client.get_aliases()).aliases
    return next((alias.collection_name for alias in aliases if alias.alias_name == COLLECTION), None)


async def served(client: AsyncQdrantClient) -> str:
    """The collection that is served. Raises NoIndexError."""
    collection = await aliased(client)
    if collection is None:
        raise NoIndexError(f"no alias {COLLECTION!r}: nothing is indexed there; run marianne-ingest")
    return collection


async def manifest_of(client: AsyncQdrantClient, collection: str) -> Manifest:
    """Raises IncompatibleIndexError."""
    metadata = (await client.get_collection(collection)).config.metadata or {}
    return Manifest.from_json(metadata.get(MANIFEST, ""))


async def create_once(client: AsyncQdrantClient, collection: str, **config: Any) -> bool:
    """Creates a collection unless it is there; of those who try at the same time one is told True."""
    try:
        return await client.create_collection(collection, **config)
    except grpc.aio.AioRpcError as error:
        taken = error.code() in (grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.INVALID_ARGUMENT)
        if taken and await client.collection_exists(collection):
            return False
        raise


async def write_file(client: AsyncQdrantClient, collection: str, name: str, content: bytes) -> None:
    """Keeps a file beside a collection, in its parts; the first, without which it is not there, comes last."""
    files = f"{collection}{FILES}"
    if not await client.collection_exists(files):
        await create_once(client, files, vectors_config={})
    parts = [content[start : start + _PART_BYTES] for start in range(0, len(content), _PART_BYTES)] or [b""]
    for number, part in reversed([*enumerate(parts)]):
        payload = {"name": name, "parts": len(parts), "content": b64encode(part).decode("ascii")}
        point = models.PointStruct(id=_part_id(name, number), vector={}, payload=payload)
        await client.upsert(files, [point], wait=True)


async def read_file(client: AsyncQdrantClient, collection: str, name: str) -> bytes:
    """Empty when the collection has none of that name."""
    files = f"{collection}{FILES}"
    first = await client.retrieve(files, [_part_id(name, 0)]) if await client.collection_exists(files) else []
    parts = first[0].payload["parts"] if first and first[0].payload else 0
    return b"".join([part async for part in _parts(client, files, name, parts)])


async def _parts(client: AsyncQdrantClient, files: str, name: str, parts: int) -> AsyncIterator[bytes]:
    for start in range(0, parts, _PARTS_AT_ONCE):
        ids = [_part_id(name, number) for number in range(start, min(start + _PARTS_AT_ONCE, parts))]
        found = {record.id: record.payload or {} for record in await client.retrieve(files, ids)}
        for part in ids:
            yield b64decode(found[part]["content"])


def _part_id(name: str, number: int) -> str:
    return str(uuid5(NAMESPACE_URL, f"{name}#{number}"))
