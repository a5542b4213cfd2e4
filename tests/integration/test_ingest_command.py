"""The command from its arguments to the index it leaves, in-process."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from marianne_corpus.index import Hit, ReferenceLane
from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import Chunk
from marianne_corpus.store.edge_reader import EdgeReader
from marianne_ingest import cli
from support.corpus import TODAY, index_directory, scope, sparse_lane
from support.parquet import Row, article_row, ministry_row, sheet_row, write_data_set


@pytest.fixture
def index_dir() -> Iterator[Path]:
    with index_directory() as directory:
        yield directory


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_data_set(tmp_path, "service-public", [sheet_row(f"F{n}_1") for n in range(30)])
    write_data_set(tmp_path, "travail-emploi", [ministry_row(f"contrat-{n}_1") for n in range(5)])
    write_data_set(tmp_path, "legi", [article_row(f"LEGIARTI{n}", number=f"L{n}-1") for n in range(10)])
    return tmp_path


def ingest(data: Path, index_dir: Path, *arguments: str) -> int:
    return cli.main(["--from", str(data), "--index-dir", str(index_dir), *arguments])


def serving(index_dir: Path) -> Manifest:
    return asyncio.run(EdgeReader(index_dir).manifest(timeout_s=1))


def search(index_dir: Path, query: str) -> list[Chunk]:
    async def ask() -> list[Hit]:
        lanes = [sparse_lane(query, limit=50)]
        return (await EdgeReader(index_dir).search(lanes, scope(), timeout_s=1)).lanes[0]

    return [hit.chunk for hit in asyncio.run(ask())]


def test_a_directory_of_data_sets_becomes_an_index(
    data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ingest(data, index_dir) == 0
    manifest = serving(index_dir)
    counts = {source.name: (source.rows, source.chunks, source.documents) for source in manifest.sources}
    assert counts == {"service-public": (30, 30, 30), "travail-emploi": (5, 5, 5), "legi": (10, 10, 10)}
    assert search(index_dir, "demande F7_1")[0].chunk_id == "F7_1"
    assert "index " in capsys.readouterr().out


def test_an_article_is_found_by_its_number(data: Path, index_dir: Path) -> None:
    ingest(data, index_dir)

    async def look_up() -> list[Hit]:
        lane = ReferenceLane("L7-1", "code-civil", 5)
        return (await EdgeReader(index_dir).search([lane], scope(TODAY), timeout_s=1)).lanes[0]

    assert [hit.chunk.doc_id for hit in asyncio.run(look_up())] == ["LEGIARTI7"]


def test_running_twice_changes_nothing_and_says_so(
    data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest(data, index_dir)
    first = serving(index_dir)
    capsys.readouterr()
    assert ingest(data, index_dir) == 0
    assert capsys.readouterr().out.startswith(f"unchanged: index {first.generation} ")
    assert serving(index_dir) == first


def test_the_same_data_give_the_same_index(data: Path, index_dir: Path) -> None:
    ingest(data, index_dir)
    first, found = serving(index_dir), search(index_dir, "demande récépissé")
    ingest(data, index_dir, "--rebuild")
    second = serving(index_dir)
    assert second.generation != first.generation
    assert [source.fingerprint for source in second.sources] == [source.fingerprint for source in first.sources]
    assert sorted(chunk.chunk_id for chunk in found) == sorted(
        chunk.chunk_id for chunk in search(index_dir, "demande récépissé")
    )


def test_new_data_replace_the_index(data: Path, index_dir: Path) -> None:
    ingest(data, index_dir)
    changed = sheet_row("F7_1", text="Rien de ce qui fut.")
    rows = [sheet_row(f"F{n}_1") for n in range(30) if n != 7]
    write_data_set(data, "service-public", [*rows, changed, sheet_row("F100_1", text="La demande est nouvelle.")])
    assert ingest(data, index_dir) == 0
    assert [chunk.chunk_id for chunk in search(index_dir, "nouvelle demande F7_1")][:1] == ["F100_1"]
    assert not any(
        "demande" in chunk.sentences[0] for chunk in search(index_dir, "demande F7_1") if chunk.doc_id == "F7"
    )


def test_only_the_sources_asked_for_are_read(data: Path, index_dir: Path) -> None:
    assert ingest(data, index_dir, "--sources", "legi,travail-emploi") == 0
    assert [source.name for source in serving(index_dir).sources] == ["legi", "travail-emploi"]


def test_rejected_rows_and_duplicates_are_counted(
    data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [sheet_row("F1_1"), sheet_row("F1_1"), sheet_row("F2_1", doc_id=""), sheet_row("F3_1", text="")]
    write_data_set(data, "service-public", rows)
    assert ingest(data, index_dir, "--sources", "service-public") == 0
    [source] = serving(index_dir).sources
    assert (source.rows, source.chunks, source.duplicates) == (4, 1, 1)
    assert source.rejected == {"no doc_id": 1, "no text": 1}
    assert "1 duplicates, 2 rejected (no doc_id: 1, no text: 1)" in capsys.readouterr().out


def test_a_data_set_marked_as_sample_is_never_official(data: Path, index_dir: Path) -> None:
    write_data_set(data, "legi", marker={"dataset": "sample", "official": False, "snapshot_at": "2025-06-01"})
    ingest(data, index_dir)
    manifest = serving(index_dir)
    assert manifest.snapshots["sample"] == "2025-06-01"
    assert not manifest.official
    assert {chunk.official for chunk in search(index_dir, "nationalité") if chunk.dataset == "sample"} == {False}


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        pytest.param([sheet_row("F1_1"), sheet_row("F1_1", text="Autre.")], "'F1_1' stands for two texts", id="twice"),
        pytest.param(
            [sheet_row("F1_1", doc_id="")],
            "shrank from 30 to 0 chunks",
            id="nothing usable",
        ),
        pytest.param([{"chunk_id": "F1_1"}], "no column 'doc_id' or 'sid'", id="missing column"),
    ],
)
def test_bad_data_leave_the_old_index_serving(
    data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str], rows: list[Row], complaint: str
) -> None:
    ingest(data, index_dir)
    before = serving(index_dir)
    write_data_set(data, "service-public", rows)
    capsys.readouterr()
    assert ingest(data, index_dir) == 65
    [line] = capsys.readouterr().err.splitlines()
    assert complaint in line
    assert serving(index_dir) == before
    assert [path.name for path in index_dir.iterdir() if path.is_dir()] == [before.generation]


def test_an_index_that_cannot_be_written_is_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert ingest(data, tmp_path / "file") == 69
    assert f"INDEX_DIR={tmp_path / 'file'}: " in capsys.readouterr().err


SAMPLE = Path(__file__).parents[2] / "data" / "sample"


def test_official_texts_are_kept_when_the_sample_is_to_give_way(
    data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest(data, index_dir)
    official = serving(index_dir)
    capsys.readouterr()
    assert cli.main(["--sample", str(SAMPLE), "--index-dir", str(index_dir), "--keep-official"]) == 0
    assert capsys.readouterr().out == f"kept: index {official.generation} holds 45 chunks of official texts\n"
    assert serving(index_dir) == official


def test_a_sample_is_refreshed_where_no_official_texts_are(data: Path, index_dir: Path) -> None:
    write_data_set(data, "legi", marker={"dataset": "sample", "official": False, "snapshot_at": "2025-06-01"})
    ingest(data, index_dir, "--sources", "legi", "--keep-official")
    first = serving(index_dir)
    write_data_set(data, "legi", [article_row(f"LEGIARTI{n}") for n in range(2)])
    (data / "legi-latest" / "dataset.json").write_text('{"dataset": "sample", "official": false}', encoding="utf-8")
    ingest(data, index_dir, "--sources", "legi", "--keep-official")
    assert (first.chunks, serving(index_dir).chunks) == (1, 2)


ON_A_SMALL_DISK = """
import resource, sys
from marianne_ingest import cli
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
sys.exit(cli.main(sys.argv[1:]))
"""


def test_a_full_disk_is_told_in_one_line_and_the_old_index_serves(data: Path, index_dir: Path) -> None:
    """A file may not grow beyond a limit, which fails where a full disk does: when room is asked for."""
    ingest(data, index_dir)
    before = serving(index_dir)
    write_data_set(data, "service-public", [sheet_row(f"F{n}_1", text="Neuf.") for n in range(30)])
    command = ["--from", str(data), "--index-dir", str(index_dir), "--rebuild"]
    ended = subprocess.run(
        [sys.executable, "-c", ON_A_SMALL_DISK, *command], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 69
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"marianne-ingest: INDEX_DIR={index_dir}: ")
    assert "File too large" in line
    assert serving(index_dir) == before
    assert [path.name for path in index_dir.iterdir() if path.is_dir()] == [before.generation]
    assert ingest(data, index_dir) == 0
    assert serving(index_dir).generation != before.generation


@pytest.mark.parametrize("field", ["schema_version", "analyzer_version"])
def test_an_index_of_another_version_is_told_in_one_line(
    data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str], field: str
) -> None:
    ingest(data, index_dir)
    generation = serving(index_dir).generation
    path = index_dir / generation / "manifest.json"
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | {field: 0}))
    capsys.readouterr()
    assert cli.main(["--status", "--index-dir", str(index_dir)]) == 69
    [line] = capsys.readouterr().err.splitlines()
    assert f"INDEX_DIR={index_dir}: the index has {field} 0, this program reads " in line
    assert ingest(data, index_dir) == 0
    assert serving(index_dir).generation != generation


def test_a_plan_writes_nothing(data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ingest(data, index_dir, "--plan") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("service-public: 30 rows in 1 files, ")
    assert "(assumed)" in lines[-1]
    assert not index_dir.exists()


def test_a_plan_after_a_build_uses_its_speed(data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ingest(data, index_dir)
    capsys.readouterr()
    ingest(data, index_dir, "--plan")
    assert "(measured at the last build)" in capsys.readouterr().out.splitlines()[-1]


def test_the_status_tells_what_is_served(data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--status", "--index-dir", str(index_dir)]) == 0
    assert capsys.readouterr().out == f"{index_dir}: no index\n"
    ingest(data, index_dir)
    capsys.readouterr()
    cli.main(["--status", "--index-dir", str(index_dir)])
    assert f"index {serving(index_dir).generation}: 45 chunks" in capsys.readouterr().out


def test_an_unknown_source_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--sources", "legifrance"])
    assert ended.value.code == 2
    assert (
        "'legifrance' is none of service-public, travail-emploi, legi, local-administrations-directory, cnil"
        in capsys.readouterr().err
    )
