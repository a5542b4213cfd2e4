import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marianne_corpus.analyzer import K1, STOP_WORDS, Analyzer, B


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("l'étranger", "étranger", id="elision"),
        pytest.param("l’étranger", "l'étranger", id="typographic apostrophe"),
        pytest.param("jusqu'à l'expiration", "expiration", id="long elision and stop words"),
        pytest.param("séjour", "sejour", id="accents left out"),
        pytest.param("SÉJOUR", "séjour", id="capitals"),
        pytest.param("Œuvre", "oeuvre", id="ligature"),
        pytest.param("titres de séjour", "titre du séjour", id="plural"),
        pytest.param("le C.E.S.E.D.A.", "ceseda", id="dotted acronym"),
        pytest.param("une O.Q.T.F. notifiée", "oqtf notifiée", id="dotted acronym in a sentence"),
        pytest.param(unicodedata.normalize("NFD", "réfugié"), "réfugié", id="decomposed letters"),
        pytest.param("rendez‑vous", "rendez-vous", id="non-breaking hyphen"),
    ],
)
def test_spellings_of_one_thing_are_one(analyzer: Analyzer, one: str, other: str) -> None:
    assert analyzer.tokens(one) == analyzer.tokens(other) != []


@pytest.mark.parametrize(
    "spelling", ["L423-23", "L. 423-23", "L 423-23", "L.423-23", "l. 423-23", "L. 423‑23", "L.\u00a0423-23"]
)
def test_every_spelling_of_an_article_is_one_term(analyzer: Analyzer, spelling: str) -> None:
    assert analyzer.tokens(f"selon {spelling}, le titre") == ["§l423-23", "titr"]


@pytest.mark.parametrize(
    ("text", "term"),
    [
        pytest.param("article 21-2 du code civil", "§21-2", id="number without a letter"),
        pytest.param("art. 21-2", "§21-2", id="abbreviated"),
        pytest.param("R.* 133-9", "§r133-9", id="starred decree"),
        pytest.param("article L. 1237-19-10", "§l1237-19-10", id="long number"),
    ],
)
def test_article_numbers_are_terms(analyzer: Analyzer, text: str, term: str) -> None:
    assert term in analyzer.tokens(text)


@pytest.mark.parametrize("text", ["à 18 ans", "3 mois", "l'année 2025", "18-25 ans", "le 1er article"])
def test_other_figures_are_no_articles(analyzer: Analyzer, text: str) -> None:
    assert not any("§" in token for token in analyzer.tokens(text))


def test_neighbouring_articles_are_different_terms(analyzer: Analyzer) -> None:
    assert set(analyzer.tokens("L. 423-23")).isdisjoint(analyzer.tokens("L. 423-22"))


def test_a_text_of_stop_words_alone_has_no_terms(analyzer: Analyzer) -> None:
    assert not analyzer.query("Est-ce que c'est pour vous ?".replace("-ce", " ce"))
    assert not analyzer.query(" ".join(STOP_WORDS))


def test_document_weights_are_those_of_bm25(analyzer: Analyzer) -> None:
    vector = analyzer.document("carte carte séjour préfecture", average_length=8.0)
    weights = dict(zip(vector.indices, vector.values, strict=True))
    [carte] = analyzer.query("carte").indices
    [sejour] = analyzer.query("séjour").indices
    norm = K1 * (1 - B + B * 4 / 8.0)
    assert weights[carte] == pytest.approx(2 * (K1 + 1) / (2 + norm))
    assert weights[sejour] == pytest.approx(1 * (K1 + 1) / (1 + norm))


def test_a_longer_document_weighs_its_terms_less(analyzer: Analyzer) -> None:
    short = analyzer.document("carte de séjour", 10.0)
    long = analyzer.document("carte de séjour" + " préfecture demande dossier pièce" * 10, 10.0)
    assert short.values[0] > long.values[0]


def test_query_terms_count_once(analyzer: Analyzer) -> None:
    vector = analyzer.query("carte, cartes et encore une carte")
    assert len(vector.indices) == len(set(vector.indices)) == 2
    assert set(vector.values) == {1.0}


@given(st.text())
def test_any_text_finds_itself(text: str) -> None:
    analyzer = Analyzer()
    document = analyzer.document(text, average_length=50.0)
    assert set(analyzer.query(text).indices) == set(document.indices)
    assert all(0 <= index < 2**31 for index in document.indices)
    assert all(weight > 0 for weight in document.values)


@given(st.text(alphabet="abcdeéèàçùôœ LlRr.-'’1234567890"))
def test_case_makes_no_difference(text: str) -> None:
    analyzer = Analyzer()
    lower = text.lower()
    assert analyzer.tokens(lower) == analyzer.tokens(lower.replace("'", "’"))
