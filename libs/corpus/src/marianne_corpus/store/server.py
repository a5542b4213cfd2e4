"""The index on a Qdrant server or cluster, over gRPC.

Each generation is a collection `marianne-<generation>`; the alias `marianne` names the one that is served. The manifest
is the collection's metadata.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, assert_never

import grpc
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException

from marianne_corpus.index import Hit, Lane, NoIndexError, Point, Reply, Scope, SparseLane, StoreUnavailableError
from marianne_corpus.manifest import IncompatibleIndexError, Manifest
from marianne_corpus.schema import COLLECTION, DATE_FIELDS, KEYWORD_FIELDS, SPARSE_VECTOR, from_payload, to_payload
from marianne_corpus.store.conditions import After, All, Any, Condition, Matches, Missing, NotAfter, allowed
from marianne_corpus.store.generations import generation_name, outdated
from marianne_corpus.store.telemetry import qdrant_span

_PREFIX: Final = f"{COLLECTION}-"
_MANIFEST: Final = "manifest"
_WRITE_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the server is: `url` as `http://host:6333` or `https://…`, of which host and scheme count."""

    url: str
    grpc_port: int = 6334
    api_key: str | None = None


class ServerReader:
    """Reads the generation that the alias names."""

    def __init__(self, address: ServerAddress) -> None:
        self._server = _Server(address)
        self._manifest: Manifest | None = None

    async def search(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> Reply:
        """The reply's manifest is the one that `manifest` read last; only the first search reads it itself."""
        async with self._server.call("query", timeout_s) as client:
            if self._manifest is None:
                self._manifest = await _served_manifest(client)
            return Reply(await _query(client, COLLECTION, lanes, scope), self._manifest)

    async def count(self, *, timeout_s: float) -> int:
        async with self._server.call("count", timeout_s) as client:
            return (await client.count(COLLECTION, exact=True)).count

    async def manifest(self, *, timeout_s: float) -> Manifest:
        self._manifest = None
        async with self._server.call("get_collection", timeout_s) as client:
            self._manifest = await _served_manifest(client)
            return self._manifest

    async def close(self) -> None:
        await self._server.close()


class ServerWriter:
    """Builds generations as collections."""

    def __init__(self, address: ServerAddress) -> None:
        self._server = _Server(address)

    async def current(self) -> Manifest | None:
        async with self._server.call("get_collection", _WRITE_TIMEOUT_S) as client:
            try:
                return await _served_manifest(client)
            except (NoIndexError, IncompatibleIndexError):
                return None

    async def begin(self) -> "ServerGeneration":
        generation = ServerGeneration(self._server, generation_name())
        await generation.create()
        return generation

    async def close(self) -> None:
        await self._server.close()


class ServerGeneration:
    """A generation under construction, as a collection that no alias names."""

    def __init__(self, server: "_Server", name: str) -> None:
        self.name = name
        self._server = server
        self._collection = f"{_PREFIX}{name}"

    async def create(self) -> None:
        async with self._server.call("create_collection", _WRITE_TIMEOUT_S) as client:
            await client.create_collection(
                self._collection,
                vectors_config={},
                sparse_vectors_config={SPARSE_VECTOR: models.SparseVectorParams(modifier=models.Modifier.IDF)},
            )
            for field in KEYWORD_FIELDS:
                await client.create_payload_index(self._collection, field, models.PayloadSchemaType.KEYWORD)
            for field in DATE_FIELDS:
                await client.create_payload_index(self._collection, field, models.PayloadSchemaType.DATETIME)

    async def upsert(self, points: Sequence[Point]) -> None:
        async with self._server.call("upsert", _WRITE_TIMEOUT_S) as client:
            await client.upsert(self._collection, [_point(point) for point in points], wait=True)

    async def lanes(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> list[list[Hit]]:
        async with self._server.call("query", timeout_s) as client:
            return await _query(client, self._collection, lanes, scope)

    async def count(self, *, timeout_s: float) -> int:
        async with self._server.call("count", timeout_s) as client:
            return (await client.count(self._collection, exact=True)).count

    async def seal(self, manifest: Manifest) -> None:
        """The server optimises by itself; while it does, results are the same."""
        async with self._server.call("update_collection", _WRITE_TIMEOUT_S) as client:
            await client.update_collection(self._collection, metadata={_MANIFEST: manifest.to_json().decode()})

    async def switch(self) -> None:
        async with self._server.call("update_aliases", _WRITE_TIMEOUT_S) as client:
            previous = await _aliased(client)
            await client.update_collection_aliases(_alias_operations(self._collection, previous))
            collections = [found.name for found in (await client.get_collections()).collections]
            generations = [name for name in collections if name.startswith(_PREFIX)]
            for name in outdated(generations, {self._collection, previous or self._collection}):
                await client.delete_collection(name)

    async def discard(self) -> None:
        async with self._server.call("delete_collection", _WRITE_TIMEOUT_S) as client:
            await client.delete_collection(self._collection)


class _Server:
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
                timeout=math.ceil(_WRITE_TIMEOUT_S),
                check_compatibility=False,
            )
        return self._client

    def _unavailable(self, reason: str) -> StoreUnavailableError:
        return StoreUnavailableError(f"QDRANT_URL={self._address.url}: {reason}")


async def _aliased(client: AsyncQdrantClient) -> str | None:
    aliases = (await client.get_aliases()).aliases
    return next((alias.collection_name for alias in aliases if alias.alias_name == COLLECTION), None)


async def _served_manifest(client: AsyncQdrantClient) -> Manifest:
    collection = await _aliased(client)
    if collection is None:
        raise NoIndexError(f"no alias {COLLECTION!r}: nothing is indexed there; run marianne-ingest")
    metadata = (await client.get_collection(collection)).config.metadata or {}
    return Manifest.from_json(metadata.get(_MANIFEST, ""))


async def _query(client: AsyncQdrantClient, collection: str, lanes: Sequence[Lane], scope: Scope) -> list[list[Hit]]:
    found = await client.query_batch_points(collection, [_request(lane, scope) for lane in lanes])
    return [[Hit(from_payload(point.payload or {}), point.score) for point in reply.points] for reply in found]


def _request(lane: Lane, scope: Scope) -> models.QueryRequest:
    query = None
    if isinstance(lane, SparseLane):
        vector = models.SparseVector(indices=lane.vector.indices, values=lane.vector.values)
        query = models.NearestQuery(nearest=vector)
    return models.QueryRequest(
        query=query,
        using=SPARSE_VECTOR if query else None,
        filter=_all(allowed(lane, scope)),
        limit=lane.limit,
        with_payload=True,
    )


def _point(point: Point) -> models.PointStruct:
    vector = models.SparseVector(indices=point.sparse.indices, values=point.sparse.values)
    return models.PointStruct(
        id=str(point.chunk.point_id), vector={SPARSE_VECTOR: vector}, payload=to_payload(point.chunk)
    )


def _alias_operations(collection: str, previous: str | None) -> list[models.AliasOperations]:
    create = models.CreateAlias(collection_name=collection, alias_name=COLLECTION)
    operations: list[models.AliasOperations] = [models.CreateAliasOperation(create_alias=create)]
    if previous:
        delete = models.DeleteAlias(alias_name=COLLECTION)
        operations.insert(0, models.DeleteAliasOperation(delete_alias=delete))
    return operations


def _all(condition: All) -> models.Filter:
    return models.Filter(
        must=[_condition(part) for part in condition.conditions],
        must_not=[_condition(part) for part in condition.without],
    )


def _condition(condition: Condition) -> models.FieldCondition | models.IsEmptyCondition | models.Filter:
    match condition:
        case Matches(field, values):
            return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))
        case Missing(field):
            return models.IsEmptyCondition(is_empty=models.PayloadField(key=field))
        case NotAfter(field, day):
            return models.FieldCondition(key=field, range=models.DatetimeRange(lte=day))
        case After(field, day):
            return models.FieldCondition(key=field, range=models.DatetimeRange(gt=day))
        case Any(conditions):
            return models.Filter(should=[_condition(part) for part in conditions])
        case All():
            return _all(condition)
        case _ as never:
            assert_never(never)
