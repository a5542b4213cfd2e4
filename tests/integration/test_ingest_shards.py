"""Several processes fill one generation on a server, each its share, and the last one serves it."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from marianne_chassis.settings import load_settings
from marianne_corpus.index import LeaseHeldError
from marianne_corpus.manifest import Manifest
from marianne_corpus.store.server_reader import ServerReader
from marianne_ingest import cli
from marianne_ingest.catalog import load_catalog
from marianne_ingest.config import IngestSettings
from marianne_ingest.errors import SourceError
from marianne_ingest.run import Request, run
from marianne_ingest.share import read_share
from support.corpus import scope, sparse_lane
from support.parquet import article_row, sheet_row, write_data_set
from support.qdrant import QdrantSubstitute, qdrant_server

SHEETS, ARTICLES = 40, 7


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_data_set(tmp_path, "service-public", [sheet_row(f"F{n}_{k}") for n in range(SHEETS // 2) for k in (1, 2)])
    write_data_set(tmp_path, "legi", [article_row(f"LEGIARTI{n}") for n in range(ARTICLES)])
    return tmp_path


async def ingest(server: QdrantSubstitute, data: Path, share: str = "") -> str:
    """What a run says that reads all sources of a directory."""
    request = Request(
        action="build",
        sources=None,
        directory=data,
        sample=None,
        rebuild=False,
        vectors=False,
        share=read_share(share) if share else None,
    )
    return "\n".join(await run(request, server.address, load_settings(IngestSettings), load_catalog()))


async def kill(server: QdrantSubstitute, data: Path, share: str, *, after: int) -> None:
    """Writes a share in a process of its own, which is killed when it has sent so many requests."""
    address = {"QDRANT_URL": server.address.url, "QDRANT_GRPC_PORT": str(server.address.grpc_port)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "marianne_ingest", "--from", str(data), "--no-vectors", "--shard", share),
        env={"PATH": os.defpath, **address},
        stdout=asyncio.subprocess.DEVNULL,
    )
    await server.requests.reach(server.requests.count + after)
    os.kill(process.pid, signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL, "it was killed while it worked"


async def serving(server: QdrantSubstitute) -> Manifest:
    reader = ServerReader(server.address)
    manifest = await reader.manifest(timeout_s=5)
    assert await reader.count(timeout_s=5) == manifest.chunks
    await reader.close()
    return manifest


def collections(server: QdrantSubstitute) -> list[str]:
    return sorted(found.name for found in server.engine.get_collections().collections)


@pytest.mark.parametrize("count", [2, 3, 4])
async def test_the_shares_make_the_index_that_one_process_makes(data: Path, count: int) -> None:
    async with qdrant_server() as alone, qdrant_server() as shared:
        await ingest(alone, data)
        said = await asyncio.gather(
            *(ingest(shared, data, f"{index}/{count}") for index in range(count)), return_exceptions=True
        )
        if any(isinstance(outcome, LeaseHeldError) for outcome in said):  # two were the last at once
            await ingest(shared, data, f"0/{count}")
        expected, found = await serving(alone), await serving(shared)
        assert (found.chunks, found.lengths) == (SHEETS + ARTICLES, expected.lengths)
        assert [(source.chunks, source.documents) for source in found.sources] == [
            (source.chunks, source.documents) for source in expected.sources
        ]
        assert await lexicon(shared) == await lexicon(alone)
        assert points(shared) == points(alone)
        assert collections(shared) == [f"marianne-{found.generation}", f"marianne-{found.generation}-files"]


async def lexicon(server: QdrantSubstitute) -> dict[str, int]:
    reader = ServerReader(server.address)
    words = (await reader.lexicon(timeout_s=5)).words
    await reader.close()
    return dict(words)


def points(server: QdrantSubstitute) -> dict[str, object]:
    records, _ = server.engine.scroll("marianne", limit=100, with_payload=True, with_vectors=True)
    return {str(record.id): (record.payload, record.vector) for record in records}


async def test_a_share_that_was_killed_is_written_again_and_the_old_index_serves_meanwhile(data: Path) -> None:
    async with qdrant_server() as server:
        await ingest(server, data)
        first = await serving(server)
        write_data_set(data, "legi", [article_row(f"LEGIARTI{n}", number=f"{n}") for n in range(ARTICLES)])
        assert await ingest(server, data, "1/2") == "share 1/2 is written, still to come: 0/2"
        await kill(server, data, "0/2", after=12)
        assert await serving(server) == first
        await ingest(server, data, "0/2")
        second = await serving(server)
        assert second.generation != first.generation
        assert second.chunks == SHEETS + ARTICLES


async def test_a_share_that_is_written_is_not_read_again(data: Path) -> None:
    async with qdrant_server() as server:
        await ingest(server, data, "0/2")
        before = points_of(server)
        assert await ingest(server, data, "0/2") == "share 0/2 is written, still to come: 1/2"
        assert points_of(server) == before
        await ingest(server, data, "1/2")
        assert (await ingest(server, data, "1/2")).startswith("unchanged: index ")


def points_of(server: QdrantSubstitute) -> dict[str, int]:
    return {name: server.engine.count(name).count for name in collections(server)}


async def test_a_source_that_shrank_stops_every_share(data: Path) -> None:
    async with qdrant_server() as server:
        await ingest(server, data)
        first = await serving(server)
        write_data_set(data, "service-public", [sheet_row(f"F{n}_1") for n in range(SHEETS // 2)])
        with pytest.raises(SourceError, match="service-public: shrank from 40 to 20 chunks"):
            await ingest(server, data, "0/2")
        assert await serving(server) == first


async def test_what_is_built_meanwhile_by_others_is_thrown_away_by_a_switch(data: Path) -> None:
    async with qdrant_server() as server:
        await ingest(server, data, "0/2")
        assert any(name.startswith("marianne-build-") for name in collections(server))
        await ingest(server, data)
        served = await serving(server)
        assert collections(server) == [f"marianne-{served.generation}", f"marianne-{served.generation}-files"]


def test_a_directory_takes_no_shares(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--from", str(data), "--index-dir", str(tmp_path / "index"), "--shard", "0/2"]
    assert cli.main(command) == 78
    assert capsys.readouterr().err.startswith("marianne-ingest: QDRANT_URL: not set, and only on a server")


async def test_the_found_texts_are_those_of_every_share(data: Path) -> None:
    async with qdrant_server() as server:
        for index in (2, 0, 1):
            await ingest(server, data, f"{index}/3")
        reader = ServerReader(server.address)
        for chunk_id in ("F0_1", "F19_2"):
            reply = await reader.search([sparse_lane(f"demande {chunk_id}")], scope(), timeout_s=5)
            assert reply.lanes[0][0].chunk.chunk_id == chunk_id
        await reader.close()
