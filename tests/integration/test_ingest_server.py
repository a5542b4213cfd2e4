"""A build into a Qdrant server, and the check that stands before every switch."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from marianne_corpus.analyzer import SparseVector
from marianne_corpus.index import Generation, IndexWriter, Point
from marianne_corpus.schema import PASSAGE_VECTOR
from marianne_corpus.store.server_reader import ServerReader
from marianne_corpus.store.server_writer import ServerWriter
from marianne_ingest.build import build
from marianne_ingest.catalog import load_catalog
from marianne_ingest.dense import DenseWriter
from marianne_ingest.discovery import from_directory
from marianne_ingest.errors import CheckFailedError
from marianne_ingest.plan import Options, make_plan
from marianne_ingest.progress import TerminalProgress
from support.corpus import scope, sparse_lane
from support.parquet import sheet_row, write_data_set
from support.processes import Program
from support.qdrant import qdrant_server

LAUNCHER = Path(__file__).parents[2] / "services" / "ingest" / "update_legal_data.py"


class Spoiling:
    """A writer whose generations store something else than they are given."""

    def __init__(self, writer: IndexWriter, spoil: Callable[[Point], list[Point]]) -> None:
        self._writer = writer
        self._spoil = spoil

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    async def begin(self, dimension: int = 0) -> Generation:
        generation = await self._writer.begin(dimension)
        upsert = generation.upsert

        async def spoilt(points: Sequence[Point]) -> None:
            await upsert([point for given in points for point in self._spoil(given)])

        generation.upsert = spoilt  # type: ignore[method-assign]  # what this fake is for
        return generation


def drop_some(point: Point) -> list[Point]:
    return [point] if point.chunk.doc_id.endswith("7") else []


def blur(point: Point) -> list[Point]:
    return [Point(point.chunk, {PASSAGE_VECTOR: SparseVector([1], [1.0])})]


async def run(data: Path, writer: IndexWriter) -> None:
    catalog = load_catalog()
    plan = make_plan(from_directory(data, catalog.default), None, Options(max_shrink_ratio=0.1, vectors=False))
    with TerminalProgress() as progress:
        await build(plan, writer, catalog, DenseWriter("", 0, None), progress, max_shrink_ratio=0.1)


async def test_a_server_serves_what_was_built(tmp_path: Path) -> None:
    write_data_set(tmp_path, "service-public", [sheet_row(f"F{n}_1") for n in range(300)])
    async with qdrant_server() as server:
        writer, reader = ServerWriter(server.address), ServerReader(server.address)
        await run(tmp_path, writer)
        reply = await reader.search([sparse_lane("demande F217_1")], scope(), timeout_s=5)
        assert reply.lanes[0][0].chunk.chunk_id == "F217_1"
        assert (reply.manifest.chunks, await reader.count(timeout_s=5)) == (300, 300)
        await writer.close()
        await reader.close()


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        pytest.param(drop_some, "the index holds 3 chunks, 30 were written", id="chunks were lost"),
        pytest.param(blur, "20 of 20 texts do not find themselves, such as 'F0_1'", id="vectors are wrong"),
    ],
)
async def test_an_index_that_fails_its_check_is_thrown_away(
    tmp_path: Path, spoil: Callable[[Point], list[Point]], complaint: str
) -> None:
    write_data_set(tmp_path, "service-public", [sheet_row(f"F{n}_1") for n in range(30)])
    async with qdrant_server() as server:
        writer = ServerWriter(server.address)
        await run(tmp_path, writer)
        served = await writer.current()
        assert served
        with pytest.raises(CheckFailedError, match=complaint):
            await run(tmp_path, cast(IndexWriter, Spoiling(writer, spoil)))
        assert await writer.current() == served
        names = {collection.name for collection in server.engine.get_collections().collections}
        assert names == {f"marianne-{served.generation}", f"marianne-{served.generation}-files"}
        await writer.close()


async def test_the_launcher_builds_on_the_server_that_the_environment_names(tmp_path: Path) -> None:
    write_data_set(tmp_path, "service-public", [sheet_row(f"F{n}_1") for n in range(3)])
    async with qdrant_server() as server:
        environment = {
            "PATH": os.defpath,
            "QDRANT_URL": server.address.url,
            "QDRANT_GRPC_PORT": str(server.address.grpc_port),
        }
        launcher = Program("ingest", [sys.executable, str(LAUNCHER), "--from", str(tmp_path)], environment, tmp_path)
        await launcher.start()
        assert await launcher.exit_code() == 0, launcher.output()
        reader = ServerReader(server.address)
        assert await reader.count(timeout_s=5) == 3
        await reader.close()
