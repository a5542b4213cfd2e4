"""What the official data sets are known to do, each on small files of that shape; T2, T3 and T10 with refreshes too."""

from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from marianne_corpus.schema import Chunk
from marianne_ingest.catalog import load_catalog
from marianne_ingest.chunking import Chunker, RejectedRowError
from marianne_ingest.difference import Difference, compare
from marianne_ingest.discovery import from_directory
from marianne_ingest.errors import SourceError
from marianne_ingest.places import Gazetteer
from marianne_ingest.sources import Snapshot
from support.parquet import Row, article_row, office_row, ruling_row, sheet_row, write_data_set, write_parquet

STATUSES = (
    *("ABROGE", "ABROGE_DIFF", "ANNULE", "MODIFIE", "MODIFIE_MORT_NE", "PERIME", "TRANSFERE"),
    *("VIGUEUR", "VIGUEUR_DIFF"),
)


def snapshot(directory: Path, name: str) -> Snapshot:
    [found] = from_directory(directory, [load_catalog().sources[name]])
    return found


def chunks(directory: Path, name: str) -> list[Chunk]:
    catalog, found = load_catalog(), snapshot(directory, name)
    chunker = Chunker(found.source.layout, catalog.codes, dataset=name, official=True)
    return [chunker.chunk(row) for row in found.read()]


def difference(directory: Path, name: str, gazetteer: Gazetteer | None = None) -> Difference:
    return compare(snapshot(directory, name), {}, {}, "", gazetteer or Gazetteer())


def test_t1_all_statuses_are_indexed_with_their_dates(tmp_path: Path) -> None:
    rows = [article_row(f"LEGIARTI{n}", status=status) for n, status in enumerate(STATUSES)]
    write_data_set(tmp_path, "legi", rows)
    read = chunks(tmp_path, "legi")
    assert [chunk.status for chunk in read] == list(STATUSES)
    assert all(chunk.start_date and chunk.end_date for chunk in read)


def test_t2_a_status_that_changes_without_the_text_changes_the_key(tmp_path: Path) -> None:
    write_data_set(tmp_path / "a", "legi", [article_row()])
    write_data_set(tmp_path / "b", "legi", [article_row(status="ABROGE", end_date="2026-01-01")])
    [[before]], [[after]] = (difference(tmp_path / folder, "legi").documents.values() for folder in ("a", "b"))
    assert (before.point, article_row()["chunk_xxh64"]) == (after.point, article_row(status="ABROGE")["chunk_xxh64"])
    assert before.key != after.key


def test_t3_the_folders_of_a_source_are_known(tmp_path: Path) -> None:
    for code in ("legi_code_civil", "legi_code_du_travail"):
        write_parquet(tmp_path / "legi-latest" / code / "legi_part_0.parquet", [article_row(f"LEGIARTI-{code}")])
    assert snapshot(tmp_path, "legi").folders == ("legi_code_civil", "legi_code_du_travail")


def test_t4_an_article_that_lies_in_two_folders_is_indexed_once(tmp_path: Path) -> None:
    for code in ("legi_code_du_travail", "legi_code_du_travail_maritime"):
        write_parquet(tmp_path / "legi-latest" / code / "legi_part_0.parquet", [article_row("LEGIARTI1")])
    found = difference(tmp_path, "legi")
    assert (found.rows, found.duplicates, len(found.documents["LEGIARTI1"])) == (2, 1, 1)


def test_t4_an_id_that_stands_for_two_texts_is_refused_by_name(tmp_path: Path) -> None:
    write_data_set(tmp_path, "legi", [article_row("LEGIARTI1"), article_row("LEGIARTI1", text="Autre.")])
    with pytest.raises(SourceError, match="legi: chunk_id 'LEGIARTI1_1' stands for two texts"):
        difference(tmp_path, "legi")


def test_t5_legislative_files_are_no_source() -> None:
    assert "dole" not in load_catalog().sources


def test_t6_headings_stand_in_what_is_searched(tmp_path: Path) -> None:
    write_data_set(tmp_path, "service-public", [sheet_row(context=["Vous êtes salarié", "Hors UE"], text="Deux mois.")])
    [chunk] = chunks(tmp_path, "service-public")
    assert chunk.search_text.split("\n")[1:] == ["Vous êtes salarié", "Hors UE", "Deux mois."]


