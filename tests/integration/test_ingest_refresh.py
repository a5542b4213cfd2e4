"""A refresh changes what the data changed and nothing else, and stops before it loses what it should not."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pytest

from marianne_corpus.index import Hit
from marianne_corpus.lexicon import Lexicon
from marianne_corpus.manifest import Manifest
from marianne_corpus.store.edge_reader import EdgeReader
from marianne_corpus.store.edge_writer import EdgeWriter
from marianne_ingest import cli
from marianne_ingest.ledger import LEDGER, from_parquet
from support.corpus import index_directory, scope, sparse_lane
from support.parquet import Row, article_row, ministry_row, sheet_row, write_data_set, write_parquet


@pytest.fixture
def index_dir() -> Iterator[Path]:
    with index_directory() as directory:
        yield directory


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_data_set(tmp_path, "service-public", sheets())
    write_data_set(tmp_path, "travail-emploi", [ministry_row(f"contrat-{n}_1") for n in range(20)])
    return tmp_path


def sheets(changed: Sequence[Row] = (), without: Sequence[str] = ()) -> list[Row]:
    """Twenty sheets of two chunks each."""
    rows = {f"F{n}_{k}": sheet_row(f"F{n}_{k}") for n in range(20) for k in (1, 2)}
    rows |= {row["chunk_id"]: row for row in changed}
    return [row for chunk_id, row in rows.items() if chunk_id not in without]


def ingest(data: Path, index_dir: Path, *arguments: str) -> int:
    return cli.main(["--from", str(data), "--index-dir", str(index_dir), *arguments])


def serving(index_dir: Path) -> Manifest:
    return asyncio.run(EdgeReader(index_dir).manifest(timeout_s=1))


def lexicon(index_dir: Path) -> Lexicon:
    return asyncio.run(EdgeReader(index_dir).lexicon(timeout_s=1))


def search(index_dir: Path, query: str, using: str = "bm25") -> list[Hit]:
    async def ask() -> list[Hit]:
        lanes = [sparse_lane(query, limit=100, using=using)]
        return (await EdgeReader(index_dir).search(lanes, scope(), timeout_s=1)).lanes[0]

    return asyncio.run(ask())


def points(index_dir: Path) -> set[UUID]:
    ledger = from_parquet(asyncio.run(EdgeWriter(index_dir).attachment(LEDGER)))
    entries = (entry for documents in ledger.values() for found in documents.values() for entry in found)
    return {UUID(bytes=entry.point) for entry in entries}


def test_only_what_changed_is_written(data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ingest(data, index_dir)
    changed = sheet_row("F3_1", text="Le visa est délivré à Zanzibar.")
    write_data_set(data, "service-public", sheets([changed, sheet_row("F99_1")], without=["F4_1", "F4_2"]))
    capsys.readouterr()
    assert ingest(data, index_dir) == 0
    assert "service-public: 1 new, 1 changed, 2 vanished, 37 unchanged" in capsys.readouterr().out
    assert serving(index_dir).chunks == 59
    assert [hit.chunk.chunk_id for hit in search(index_dir, "Zanzibar")] == ["F3_1"]
    assert not [hit for hit in search(index_dir, "demande") if hit.chunk.doc_id == "F4"]


def test_a_refresh_gives_what_a_build_from_nothing_gives(data: Path, index_dir: Path) -> None:
    ingest(data, index_dir)
    changed = sheet_row("F3_1", text="La demande F3_1 se fait à Zanzibar. Le récépissé est délivré sans délai.")
    write_data_set(data, "service-public", sheets([changed], without=["F4_2"]))
    ingest(data, index_dir)
    refreshed, words = search(index_dir, "demande titre séjour"), lexicon(index_dir).words
    ingest(data, index_dir, "--rebuild")
    rebuilt = search(index_dir, "demande titre séjour")
    assert {hit.chunk for hit in refreshed} == {hit.chunk for hit in rebuilt}
    assert lexicon(index_dir).words == words


def test_a_changed_passage_changes_the_vector_of_its_whole_document(data: Path, index_dir: Path) -> None:
    ingest(data, index_dir)
    write_data_set(data, "service-public", sheets([sheet_row("F3_2", text="Zanzibar.")]))
    ingest(data, index_dir)
    assert [hit.chunk.chunk_id for hit in search(index_dir, "Zanzibar", "document")] == ["F3_1"]


def test_words_that_no_document_has_any_more_leave_the_lexicon(data: Path, index_dir: Path) -> None:
    write_data_set(data, "service-public", sheets([sheet_row("F3_1", text="Zanzibar.")]))
    ingest(data, index_dir)
    assert lexicon(index_dir).words["zanzibar"] == 1
    write_data_set(data, "service-public", sheets())
    ingest(data, index_dir)
    assert "zanzibar" not in lexicon(index_dir).words


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"status": "ABROGE", "end_date": "2026-01-01"}, id="status and dates"),
        pytest.param({"subtitles": "Livre II"}, id="headings"),
        pytest.param({"full_title": "Code pénal"}, id="title"),
    ],
)
def test_metadata_that_change_without_the_text_are_written(tmp_path: Path, index_dir: Path, columns: Row) -> None:
    """T2: the files' own hash covers the text alone."""
    articles = [article_row(f"LEGIARTI{n}") for n in range(10)]
    write_data_set(tmp_path, "legi", articles)
    ingest(tmp_path, index_dir)
    assert article_row("LEGIARTI3", **columns)["chunk_xxh64"] == articles[3]["chunk_xxh64"]
    articles[3] = article_row("LEGIARTI3", **columns)
    write_data_set(tmp_path, "legi", articles)
    before = points(index_dir)
    assert ingest(tmp_path, index_dir) == 0
    ledger = from_parquet(asyncio.run(EdgeWriter(index_dir).attachment(LEDGER)))
    assert ledger["legi"]["LEGIARTI3"][0].status == columns.get("status", "VIGUEUR")
    assert points(index_dir) == before


