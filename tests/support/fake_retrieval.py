"""Retrieval for tests: a real gRPC server that finds what the test says, or fails as it says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from marianne_proto.retrieval.v1 import retrieval_pb2 as pb
from marianne_proto.retrieval.v1 import retrieval_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class FakeRetrieval(retrieval_pb2_grpc.RetrievalServiceServicer):
    """Answers with `found`. With `index_away` the fault is the index's, with `hangs` no answer ever comes."""

    def __init__(self) -> None:
        self.found = pb.SearchResponse(corpus=pb.Corpus(name="sample", snapshot_at="2999-01-01"))
        self.fault: grpc.StatusCode | None = None
        self.index_away = False
        self.hangs = False
        self.searched: list[pb.SearchRequest] = []
        self.described = 0
        self.seconds_left: float | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serves on a free port and yields the address."""
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        retrieval_pb2_grpc.add_RetrievalServiceServicer_to_server(self, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            await server.stop(None)

    async def Search(self, request: pb.SearchRequest, context: Context) -> pb.SearchResponse:
        self.searched.append(request)
        self.seconds_left = context.time_remaining()
        await self._misbehave(context)
        return self.found

    async def DescribeCorpus(self, request: pb.DescribeCorpusRequest, context: Context) -> pb.DescribeCorpusResponse:
        self.described += 1
        await self._misbehave(context)
        return pb.DescribeCorpusResponse(corpus=self.found.corpus)

    async def _misbehave(self, context: Context) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.index_away:
            trailing = (("marianne-dependency", "qdrant"),)
            await context.abort(grpc.StatusCode.UNAVAILABLE, "no index can be read", trailing)
        if self.fault is not None:
            await context.abort(self.fault, "a detail that nobody outside may read")
