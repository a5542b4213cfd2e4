import dataclasses
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marianne_corpus.schema import Chunk
from marianne_ingest import offices
from marianne_ingest.catalog import load_catalog
from marianne_ingest.chunking import Chunker, RejectedRowError, iso_day, texts
from support.parquet import Row, article_row, ministry_row, sheet_row


def chunk(name: str, row: Row, *, official: bool = True) -> Chunk:
    catalog = load_catalog()
    layout = catalog.sources[name].layout
    named = {
        field: next(row[known] for known in column.names if known in row) for field, column in layout.columns.items()
    }
    return Chunker(layout, catalog.codes, dataset=name, official=official).chunk(named)


def article(**columns: object) -> Chunk:
    return chunk("legi", article_row(**columns))  # type: ignore[arg-type]  # a wrong column fails the test at once


def test_a_sheet_keeps_what_a_reader_verifies() -> None:
    read = chunk("service-public", sheet_row("F2231_3", title="Renouveler sa carte"))
    assert (read.chunk_id, read.doc_id, read.dataset) == ("F2231_3", "F2231", "service-public")
    assert (read.title, read.surtitle) == ("Renouveler sa carte", "Fiche pratique")
    assert read.url == "https://www.service-public.gouv.fr/particuliers/vosdroits/F2231"
    assert read.context == ("Quels documents fournir ?",)
    assert read.sentences == ("La demande F2231_3 se fait en ligne.", "Le récépissé est délivré sans délai.")
    assert read.audience == ("Particuliers", "Professionnels")
    assert read.theme == ("Étranger", "Papiers - Citoyenneté")
    assert read.official
    assert not read.status
    assert not read.updated_at


def test_a_ministry_sheet_tells_its_own_date() -> None:
    read = chunk("travail-emploi", ministry_row(date="13/11/2020"))
    assert (read.updated_at, read.start_date) == ("2020-11-13", "")


def test_an_article_is_titled_by_code_and_number() -> None:
    read = article()
    assert read.title == "Code civil, article 21-2"
    assert (read.code, read.code_slug, read.number) == ("Code civil", "code-civil", "21-2")
    assert read.context == ("Livre Ier : Des personnes", "Titre Ier bis : De la nationalité française")
    assert (read.status, read.start_date, read.end_date) == ("VIGUEUR", "2021-05-01", "2999-01-01")


def test_the_title_of_a_version_that_ended_says_so() -> None:
    read = article(number="313-11", status="ABROGE", start_date="2019-03-01", end_date="2021-05-12")
    assert read.title == "Code civil, article 313-11 (version du 1er mars 2019, en vigueur jusqu'au 12 mai 2021)"


@pytest.mark.parametrize(
    ("number", "canonical"),
    [("L421-1", "L421-1"), ("L. 421-1", "L421-1"), ("L 421-1", "L421-1"), ("R*133-1", "R133-1"), ("", "")],
)
def test_an_article_number_has_one_spelling(number: str, canonical: str) -> None:
    assert article(number=number).number == canonical


@pytest.mark.parametrize(
    ("full_title", "slug"),
    [
        ("Code du travail", "code-du-travail"),
        ("Code du travail, article L1221-1", "code-du-travail"),
        ("Code du travail maritime", ""),
        ("Code du travail applicable à Mayotte", ""),
        ("Code de l'entrée et du séjour des étrangers et du droit d'asile", "ceseda"),
        ("Code de l’entrée et du séjour des étrangers et du droit d’asile", "ceseda"),
    ],
)
def test_only_the_code_of_that_very_title_is_meant(full_title: str, slug: str) -> None:
    assert article(full_title=full_title).code_slug == slug


@pytest.mark.parametrize(
    ("columns", "url"),
    [
        pytest.param(
            {"doc_id": "LEGIARTI000006900783"},
            "https://www.legifrance.gouv.fr/codes/article_lc/LEGIARTI000006900783",
            id="an article's own page",
        ),
        pytest.param(
            {"doc_id": "exemple-ceseda-L421-1", "full_title": "CESEDA"},
            "https://www.legifrance.gouv.fr/codes/texte_lc/LEGITEXT000006070158",
            id="else its code's page",
        ),
        pytest.param(
            {"doc_id": "x", "full_title": "Code inconnu"}, "https://www.legifrance.gouv.fr/", id="else the front page"
        ),
    ],
)
def test_an_article_links_to_the_closest_official_page(columns: Row, url: str) -> None:
    assert article(**columns).url == url


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"doc_id": ""}, "no doc_id"),
        ({"chunk_id": ""}, "no chunk_id"),
        ({"chunk_id": None}, "no chunk_id"),
        ({"text": "  \n"}, "no text"),
        ({"url": ""}, "no url"),
    ],
)
def test_a_row_that_nobody_could_cite_is_rejected(columns: Row, reason: str) -> None:
    with pytest.raises(RejectedRowError, match=reason):
        chunk("service-public", sheet_row() | columns)


@pytest.mark.parametrize("columns", [{"start_date": ""}, {"end_date": None}, {"start_date": "bientôt"}])
def test_an_article_whose_validity_is_unknown_is_rejected(columns: Row) -> None:
    with pytest.raises(RejectedRowError, match="a legal status without dates"):
        article(**columns)


@pytest.mark.parametrize(
    "context",
    [
        pytest.param(["Vous êtes salarié", "Hors UE"], id="list"),
        pytest.param('["Vous êtes salarié", "Hors UE"]', id="JSON text"),
        pytest.param('["Vous êtes salarié", "Hors UE"]'.encode(), id="JSON bytes"),
        pytest.param(["", "Vous êtes salarié", None, " Hors UE "], id="with empty entries"),
    ],
)
def test_headings_are_read_however_they_are_typed(context: object) -> None:
    assert chunk("service-public", sheet_row(context=context)).context == ("Vous êtes salarié", "Hors UE")


@pytest.mark.parametrize("value", [None, "", [], "[]", b"[]"])
def test_a_missing_list_is_empty(value: object) -> None:
    assert texts(value, ", ") == ()


def test_a_text_that_only_looks_like_json_is_a_text() -> None:
    assert texts("[sic] une mention") == ("[sic] une mention",)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2021-05-01", "2021-05-01"),
        ("2021-05-01T00:00:00", "2021-05-01"),
        ("01/05/2021", "2021-05-01"),
        ("2018-05", "2018-05-01"),
        ("1451606400000", "2016-01-01"),
        (date(2021, 5, 1), "2021-05-01"),
        ("", ""),
        (None, ""),
        ("31/31/2021", ""),
    ],
)
def test_days_are_read_however_they_are_written(written: object, day: str) -> None:
    assert iso_day(written) == day


@given(st.dates(min_value=date(1800, 1, 1), max_value=date(2999, 1, 1)))
def test_every_spelling_of_a_day_is_that_day(day: date) -> None:
    assert iso_day(day.strftime("%d/%m/%Y")) == iso_day(day.isoformat()) == day.isoformat()


def test_every_field_of_the_layouts_is_one_of_a_chunk() -> None:
    fields = {field.name for field in dataclasses.fields(Chunk)} | {"text", *offices.FIELDS}
    for source in load_catalog().sources.values():
        assert source.layout.columns.keys() <= fields
