import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from marianne_ingest.catalog import load_catalog
from marianne_ingest.discovery import from_directory
from marianne_ingest.errors import SourceError
from marianne_ingest.sources import Snapshot
from support.parquet import DATA_SETS, ROWS, sheet_row, write_data_set, write_parquet


def snapshots(directory: Path, *names: str) -> list[Snapshot]:
    catalog = load_catalog()
    return from_directory(directory, [catalog.sources[name] for name in names or DATA_SETS])


def snapshot(directory: Path) -> Snapshot:
    [found] = snapshots(directory)
    return found


def read_everything(directory: Path) -> None:
    for found in snapshots(directory):
        list(found.keys())
        list(found.read())


def refusal(directory: Path) -> str:
    with pytest.raises(SourceError) as refused:
        read_everything(directory)
    message = str(refused.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", DATA_SETS)
def test_each_layout_is_read_under_our_names(tmp_path: Path, name: str) -> None:
    write_data_set(tmp_path, name)
    [row] = snapshot(tmp_path).read()
    assert row["chunk_id"] == ROWS[name]()["chunk_id"]
    assert row.keys() == load_catalog().sources[name].layout.columns.keys()


def test_folders_may_be_spelt_with_underscores(tmp_path: Path) -> None:
    write_data_set(tmp_path, "service-public").rename(tmp_path / "service_public-latest")
    assert snapshot(tmp_path).source.name == "service-public"


def test_legi_may_have_a_folder_for_each_code(tmp_path: Path) -> None:
    for code in ("legi_code_civil", "legi_code_du_travail"):
        write_parquet(tmp_path / "legi-latest" / code / "legi_part_0.parquet", [ROWS["legi"](f"LEGIARTI-{code}")])
    assert len(list(snapshot(tmp_path).read())) == 2


def test_many_files_are_one_source(tmp_path: Path) -> None:
    folder = write_data_set(tmp_path, "service-public", [sheet_row("F1_1")])
    write_parquet(folder / "service_public_part_1.parquet", [sheet_row("F2_1"), sheet_row("F3_1")])
    found = snapshot(tmp_path)
    assert (found.rows, len(found.files)) == (3, 2)
    assert [row["chunk_id"] for row in found.read()] == ["F1_1", "F2_1", "F3_1"]


def test_columns_of_older_revisions_are_understood(tmp_path: Path) -> None:
    row = sheet_row("F1_1")
    row["sid"], row["surtitre"] = row.pop("doc_id"), row.pop("surtitle")
    del row["chunk_xxh64"]
    write_data_set(tmp_path, "service-public", [row])
    [read] = snapshot(tmp_path).read()
    assert (read["doc_id"], read["surtitle"]) == ("F1", "Fiche pratique")


def test_files_whose_lists_are_all_empty_go_with_the_others(tmp_path: Path) -> None:
    folder = write_data_set(tmp_path, "service-public", [sheet_row("F1_1", context=[])])
    write_parquet(folder / "service_public_part_1.parquet", [sheet_row("F2_1", context=["Titre"])])
    assert [row["context"] for row in snapshot(tmp_path).read()] == [[], ["Titre"]]


def test_json_columns_are_read_as_json(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([sheet_row()])
    column = pa.array(['["Un titre"]'], pa.json_(pa.string()))
    table = table.set_column(table.schema.get_field_index("context"), "context", column)
    write_data_set(tmp_path, "service-public", table)
    [row] = snapshot(tmp_path).read()
    assert row["context"] in (["Un titre"], '["Un titre"]')


def test_without_a_marker_the_texts_are_official_and_as_old_as_their_files(tmp_path: Path) -> None:
    folder = write_data_set(tmp_path, "service-public")
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
    for file in folder.iterdir():
        os.utime(file, (moment, moment))
    found = snapshot(tmp_path)
    assert (found.dataset, found.official, found.snapshot_at) == ("service-public", True, "2026-03-01")


def test_a_marker_says_what_the_texts_are(tmp_path: Path) -> None:
    marker = {"dataset": "sample", "official": False, "snapshot_at": "2025-06-01"}
    write_data_set(tmp_path, "service-public", marker=marker)
    found = snapshot(tmp_path)
    assert (found.dataset, found.official, found.snapshot_at) == ("sample", False, "2025-06-01")


def test_the_revision_is_that_of_the_content(tmp_path: Path) -> None:
    first = snapshot(write_data_set(tmp_path / "a", "service-public", [sheet_row("F1_1")]).parent)
    same = snapshot(write_data_set(tmp_path / "b", "service-public", [sheet_row("F1_1")]).parent)
    other = snapshot(write_data_set(tmp_path / "c", "service-public", [sheet_row("F2_1")]).parent)
    assert first.revision == same.revision != other.revision


def test_a_missing_column_is_named_with_its_file(tmp_path: Path) -> None:
    row = sheet_row()
    del row["url"]
    write_data_set(tmp_path, "service-public", [row])
    assert refusal(tmp_path).endswith("service_public_part_0.parquet: no column 'url'")


def test_a_column_missing_under_all_its_names_is_named_with_all(tmp_path: Path) -> None:
    row = sheet_row()
    del row["doc_id"]
    write_data_set(tmp_path, "service-public", [row])
    assert refusal(tmp_path).endswith("no column 'doc_id' or 'sid'")


def test_a_column_missing_in_a_later_file_is_named_with_that_file(tmp_path: Path) -> None:
    folder = write_data_set(tmp_path, "service-public")
    row = sheet_row("F2_1")
    del row["title"]
    write_parquet(folder / "service_public_part_1.parquet", [row])
    assert "service_public_part_1.parquet: no column 'title'" in refusal(tmp_path)


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    folder = write_data_set(tmp_path, "service-public")
    (folder / "service_public_part_1.parquet").write_bytes(b"PAR1 not quite")
    assert "service_public_part_1.parquet: " in refusal(tmp_path)


def test_a_file_damaged_inside_is_an_error_of_its_source(tmp_path: Path) -> None:
    folder = write_data_set(tmp_path, "service-public", [sheet_row(f"F{n}_1") for n in range(500)])
    [file] = folder.iterdir()
    content = bytearray(file.read_bytes())
    content[4:2000] = b"\xff" * 1996
    file.write_bytes(content)
    assert refusal(tmp_path).startswith("service-public: ")


def test_an_empty_source_is_refused(tmp_path: Path) -> None:
    write_data_set(tmp_path, "service-public", pa.Table.from_pylist([sheet_row()]).slice(0, 0))
    assert refusal(tmp_path) == "service-public: its 1 parquet files hold no row"


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "service-public-latest").mkdir()
    assert refusal(tmp_path).endswith("service-public-latest: no parquet file")


def test_a_directory_without_data_sets_says_what_was_looked_for(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: holds none of " + ", ".join(f"{n}-latest" for n in DATA_SETS)


@pytest.mark.parametrize("marker", [b"{", b"[]", b'{"snapshot_at": "hier"}', b'{"officiel": false}'])
def test_a_bad_marker_is_named(tmp_path: Path, marker: bytes) -> None:
    (write_data_set(tmp_path, "service-public") / "dataset.json").write_bytes(marker)
    assert "dataset.json: " in refusal(tmp_path)