def test_t7_one_text_under_two_headings_is_two_chunks(tmp_path: Path) -> None:
    rows = [sheet_row(f"F1_{n}", context=[who], text="Le délai est de deux mois.") for n, who in enumerate("AB")]
    write_data_set(tmp_path, "service-public", rows)
    assert [chunk.context for chunk in chunks(tmp_path, "service-public")] == [("A",), ("B",)]


def test_t8_rows_without_ids_are_refused_and_sheets_have_no_date(tmp_path: Path) -> None:
    write_data_set(tmp_path, "service-public", [sheet_row("_1"), sheet_row("F1_1")])
    found = difference(tmp_path, "service-public")
    assert (list(found.documents), dict(found.refused)) == (["F1"], {"no doc_id": 1})
    with pytest.raises(RejectedRowError):
        chunks(tmp_path, "service-public")
    write_data_set(tmp_path, "service-public", [sheet_row("F1_1")])
    assert not chunks(tmp_path, "service-public")[0].updated_at


ADDRESSES = [{"adresse": "1 rue X", "code_postal": "20090", "commune": "Ajaccio"}]


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(orjson.dumps(ADDRESSES), id="bytes"),
        pytest.param(orjson.dumps(ADDRESSES).decode(), id="text"),
        pytest.param(ADDRESSES, id="objects"),
    ],
)
def test_t9_json_columns_are_read_however_they_arrive(tmp_path: Path, written: object) -> None:
    write_data_set(tmp_path, "local-administrations-directory", [office_row(addresses=written)])
    [chunk] = chunks(tmp_path, "local-administrations-directory")
    assert chunk.departments == ("2A",)
    assert "Adresse : 1 rue X, 20090 Ajaccio." in chunk.sentences


VECTOR = [0.25, -1.5, 3.0]


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pa.array(["[0.25,-1.5,3.0]", None]), id="text"),
        pytest.param(pa.array([b"[0.25, -1.5, 3.0]", None]), id="bytes"),
        pytest.param(pa.array([VECTOR, None], pa.list_(pa.float32())), id="list"),
        pytest.param(pa.array([VECTOR, None], pa.list_(pa.float32(), 3)), id="list of fixed size"),
    ],
)
def test_t9_vectors_are_read_however_they_arrive(tmp_path: Path, column: pa.Array) -> None:
    table = pa.Table.from_pylist([sheet_row("F1_1"), sheet_row("F2_1")]).drop_columns(["embeddings_bge-m3"])
    write_data_set(tmp_path, "service-public", table.append_column("embeddings_bge-m3", column))
    assert [row["vector"] for row in snapshot(tmp_path, "service-public").read(vectors=True)] == [VECTOR, None]


def test_t9_a_vector_that_is_none_is_named(tmp_path: Path) -> None:
    write_data_set(tmp_path, "service-public", [sheet_row(**{"embeddings_bge-m3": "[0.1,"})])
    with pytest.raises(SourceError, match="service-public: column 'embeddings_bge-m3' holds no vector: "):
        list(snapshot(tmp_path, "service-public").read(vectors=True))


def test_t10_older_names_of_columns_are_understood_and_others_refused(tmp_path: Path) -> None:
    row = sheet_row()
    older = {{"doc_id": "sid", "surtitle": "surtitre"}.get(name, name): value for name, value in row.items()}
    write_data_set(tmp_path / "a", "service-public", [older])
    assert chunks(tmp_path / "a", "service-public")[0].surtitle == "Fiche pratique"
    write_data_set(tmp_path / "b", "service-public", [{name: row[name] for name in row if name != "title"}])
    with pytest.raises(SourceError, match=r"service_public_part_0\.parquet: no column 'title'"):
        snapshot(tmp_path / "b", "service-public")


@pytest.mark.parametrize("spelling", ["L421-1", "L. 421-1", "L 421-1"])
def test_t11_empty_texts_are_missing_lists_are_split_and_numbers_are_one(tmp_path: Path, spelling: str) -> None:
    write_data_set(tmp_path, "legi", [article_row(number=spelling)])
    write_data_set(tmp_path, "service-public", [sheet_row(surtitle="", audience="Particuliers, Associations")])
    write_data_set(tmp_path, "local-administrations-directory", [office_row(modification_date="")])
    assert chunks(tmp_path, "legi")[0].number == "L421-1"
    [sheet] = chunks(tmp_path, "service-public")
    assert (sheet.surtitle, sheet.audience) == ("", ("Particuliers", "Associations"))
    assert not chunks(tmp_path, "local-administrations-directory")[0].updated_at


