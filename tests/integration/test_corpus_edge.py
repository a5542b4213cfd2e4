"""What only the embedded store does: files, a pointer and what may be wrong with them."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from marianne_corpus.index import StoreUnavailableError
from marianne_corpus.store.edge_reader import EdgeReader
from marianne_corpus.store.edge_writer import EdgeWriter
from support.corpus import build, index_directory, manifest_of, points, scope, sheet, sparse_lane
from support.otlp import named, process_sink, root_span

SHEET = sheet("F1_1", "Demander une carte de séjour.")
SOON = 1.0


@pytest.fixture
def index_dir() -> Iterator[Path]:
    with index_directory() as directory:
        yield directory


def generations(index_dir: Path) -> list[str]:
    return sorted(path.name for path in index_dir.iterdir() if path.is_dir())


async def test_the_generation_before_is_kept_and_older_ones_are_removed(index_dir: Path) -> None:
    built = [(await build(EdgeWriter(index_dir), [SHEET])).generation for _ in range(3)]
    assert generations(index_dir) == built[1:]


async def test_what_a_killed_build_left_is_removed_in_the_end(index_dir: Path) -> None:
    left = await EdgeWriter(index_dir).begin()
    await left.upsert(points([SHEET]))
    for _ in range(2):
        await build(EdgeWriter(index_dir), [SHEET])
    assert left.name not in generations(index_dir)


async def test_a_sealed_generation_is_complete_without_a_clean_end(index_dir: Path) -> None:
    generation = await EdgeWriter(index_dir).begin()
    await generation.upsert(points([SHEET]))
    await generation.seal(manifest_of([SHEET], "2026-11-20", generation.name))
    copy = index_dir.with_name("copy")
    shutil.copytree(index_dir, copy)
    (copy / "CURRENT").write_text(f"{generation.name}\n", encoding="ascii")
    assert await EdgeReader(copy).count(timeout_s=SOON) == 1


async def test_a_discarded_generation_leaves_nothing(index_dir: Path) -> None:
    generation = await EdgeWriter(index_dir).begin()
    await generation.upsert(points([SHEET]))
    await generation.discard()
    assert generations(index_dir) == []


async def test_a_reader_keeps_its_index_while_the_next_one_is_built(index_dir: Path) -> None:
    await build(EdgeWriter(index_dir), [SHEET])
    reader = EdgeReader(index_dir)
    generation = await EdgeWriter(index_dir).begin()
    for n in range(5):
        await generation.upsert(points([sheet(f"F{n}_1", "Une carte.")]))
        assert await reader.count(timeout_s=SOON) == 1
    await generation.discard()


Damage = Callable[[Path, str], object]


def break_shard(index_dir: Path, generation: str) -> None:
    shutil.rmtree(index_dir / generation / "shard")


def break_manifest(index_dir: Path, generation: str) -> None:
    (index_dir / generation / "manifest.json").write_bytes(b"{")


def age_manifest(index_dir: Path, generation: str) -> None:
    path = index_dir / generation / "manifest.json"
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | {"analyzer_version": "fr-0"}))


def point_nowhere(index_dir: Path, generation: str) -> None:
    (index_dir / "CURRENT").write_text("nowhere\n", encoding="ascii")


def point_at_bytes(index_dir: Path, generation: str) -> None:
    (index_dir / "CURRENT").write_bytes(b"\xff\xfe")


@pytest.mark.parametrize("damage", [break_shard, break_manifest, age_manifest, point_nowhere, point_at_bytes])
async def test_a_damaged_index_is_an_unavailable_store_until_it_is_rebuilt(index_dir: Path, damage: Damage) -> None:
    built = await build(EdgeWriter(index_dir), [SHEET])
    damage(index_dir, built.generation)
    reader = EdgeReader(index_dir)
    with pytest.raises(StoreUnavailableError, match=f"INDEX_DIR={index_dir}"):
        await reader.manifest(timeout_s=SOON)
    await build(EdgeWriter(index_dir), [SHEET])
    assert await reader.count(timeout_s=SOON) == 1


async def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_bytes(b"")
    with pytest.raises(StoreUnavailableError, match=f"INDEX_DIR={occupied}"):
        await EdgeWriter(occupied).begin()


async def test_a_query_is_a_client_span_without_its_words(index_dir: Path) -> None:
    await build(EdgeWriter(index_dir), [SHEET])
    with root_span() as trace_id:
        await EdgeReader(index_dir).search([sparse_lane("carte")], scope(), timeout_s=SOON)
    spans = await process_sink().wait_for(named("query marianne"), trace_id=trace_id)
    [query] = [span for span in spans if span.name == "query marianne"]
    assert query.kind == "CLIENT"
    assert query.attributes == {
        "db.system.name": "qdrant",
        "db.operation.name": "query",
        "db.collection.name": "marianne",
    }
