"""Builds an index on a Qdrant server or cluster, over gRPC."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import UUID

from qdrant_client import AsyncQdrantClient, models

from marianne_corpus.index import Hit, Lane, NoIndexError, Point, Scope
from marianne_corpus.manifest import IncompatibleIndexError, Manifest
from marianne_corpus.schema import (
    COLLECTION,
    DATE_FIELDS,
    DENSE_VECTOR,
    KEYWORD_FIELDS,
    SPARSE_VECTORS,
    Chunk,
    from_payload,
)
from marianne_corpus.store.generations import before, generation_name, is_generation, superfluous
from marianne_corpus.store.server_client import (
    FILES,
    MANIFEST,
    PREFIX,
    WRITE_TIMEOUT_S,
    Server,
    ServerAddress,
    aliased,
    create_once,
    manifest_of,
    read_file,
    served,
    write_file,
)
from marianne_corpus.store.server_lease import held_lease
from marianne_corpus.store.server_query import search, server_point

_COPIED_AT_ONCE: Final = 256
_BUILD: Final = f"{PREFIX}build-"
"""Of collections without points that tell which generation the processes of one build fill together."""
_GENERATION: Final = "generation"


class ServerWriter:
    """Builds generations as collections."""

    def __init__(self, address: ServerAddress) -> None:
        self._address = address
        self._server = Server(address)

    def lease(self, run_id: str, seconds: float) -> AbstractAsyncContextManager[None]:
        return held_lease(self._server, run_id, seconds)

    async def current(self) -> Manifest | None:
        async with self._server.call("get_collection", WRITE_TIMEOUT_S) as client:
            try:
                return await manifest_of(client, await served(client))
            except (NoIndexError, IncompatibleIndexError):
                return None

    async def attachment(self, name: str) -> bytes:
        async with self._server.call("retrieve", WRITE_TIMEOUT_S) as client:
            return await read_file(client, await served(client), name)

    async def begin(self, dimension: int = 0) -> "ServerGeneration":
        generation = ServerGeneration(self._server, generation_name())
        async with self._server.call("create_collection", WRITE_TIMEOUT_S) as client:
            await _create(client, generation.collection, dimension, self._address)
        return generation

    async def begin_from_current(self) -> "ServerGeneration":
        async with self._server.call("get_collection", WRITE_TIMEOUT_S) as client:
            source = await served(client)
            dimension = (await manifest_of(client, source)).embedding_dim
        generation = await self.begin(dimension)
        offset: models.ExtendedPointId | None = None
        while True:
            async with self._server.call("scroll", WRITE_TIMEOUT_S) as client:
                offset = await _copy_some(client, source, generation.collection, offset)
            if offset is None:
                return generation

    async def join(self, build: str, dimension: int = 0) -> "ServerGeneration":
        """The generation of a build of that name, which several processes fill; whoever comes first creates it."""
        async with self._server.call("create_collection", WRITE_TIMEOUT_S) as client:
            record = f"{_BUILD}{build}"
            await create_once(client, record, vectors_config={}, metadata={_GENERATION: generation_name()})
            metadata = (await client.get_collection(record)).config.metadata or {}
            generation = ServerGeneration(self._server, metadata[_GENERATION], record)
            await _create(client, generation.collection, dimension, self._address)
        return generation

    async def roll_back(self) -> Manifest:
        async with self._server.call("update_aliases", WRITE_TIMEOUT_S) as client:
            current = await served(client)
            name = await _sealed_before(client, current)
            manifest = await manifest_of(client, f"{PREFIX}{name}")
            await client.update_collection_aliases(_alias_operations(f"{PREFIX}{name}", current))
            return manifest

    async def close(self) -> None:
        await self._server.close()


class ServerGeneration:
    """A generation under construction, as a collection that no alias names; `record` is that of its shared build."""

    def __init__(self, server: Server, name: str, record: str = "") -> None:
        self.name = name
        self.collection = f"{PREFIX}{name}"
        self._server = server
        self._record = record

    async def upsert(self, points: Sequence[Point]) -> None:
        async with self._server.call("upsert", WRITE_TIMEOUT_S) as client:
            await client.upsert(self.collection, [server_point(point) for point in points], wait=True)

    async def retrieve(self, point_ids: Sequence[UUID]) -> list[Chunk]:
        async with self._server.call("retrieve", WRITE_TIMEOUT_S) as client:
            found = await client.retrieve(self.collection, _ids(point_ids), with_payload=True)
        return [from_payload(record.payload or {}) for record in found]

    async def delete(self, point_ids: Sequence[UUID]) -> None:
        async with self._server.call("delete", WRITE_TIMEOUT_S) as client:
            await client.delete(self.collection, models.PointIdsList(points=_ids(point_ids)), wait=True)

    async def lanes(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> list[list[Hit]]:
        async with self._server.call("query", timeout_s) as client:
            return await search(client, self.collection, lanes, scope)

    async def count(self, *, timeout_s: float) -> int:
        async with self._server.call("count", timeout_s) as client:
            return (await client.count(self.collection, exact=True)).count

    async def optimize(self) -> None:
        """The server does it by itself; while it does, results are the same."""

    async def attach(self, name: str, content: bytes) -> None:
        async with self._server.call("upsert", WRITE_TIMEOUT_S) as client:
            await write_file(client, self.collection, name, content)

    async def attachment(self, name: str) -> bytes:
        async with self._server.call("retrieve", WRITE_TIMEOUT_S) as client:
            return await read_file(client, self.collection, name)

    async def seal(self, manifest: Manifest) -> None:
        async with self._server.call("update_collection", WRITE_TIMEOUT_S) as client:
            await client.update_collection(self.collection, metadata={MANIFEST: manifest.to_json().decode()})

    async def switch(self) -> None:
        async with self._server.call("update_aliases", WRITE_TIMEOUT_S) as client:
            previous = await aliased(client)
            await client.update_collection_aliases(_alias_operations(self.collection, previous))
            kept = {self.name, (previous or "").removeprefix(PREFIX)}
            for name in superfluous(await _generations(client), kept):
                await _remove(client, f"{PREFIX}{name}")
            for collection in (await client.get_collections()).collections:
                if collection.name.startswith(_BUILD):
                    await client.delete_collection(collection.name)

    async def discard(self) -> None:
        async with self._server.call("delete_collection", WRITE_TIMEOUT_S) as client:
            if self._record:
                await client.delete_collection(self._record)
            await _remove(client, self.collection)


async def _create(client: AsyncQdrantClient, collection: str, dimension: int, address: ServerAddress) -> None:
    idf = models.SparseVectorParams(modifier=models.Modifier.IDF)
    await create_once(
        client,
        collection,
        vectors_config={DENSE_VECTOR: _dense(dimension, address)} if dimension else {},
        sparse_vectors_config=dict.fromkeys(SPARSE_VECTORS, idf),
        on_disk_payload=address.on_disk,
        shard_number=address.shard_number,
        replication_factor=address.replication_factor,
    )
    for field in KEYWORD_FIELDS:
        await client.create_payload_index(collection, field, models.PayloadSchemaType.KEYWORD)
    for field in DATE_FIELDS:
        await client.create_payload_index(collection, field, models.PayloadSchemaType.DATETIME)


def _dense(dimension: int, address: ServerAddress) -> models.VectorParams:
    """Quantized vectors, of one byte for each number, are kept in memory beside the whole ones."""
    bytes_in_memory = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
    return models.VectorParams(
        size=dimension,
        distance=models.Distance.COSINE,
        on_disk=address.on_disk,
        quantization_config=models.ScalarQuantization(scalar=bytes_in_memory) if address.quantized else None,
    )


async def _copy_some(
    client: AsyncQdrantClient, source: str, target: str, offset: models.ExtendedPointId | None
) -> models.ExtendedPointId | None:
    """Copies a batch of points; returns where the next one begins."""
    records, following = await client.scroll(
        source, limit=_COPIED_AT_ONCE, offset=offset, with_payload=True, with_vectors=True
    )
    points = [
        models.PointStruct(
            id=record.id,
            vector=record.vector or {},  # type: ignore[arg-type]  # what a server gives it also takes
            payload=record.payload,
        )
        for record in records
    ]
    if points:
        await client.upsert(target, points, wait=True)
    return following  # type: ignore[return-value]  # an id, as the first offset


async def _generations(client: AsyncQdrantClient) -> list[str]:
    collections = (await client.get_collections()).collections
    names = [found.name.removeprefix(PREFIX).removesuffix(FILES) for found in collections]
    return [name for name in names if is_generation(name)]


async def _sealed_before(client: AsyncQdrantClient, current: str) -> str:
    """Raises NoIndexError."""
    older = [name for name in await _generations(client) if await _is_sealed(client, f"{PREFIX}{name}")]
    name = before(current.removeprefix(PREFIX), older)
    if name is None:
        raise NoIndexError(f"no index before {current} is kept")
    return name


async def _is_sealed(client: AsyncQdrantClient, collection: str) -> bool:
    if not await client.collection_exists(collection):
        return False
    return bool((await client.get_collection(collection)).config.metadata)


async def _remove(client: AsyncQdrantClient, collection: str) -> None:
    await client.delete_collection(collection)
    await client.delete_collection(f"{collection}{FILES}")


def _ids(point_ids: Sequence[UUID]) -> list[models.ExtendedPointId]:
    return [str(point_id) for point_id in point_ids]


def _alias_operations(collection: str, previous: str | None) -> list[models.AliasOperations]:
    create = models.CreateAlias(collection_name=collection, alias_name=COLLECTION)
    operations: list[models.AliasOperations] = [models.CreateAliasOperation(create_alias=create)]
    if previous:
        delete = models.DeleteAlias(alias_name=COLLECTION)
        operations.insert(0, models.DeleteAliasOperation(delete_alias=delete))
    return operations
