"""The program: up without an index, ready without its peers, told what is wrong with its settings."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2

from marianne_corpus.store.edge_writer import EdgeWriter
from marianne_proto.retrieval.v1 import retrieval_pb2 as pb
from marianne_proto.retrieval.v1.retrieval_pb2_grpc import RetrievalServiceStub
from support.corpus import build, index_directory, sheet
from support.processes import Program, free_port, python


@pytest.fixture
def index_dir() -> Iterator[Path]:
    with index_directory() as directory:
        yield directory


def program(folder: Path, **environment: str) -> Program:
    return Program("retrieval", python("marianne_retrieval"), {"PATH": os.defpath, **environment}, folder)


async def test_the_service_is_healthy_without_an_index_and_finds_one_when_it_appears(
    tmp_path: Path, index_dir: Path
) -> None:
    port = free_port()
    ports = {"RETRIEVAL_PORT": str(port), "RETRIEVAL_METRICS_PORT": "0"}
    service = program(tmp_path, INDEX_DIR=str(index_dir), **ports)
    await service.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            check = channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
                response_deserializer=health_pb2.HealthCheckResponse.FromString,
            )
            answer = await check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=60)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            stub = RetrievalServiceStub(channel)
            with pytest.raises(grpc.aio.AioRpcError, match="cannot be searched right now"):
                await stub.Search(pb.SearchRequest(query="carte"))
            await build(EdgeWriter(index_dir), [sheet("F1_1", "Une carte.")])
            response = await stub.Search(pb.SearchRequest(query="carte"))
            assert [passage.chunk_id for passage in response.passages] == ["F1_1"]
        assert await service.stop() == 0
    finally:
        await service.end()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("QDRANT_URL", "qdrant:6334"),
        ("RETRIEVAL_STORE_TIMEOUT_S", "0"),
        ("QDRANT_GRPC_PORT", "70000"),
        ("RETRIEVAL_REFRESH_S", "often"),
    ],
)
async def test_a_bad_setting_stops_the_start_and_is_named(tmp_path: Path, variable: str, value: str) -> None:
    service = program(tmp_path, **{variable: value})
    await service.start()
    assert await asyncio.wait_for(service.exit_code(), 60) == 78
    assert f"{variable}: " in service.output()
