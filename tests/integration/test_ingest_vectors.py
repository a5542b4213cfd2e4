"""Where an index's embeddings come from: the data's own, an endpoint's, and never those of two models."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from marianne_corpus.index import DenseLane
from marianne_corpus.manifest import Manifest
from marianne_corpus.store.edge_reader import EdgeReader
from support.corpus import index_directory, scope
from support.embeddings import EmbeddingsServer, embeddings_server
from support.parquet import Row, sheet_row, write_data_set

COLUMN = "embeddings_bge-m3"


@pytest.fixture
def index_dir() -> Iterator[Path]:
    with index_directory() as directory:
        yield directory


def sheets(vectors: bool = True) -> list[Row]:
    rows = [sheet_row(f"F{n}_1", **{COLUMN: f"[{n}.0, 1.0]"}) for n in range(10)]
    return rows if vectors else [{name: row[name] for name in row if name != COLUMN} for row in rows]


async def ingest(
    data: Path, index_dir: Path, *arguments: str, endpoint: EmbeddingsServer | None = None, model: str = "BAAI/bge-m3"
) -> tuple[int, str]:
    """A process of its own, since the settings are its environment."""
    environment = {"PATH": os.defpath}
    if endpoint:
        environment |= {"EMBEDDINGS_BASE_URL": endpoint.url, "EMBEDDINGS_MODEL": model, "EMBEDDINGS_DIM": "2"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "marianne_ingest", "--from", str(data), "--index-dir", str(index_dir), *arguments),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    return process.returncode or 0, said.decode()


async def serving(index_dir: Path) -> Manifest:
    return await EdgeReader(index_dir).manifest(timeout_s=1)


async def nearest(index_dir: Path, vector: list[float]) -> str:
    [hits] = (await EdgeReader(index_dir).search([DenseLane(vector, 1)], scope(), timeout_s=1)).lanes
    return hits[0].chunk.chunk_id


async def test_vectors_of_the_data_are_used_as_they_are(tmp_path: Path, index_dir: Path) -> None:
    write_data_set(tmp_path, "service-public", sheets())
    assert (await ingest(tmp_path, index_dir))[0] == 0
    manifest = await serving(index_dir)
    assert (manifest.embedding_model, manifest.embedding_dim) == ("BAAI/bge-m3", 2)
    assert await nearest(index_dir, [3.0, 1.0]) == "F3_1"


async def test_vectors_that_the_data_lack_are_made_and_only_for_what_changed(tmp_path: Path, index_dir: Path) -> None:
    async with embeddings_server(dimension=2) as endpoint:
        write_data_set(tmp_path, "service-public", sheets(vectors=False))
        assert (await ingest(tmp_path, index_dir, endpoint=endpoint))[0] == 0
        assert sum(len(request["input"]) for request in endpoint.requests) == 10
        rows = sheets(vectors=False)
        rows[3] = {name: value for name, value in sheet_row("F3_1", text="Neuf.").items() if name != COLUMN}
        write_data_set(tmp_path, "service-public", rows)
        assert (await ingest(tmp_path, index_dir, endpoint=endpoint))[0] == 0
        assert [len(request["input"]) for request in endpoint.requests[1:]] == [1]


async def test_vectors_of_two_models_never_mix(tmp_path: Path, index_dir: Path) -> None:
    write_data_set(tmp_path, "service-public", sheets())
    await ingest(tmp_path, index_dir)
    served = await serving(index_dir)
    async with embeddings_server(dimension=2) as endpoint:
        code, said = await ingest(tmp_path, index_dir, endpoint=endpoint, model="another")
    assert code == 78
    assert said.startswith("marianne-ingest: EMBEDDINGS_MODEL: the index has vectors of BAAI/bge-m3")
    assert await serving(index_dir) == served


async def test_a_vector_of_another_dimension_is_named(tmp_path: Path, index_dir: Path) -> None:
    write_data_set(tmp_path, "service-public", [*sheets(), sheet_row("F99_1", **{COLUMN: "[1.0, 2.0, 3.0]"})])
    code, said = await ingest(tmp_path, index_dir)
    assert code == 65
    assert f"column '{COLUMN}' of chunk_id 'F99_1' has 3 numbers, the index takes 2" in said
    assert not (index_dir / "CURRENT").exists()


async def test_vectors_can_be_left_out(tmp_path: Path, index_dir: Path) -> None:
    write_data_set(tmp_path, "service-public", sheets())
    assert (await ingest(tmp_path, index_dir, "--no-vectors"))[0] == 0
    assert (await serving(index_dir)).embedding_model == ""
