"""Builds an index on a Qdrant server or cluster, over gRPC."""

from collections.abc import Sequence

from qdrant_client import models

from marianne_corpus.index import Hit, Lane, NoIndexError, Point, Scope
from marianne_corpus.manifest import IncompatibleIndexError, Manifest
from marianne_corpus.schema import COLLECTION, DATE_FIELDS, DENSE_VECTOR, KEYWORD_FIELDS, SPARSE_VECTORS
from marianne_corpus.store.generations import generation_name, outdated
from marianne_corpus.store.server_client import (
    MANIFEST,
    PREFIX,
    WRITE_TIMEOUT_S,
    Server,
    ServerAddress,
    aliased,
    manifest_of,
    served,
    write_file,
)
from marianne_corpus.store.server_query import search, server_point


class ServerWriter:
    """Builds generations as collections."""

    def __init__(self, address: ServerAddress) -> None:
        self._server = Server(address)

    async def current(self) -> Manifest | None:
        async with self._server.call("get_collection", WRITE_TIMEOUT_S) as client:
            try:
                return await manifest_of(client, await served(client))
            except (NoIndexError, IncompatibleIndexError):
                return None

    async def begin(self, dimension: int = 0) -> "ServerGeneration":
        generation = ServerGeneration(self._server, generation_name())
        await generation.create(dimension)
        return generation

    async def close(self) -> None:
        await self._server.close()


class ServerGeneration:
    """A generation under construction, as a collection that no alias names."""

    def __init__(self, server: Server, name: str) -> None:
        self.name = name
        self._server = server
        self._collection = f"{PREFIX}{name}"

    async def create(self, dimension: int) -> None:
        dense = models.VectorParams(size=dimension, distance=models.Distance.COSINE) if dimension else None
        idf = models.SparseVectorParams(modifier=models.Modifier.IDF)
        async with self._server.call("create_collection", WRITE_TIMEOUT_S) as client:
            await client.create_collection(
                self._collection,
                vectors_config={DENSE_VECTOR: dense} if dense else {},
                sparse_vectors_config=dict.fromkeys(SPARSE_VECTORS, idf),
            )
            for field in KEYWORD_FIELDS:
                await client.create_payload_index(self._collection, field, models.PayloadSchemaType.KEYWORD)
            for field in DATE_FIELDS:
                await client.create_payload_index(self._collection, field, models.PayloadSchemaType.DATETIME)

    async def upsert(self, points: Sequence[Point]) -> None:
        async with self._server.call("upsert", WRITE_TIMEOUT_S) as client:
            await client.upsert(self._collection, [server_point(point) for point in points], wait=True)

    async def lanes(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> list[list[Hit]]:
        async with self._server.call("query", timeout_s) as client:
            return await search(client, self._collection, lanes, scope)

    async def count(self, *, timeout_s: float) -> int:
        async with self._server.call("count", timeout_s) as client:
            return (await client.count(self._collection, exact=True)).count

    async def attach(self, name: str, content: bytes) -> None:
        async with self._server.call("upsert", WRITE_TIMEOUT_S) as client:
            await write_file(client, self._collection, name, content)

    async def seal(self, manifest: Manifest) -> None:
        """The server optimises by itself; while it does, results are the same."""
        async with self._server.call("update_collection", WRITE_TIMEOUT_S) as client:
            await client.update_collection(self._collection, metadata={MANIFEST: manifest.to_json().decode()})

    async def switch(self) -> None:
        async with self._server.call("update_aliases", WRITE_TIMEOUT_S) as client:
            previous = await aliased(client)
            await client.update_collection_aliases(_alias_operations(self._collection, previous))
            collections = [found.name for found in (await client.get_collections()).collections]
            generations = [name for name in collections if name.startswith(PREFIX)]
            for name in outdated(generations, {self._collection, previous or self._collection}):
                await client.delete_collection(name)

    async def discard(self) -> None:
        async with self._server.call("delete_collection", WRITE_TIMEOUT_S) as client:
            names = [found.name for found in (await client.get_collections()).collections]
            for name in names:
                if name.startswith(self._collection):
                    await client.delete_collection(name)


def _alias_operations(collection: str, previous: str | None) -> list[models.AliasOperations]:
    create = models.CreateAlias(collection_name=collection, alias_name=COLLECTION)
    operations: list[models.AliasOperations] = [models.CreateAliasOperation(create_alias=create)]
    if previous:
        delete = models.DeleteAlias(alias_name=COLLECTION)
        operations.insert(0, models.DeleteAliasOperation(delete_alias=delete))
    return operations
