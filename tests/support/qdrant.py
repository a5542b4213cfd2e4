"""Stands for a Qdrant server: its real gRPC services over the client's in-memory engine, and one that never answers."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from qdrant_client import QdrantClient, models
from qdrant_client import grpc as qdrant
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc
from qdrant_client.grpc import collections_service_pb2_grpc, points_service_pb2_grpc

from marianne_corpus.store import ServerAddress

Context = grpc.aio.ServicerContext[Any, Any]


class RequestCount(grpc.aio.ServerInterceptor):
    """How many requests have come."""

    def __init__(self) -> None:
        self.count = 0
        self._came = asyncio.Event()

    async def reach(self, count: int) -> None:
        while self.count < count:
            self._came.clear()
            await self._came.wait()

    async def intercept_service(self, continuation: Any, handler_call_details: grpc.HandlerCallDetails) -> Any:
        self.count += 1
        self._came.set()
        return await continuation(handler_call_details)


@dataclass(frozen=True, slots=True)
class QdrantSubstitute:
    address: ServerAddress
    engine: QdrantClient
    requests: RequestCount
    created: list[qdrant.CreateCollection]
    """What was asked for of each collection, of which the in-memory engine keeps little."""


class _Points(points_service_pb2_grpc.PointsServicer):
    def __init__(self, engine: QdrantClient) -> None:
        self._engine = engine

    async def Upsert(self, request: qdrant.UpsertPoints, context: Context) -> qdrant.PointsOperationResponse:
        points = [GrpcToRest.convert_point_struct(point) for point in request.points]
        self._engine.upsert(request.collection_name, points)
        return _acknowledged()

    async def CreateFieldIndex(
        self, request: qdrant.CreateFieldIndexCollection, context: Context
    ) -> qdrant.PointsOperationResponse:
        """The in-memory engine needs no index; a collection that is not there is still an error."""
        self._engine.get_collection(request.collection_name)
        return _acknowledged()

    async def Get(self, request: qdrant.GetPoints, context: Context) -> qdrant.GetResponse:
        ids = [GrpcToRest.convert_point_id(point_id) for point_id in request.ids]
        records = self._engine.retrieve(request.collection_name, ids)
        return qdrant.GetResponse(result=[RestToGrpc.convert_record(record) for record in records])

    async def Scroll(self, request: qdrant.ScrollPoints, context: Context) -> qdrant.ScrollResponse:
        offset = GrpcToRest.convert_point_id(request.offset) if request.HasField("offset") else None
        records, following = self._engine.scroll(
            request.collection_name, limit=request.limit, offset=offset, with_payload=True, with_vectors=True
        )
        found = [RestToGrpc.convert_record(record) for record in records]
        next_offset = RestToGrpc.convert_extended_point_id(str(following)) if following is not None else None
        return qdrant.ScrollResponse(result=found, next_page_offset=next_offset)

    async def Delete(self, request: qdrant.DeletePoints, context: Context) -> qdrant.PointsOperationResponse:
        self._engine.delete(request.collection_name, GrpcToRest.convert_points_selector(request.points))
        return _acknowledged()

    async def Count(self, request: qdrant.CountPoints, context: Context) -> qdrant.CountResponse:
        count = self._engine.count(request.collection_name, exact=request.exact).count
        return qdrant.CountResponse(result=qdrant.CountResult(count=count))

    async def QueryBatch(self, request: qdrant.QueryBatchPoints, context: Context) -> qdrant.QueryBatchResponse:
        requests = [GrpcToRest.convert_query_points(query) for query in request.query_points]
        try:
            replies = self._engine.query_batch_points(request.collection_name, requests)
        except ValueError as error:
            await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        return qdrant.QueryBatchResponse(result=[_batch_result(reply) for reply in replies])


class _Collections(collections_service_pb2_grpc.CollectionsServicer):
    def __init__(self, engine: QdrantClient) -> None:
        self._engine = engine
        self.created: list[qdrant.CreateCollection] = []

    async def Create(self, request: qdrant.CreateCollection, context: Context) -> qdrant.CollectionOperationResponse:
        sparse = GrpcToRest.convert_sparse_vector_config(request.sparse_vectors_config)
        dense = {
            name: GrpcToRest.convert_vector_params(vector)
            for name, vector in request.vectors_config.params_map.map.items()
        }
        if self._engine.collection_exists(request.collection_name):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{request.collection_name} already exists!")
        self.created.append(request)
        self._engine.create_collection(
            request.collection_name,
            vectors_config=dense,
            sparse_vectors_config=sparse,
            metadata=GrpcToRest.convert_payload(request.metadata) or None,
        )
        return _done()

    async def Update(self, request: qdrant.UpdateCollection, context: Context) -> qdrant.CollectionOperationResponse:
        metadata = GrpcToRest.convert_payload(request.metadata)
        self._engine.update_collection(request.collection_name, metadata=metadata)
        return _done()

    async def Delete(self, request: qdrant.DeleteCollection, context: Context) -> qdrant.CollectionOperationResponse:
        self._engine.delete_collection(request.collection_name)
        return _done()

    async def Get(self, request: qdrant.GetCollectionInfoRequest, context: Context) -> qdrant.GetCollectionInfoResponse:
        info = self._engine.get_collection(request.collection_name)
        return qdrant.GetCollectionInfoResponse(result=RestToGrpc.convert_collection_info(info))

    async def CollectionExists(
        self, request: qdrant.CollectionExistsRequest, context: Context
    ) -> qdrant.CollectionExistsResponse:
        exists = self._engine.collection_exists(request.collection_name)
        return qdrant.CollectionExistsResponse(result=qdrant.CollectionExists(exists=exists))

    async def List(self, request: qdrant.ListCollectionsRequest, context: Context) -> qdrant.ListCollectionsResponse:
        names = [collection.name for collection in self._engine.get_collections().collections]
        return qdrant.ListCollectionsResponse(collections=[qdrant.CollectionDescription(name=name) for name in names])

    async def ListAliases(self, request: qdrant.ListAliasesRequest, context: Context) -> qdrant.ListAliasesResponse:
        aliases = self._engine.get_aliases().aliases
        return qdrant.ListAliasesResponse(aliases=[RestToGrpc.convert_alias_description(alias) for alias in aliases])

    async def UpdateAliases(
        self, request: qdrant.ChangeAliases, context: Context
    ) -> qdrant.CollectionOperationResponse:
        operations = [GrpcToRest.convert_alias_operations(action) for action in request.actions]
        self._engine.update_collection_aliases(operations)
        return _done()


@asynccontextmanager
async def qdrant_server() -> AsyncIterator[QdrantSubstitute]:
    """A server on a free port of the loopback interface."""
    engine = QdrantClient(":memory:")
    requests, collections = RequestCount(), _Collections(engine)
    server = grpc.aio.server(interceptors=[requests])
    points_service_pb2_grpc.add_PointsServicer_to_server(_Points(engine), server)  # type: ignore[no-untyped-call]  # generated without types
    collections_service_pb2_grpc.add_CollectionsServicer_to_server(collections, server)  # type: ignore[no-untyped-call]  # as above
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield QdrantSubstitute(ServerAddress("http://127.0.0.1", grpc_port=port), engine, requests, collections.created)
    finally:
        await server.stop(grace=None)
        engine.close()


@asynccontextmanager
async def hung_qdrant_server() -> AsyncIterator[ServerAddress]:
    """Accepts connections, reads what comes and never answers."""
    connections: set[asyncio.StreamWriter] = set()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        while await reader.read(65536):
            pass

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    try:
        yield ServerAddress("http://127.0.0.1", grpc_port=server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for writer in connections:
            writer.close()
        await server.wait_closed()


def _batch_result(reply: models.QueryResponse) -> qdrant.BatchResult:
    return qdrant.BatchResult(result=[RestToGrpc.convert_scored_point(point) for point in reply.points])


def _acknowledged() -> qdrant.PointsOperationResponse:
    return qdrant.PointsOperationResponse(result=qdrant.UpdateResult(status=qdrant.UpdateStatus.Completed))


def _done() -> qdrant.CollectionOperationResponse:
    return qdrant.CollectionOperationResponse(result=True, time=time.process_time())