def test_an_office_says_what_a_person_needs_and_never_who_is_in_charge(tmp_path: Path) -> None:
    write_data_set(tmp_path, "local-administrations-directory", [office_row("0000-1111")])
    [chunk] = chunks(tmp_path, "local-administrations-directory")
    assert chunk.sentences == (
        "Préfecture 0000-1111.",
        "Elle délivre les titres de séjour.",
        "Adresse : 12 place de la Mairie, 69003 Lyon.",
        "Téléphone : 04 72 61 60 60",
        "Horaires d'ouverture : Du lundi au vendredi de 9h à 12h",
        "Site internet : https://www.rhone.gouv.fr",
    )
    assert (chunk.kind, chunk.departments, chunk.updated_at) == (("prefecture",), ("69",), "2026-03-01")
    assert "people_in_charge" not in snapshot(tmp_path, "local-administrations-directory").columns.values()


def test_offices_of_other_kinds_tell_places_only(tmp_path: Path) -> None:
    town_hall = office_row(
        "2", types="mairie (type_organisme)", addresses=[{"code_postal": "01000", "commune": "Bourg-en-Bresse"}]
    )
    write_data_set(tmp_path, "local-administrations-directory", [town_hall, office_row("1", addresses=[{}])])
    gazetteer = Gazetteer()
    found = difference(tmp_path, "local-administrations-directory", gazetteer)
    assert (list(found.documents), dict(found.refused)) == (["1"], {"another kind of office": 1})
    assert gazetteer.places() == {"01000": ("01",), "bourg en bresse": ("01",), "bourg-en-bresse": ("01",)}


@pytest.mark.parametrize(
    ("postcode", "commune", "place", "department"),
    [
        ("75008", "Paris 08", "paris", "75"),
        ("69432", "Lyon Cedex 03", "lyon", "69"),
        ("97400", "Saint-Denis", "saint-denis", "974"),
        ("20200", "Bastia", "bastia", "2B"),
    ],
)
def test_places_are_found_by_name(postcode: str, commune: str, place: str, department: str) -> None:
    gazetteer = Gazetteer()
    gazetteer.add([[{"code_postal": postcode, "commune": commune}]])
    assert gazetteer.places()[place] == gazetteer.places()[postcode] == (department,)


LINK: Row = {"title": "Code civil", "number": "21-4", "link_type": "CONCORDANCE", "link_direction": "cible"}


@pytest.mark.parametrize(
    ("columns", "replaced_by"),
    [
        pytest.param({"status": "ABROGE", "links": orjson.dumps([LINK]).decode()}, ("code-civil:21-4",), id="text"),
        pytest.param({"status": "ABROGE", "links": [LINK]}, ("code-civil:21-4",), id="objects"),
        pytest.param({"status": "VIGUEUR", "links": [LINK]}, (), id="in force"),
        pytest.param({"status": "ABROGE", "links": [LINK | {"link_type": "CITATION"}]}, (), id="no successor"),
        pytest.param({"status": "ABROGE", "links": [LINK | {"link_direction": "source"}]}, (), id="the other way"),
        pytest.param({"status": "ABROGE", "links": "["}, (), id="no JSON"),
    ],
)
def test_a_repealed_article_names_its_successors(tmp_path: Path, columns: Row, replaced_by: tuple[str, ...]) -> None:
    write_data_set(tmp_path, "legi", [article_row(**columns)])
    assert chunks(tmp_path, "legi")[0].replaced_by == replaced_by


@pytest.mark.parametrize(
    ("name", "url", "day"),
    [
        ("cnil", "https://www.legifrance.gouv.fr/cnil/id/CNILTEXT1", "2026-02-01"),
        ("constit", "https://www.legifrance.gouv.fr/cons/id/CNILTEXT1", "2026-02-02"),
    ],
)
def test_rulings_are_read_on_request(tmp_path: Path, name: str, url: str, day: str) -> None:
    write_data_set(tmp_path, name, [ruling_row()])
    [chunk] = chunks(tmp_path, name)
    assert (chunk.url, chunk.updated_at) == (url, day)
    assert load_catalog().sources[name] not in load_catalog().default