def test_a_new_revision_of_the_same_rows_only_gets_younger(
    data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest(data, index_dir)
    first = serving(index_dir)
    folder = write_data_set(data, "service-public", sheets()[:20], marker={"snapshot_at": "2026-11-21"})
    write_parquet(folder / "service_public_part_1.parquet", sheets()[20:])
    capsys.readouterr()
    assert ingest(data, index_dir) == 0
    assert "service-public: 0 new, 0 changed, 0 vanished, 40 unchanged" in capsys.readouterr().out
    second = serving(index_dir)
    assert (second.chunks, second.lengths) == (first.chunks, first.lengths)
    assert second.snapshots["service-public"] == "2026-11-21"


def test_rejected_rows_are_not_read_again(data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_data_set(data, "service-public", [*sheets(), sheet_row("F50_1", text=" ")])
    ingest(data, index_dir)
    write_data_set(data, "service-public", [*sheets([sheet_row("F1_1", text="Neuf.")]), sheet_row("F50_1", text=" ")])
    capsys.readouterr()
    ingest(data, index_dir)
    assert "service-public: 0 new, 1 changed, 0 vanished, 40 unchanged" in capsys.readouterr().out
    assert serving(index_dir).sources[0].rejected == {"no text": 1}


def test_hashes_that_the_files_lack_are_computed(data: Path, index_dir: Path) -> None:
    """T10: older revisions have no chunk_xxh64."""

    def without_hashes(rows: list[Row]) -> pa.Table:
        return pa.Table.from_pylist(rows).drop_columns(["chunk_xxh64"])

    write_data_set(data, "service-public", without_hashes(sheets()))
    ingest(data, index_dir)
    write_data_set(data, "service-public", without_hashes(sheets([sheet_row("F3_1", text="Zanzibar.")])))
    assert ingest(data, index_dir) == 0
    assert [hit.chunk.chunk_id for hit in search(index_dir, "Zanzibar")] == ["F3_1"]


def test_sources_that_are_not_named_stay_as_they_are(data: Path, index_dir: Path) -> None:
    ingest(data, index_dir)
    write_data_set(data, "travail-emploi", [ministry_row(f"contrat-{n}_1") for n in range(19)])
    assert ingest(data, index_dir, "--sources", "travail-emploi") == 0
    assert {source.name: source.chunks for source in serving(index_dir).sources} == {
        "service-public": 40,
        "travail-emploi": 19,
    }


def refused(data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a run says that leaves the index as it was."""
    before = (index_dir / "CURRENT").read_text(encoding="ascii")
    capsys.readouterr()
    assert ingest(data, index_dir, *arguments) == 65
    assert (index_dir / "CURRENT").read_text(encoding="ascii") == before
    assert [path.name for path in index_dir.iterdir() if path.is_dir()] == [before.strip()]
    [line] = capsys.readouterr().err.splitlines()
    return line


def test_a_source_that_shrank_stops_the_run(data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ingest(data, index_dir)
    write_data_set(data, "service-public", sheets()[:35])
    line = refused(data, index_dir, capsys)
    assert "service-public: shrank from 40 to 35 chunks, more than INGEST_MAX_SHRINK_RATIO=0.1 allows" in line


def test_a_source_whose_texts_are_gone_stops_the_run(
    data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest(data, index_dir)
    write_data_set(data, "service-public", sheets([sheet_row(f"F{n}_1", text="") for n in range(10)]))
    assert "service-public: shrank from 40 to 30 chunks" in refused(data, index_dir, capsys)


def test_a_source_that_lost_its_folder_stops_the_run(
    data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest(data, index_dir)
    for file in (data / "travail-emploi-latest").iterdir():
        file.unlink()
    (data / "travail-emploi-latest").rmdir()
    assert "no folder for travail-emploi, which the index holds" in refused(data, index_dir, capsys)


def test_a_code_that_lost_its_folder_stops_the_run(
    tmp_path: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """T3: the hub's folders are uploaded one after the other."""
    for code in ("legi_code_civil", "legi_code_du_travail"):
        rows = [article_row(f"LEGIARTI-{code}-{n}") for n in range(10)]
        write_parquet(tmp_path / "legi-latest" / code / "legi_part_0.parquet", rows)
    ingest(tmp_path, index_dir)
    lost = tmp_path / "legi-latest" / "legi_code_du_travail" / "legi_part_0.parquet"
    lost.unlink()
    assert "legi: folder 'legi_code_du_travail', which the index was made of, is gone" in refused(
        tmp_path, index_dir, capsys
    )


def test_an_empty_source_stops_the_run(data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ingest(data, index_dir)
    write_data_set(data, "service-public", pa.Table.from_pylist(sheets()).slice(0, 0))
    assert "service-public: its 1 parquet files hold no row" in refused(data, index_dir, capsys)


def test_a_dry_run_tells_the_difference_and_writes_nothing(
    data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ingest(data, index_dir, "--dry-run") == 0
    assert capsys.readouterr().out.startswith("service-public: 40 new, 0 changed, 0 vanished, 0 unchanged\n")
    assert not index_dir.exists()
    ingest(data, index_dir)
    write_data_set(data, "service-public", sheets(without=["F4_1"]))
    before = sorted(path.name for path in index_dir.iterdir())
    capsys.readouterr()
    assert ingest(data, index_dir, "--dry-run") == 0
    assert "service-public: 0 new, 0 changed, 1 vanished, 39 unchanged" in capsys.readouterr().out
    assert sorted(path.name for path in index_dir.iterdir()) == before


def test_one_command_rolls_back(data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ingest(data, index_dir)
    first = serving(index_dir)
    write_data_set(data, "service-public", sheets([sheet_row("F3_1", text="Zanzibar.")]))
    ingest(data, index_dir)
    assert search(index_dir, "Zanzibar")
    assert cli.main(["--rollback", "--index-dir", str(index_dir)]) == 0
    assert f"rolled back to index {first.generation}" in capsys.readouterr().out
    assert serving(index_dir) == first
    assert not search(index_dir, "Zanzibar")
    assert cli.main(["--rollback", "--index-dir", str(index_dir)]) == 69
    assert "no index before" in capsys.readouterr().err


async def test_a_second_run_is_told_to_wait(data: Path, index_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with EdgeWriter(index_dir).lease("run-1", 60.0):
        code = await asyncio.to_thread(ingest, data, index_dir)
    assert code == 75
    assert "run run-1 (process " in capsys.readouterr().err
    assert await asyncio.to_thread(ingest, data, index_dir) == 0
