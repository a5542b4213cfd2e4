"""What only the server store does: calls that fail, hang or find no server."""

import time
from dataclasses import replace

import pytest

from marianne_corpus.index import StoreUnavailableError
from marianne_corpus.schema import DENSE_VECTOR, SPARSE_VECTORS
from marianne_corpus.store import ServerAddress
from marianne_corpus.store.server_reader import ServerReader
from marianne_corpus.store.server_writer import ServerWriter
from support.corpus import build, scope, sheet, sparse_lane
from support.otlp import named, process_sink, root_span
from support.processes import free_port
from support.qdrant import hung_qdrant_server, qdrant_server

SHEET = sheet("F1_1", "Demander une carte de séjour.")
SOON = 5.0


async def test_a_server_that_never_answers_costs_the_deadline_and_no_more() -> None:
    async with hung_qdrant_server() as address:
        reader = ServerReader(address)
        started = time.monotonic()
        with pytest.raises(StoreUnavailableError, match=r"no answer within 0\.20 s"):
            await reader.search([sparse_lane("carte")], scope(), timeout_s=0.2)
        assert time.monotonic() - started < 1.5
        await reader.close()


async def test_a_server_that_is_not_there_is_named() -> None:
    reader = ServerReader(ServerAddress("http://127.0.0.1", grpc_port=free_port()))
    with pytest.raises(StoreUnavailableError, match=r"QDRANT_URL=http://127\.0\.0\.1: UNAVAILABLE"):
        await reader.manifest(timeout_s=SOON)
    await reader.close()


async def test_the_collection_before_is_kept_and_older_ones_are_removed() -> None:
    async with qdrant_server() as server:
        writer = ServerWriter(server.address)
        built = [(await build(writer, [SHEET])).generation for _ in range(3)]
        names = sorted(collection.name for collection in server.engine.get_collections().collections)
        assert names == [f"marianne-{generation}" for generation in built[1:]]
        await writer.close()


async def test_a_collection_is_kept_as_the_settings_say() -> None:
    async with qdrant_server() as server:
        options = {"on_disk": True, "quantized": True, "shard_number": 3, "replication_factor": 2}
        writer = ServerWriter(replace(server.address, **options))  # type: ignore[arg-type]  # a wrong one fails at once
        await writer.begin(dimension=4)
        [asked] = server.created
        assert (asked.on_disk_payload, asked.shard_number, asked.replication_factor) == (True, 3, 2)
        dense = asked.vectors_config.params_map.map[DENSE_VECTOR]
        assert (dense.size, dense.on_disk, dense.quantization_config.scalar.always_ram) == (4, True, True)
        assert set(asked.sparse_vectors_config.map) == set(SPARSE_VECTORS)
        await writer.close()


async def test_a_collection_is_the_servers_own_choice_where_no_setting_says_otherwise() -> None:
    async with qdrant_server() as server:
        writer = ServerWriter(server.address)
        await writer.begin(dimension=4)
        [asked] = server.created
        assert not asked.HasField("shard_number")
        assert not asked.HasField("replication_factor")
        assert not asked.vectors_config.params_map.map[DENSE_VECTOR].HasField("quantization_config")
        await writer.close()


async def test_foreign_collections_are_left_alone() -> None:
    async with qdrant_server() as server:
        server.engine.create_collection("another", vectors_config={})
        writer = ServerWriter(server.address)
        for _ in range(3):
            await build(writer, [SHEET])
        assert server.engine.collection_exists("another")
        await writer.close()


async def test_a_collection_without_a_manifest_must_be_built_again() -> None:
    async with qdrant_server() as server:
        writer, reader = ServerWriter(server.address), ServerReader(server.address)
        unsealed = await writer.begin()
        await unsealed.switch()
        with pytest.raises(StoreUnavailableError, match="build the index again"):
            await reader.search([sparse_lane("carte")], scope(), timeout_s=SOON)
        assert await writer.current() is None
        await writer.close()
        await reader.close()


async def test_a_failed_call_is_a_failed_client_span() -> None:
    async with hung_qdrant_server() as address:
        reader = ServerReader(address)
        with root_span() as trace_id, pytest.raises(StoreUnavailableError):
            await reader.count(timeout_s=0.05)
        await reader.close()
    spans = await process_sink().wait_for(named("count marianne"), trace_id=trace_id)
    [count] = [span for span in spans if span.name == "count marianne"]
    assert (count.kind, count.status) == ("CLIENT", "ERROR")
    assert count.attributes["error.type"] == "TimeoutError"
