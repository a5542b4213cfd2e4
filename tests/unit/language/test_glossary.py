import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marianne_language.glossary import LANGUAGES, Glossary, shipped, to_french
from marianne_language.tables import read_table

_SMALL = Glossary(
    [
        (
            "titre de séjour",
            "residence permit",
            "permiso de residencia",
            "autorização de residência",
            "إقامة",
            "thẻ cư trú",
        ),
        ("renouvellement", "renew | renewal", "renovar", "renovar", "تجديد", "gia hạn"),
        ("permis", "permit", "permiso", "autorização", "رخصة", "giấy phép"),
        ("impôt", "tax", "impuesto", "imposto", "ضريبة", "thuế"),
        ("location", "to rent", "alquilar", "alugar", "كراء", "thuê"),
        ("-", "France", "Francia", "França", "فرنسا", "Pháp"),
    ]
)


@pytest.mark.parametrize(
    ("text", "language", "french"),
    [
        ("How do I renew my residence permits in France?", "en", "renouvellement titre de séjour"),
        ("renovar el permiso de residencia", "es", "renouvellement titre de séjour"),
        ("renovar a minha autorização de residência", "pt-BR", "renouvellement titre de séjour"),
        ("كيف أجدد؟ تجديد الإقامة في فرنسا", "ar", "renouvellement titre de séjour"),
        ("gia hạn thẻ cư trú", "vi", "renouvellement titre de séjour"),
        ("gia han the cu tru", "vi", "renouvellement titre de séjour"),
    ],
)
def test_terms_are_put_into_french(text: str, language: str, french: str) -> None:
    assert _SMALL.to_french(text, language) == french


def test_the_longest_term_counts() -> None:
    assert _SMALL.to_french("a residence permit and a permit", "en") == "titre de séjour permis"


def test_the_language_that_knows_most_words_is_taken_when_none_is_named() -> None:
    assert _SMALL.to_french("renovar permiso de residencia") == "renouvellement titre de séjour"
    assert _SMALL.to_french("تجديد إقامة") == "renouvellement titre de séjour"


def test_names_acronyms_and_french_words_stay_and_other_words_are_dropped() -> None:
    text = "please help me renew the titre de séjour of Amadou after an OQTF"

    assert _SMALL.to_french(text, "en") == "renouvellement titre séjour Amadou OQTF"


def test_capitals_everywhere_make_no_names() -> None:
    assert _SMALL.to_french("PLEASE HELP ME RENEW", "en") == "renouvellement"


def test_a_single_vietnamese_syllable_counts_with_its_accents_if_the_text_has_any() -> None:
    assert _SMALL.to_french("thuế", "vi") == "impôt"
    assert _SMALL.to_french("thuê", "vi") == "location"
    assert _SMALL.to_french("thue", "vi") == "impôt location"


@pytest.mark.parametrize(("text", "language"), [("", "en"), ("in France", "en"), ("xyzzy", None), ("renew", "de")])
def test_nothing_known_gives_none(text: str, language: str | None) -> None:
    assert _SMALL.to_french(text, language) is None


@pytest.mark.parametrize(
    ("text", "language", "word"),
    [
        ("can they fire me while I am off sick", "en", "licenciement"),
        ("mutual termination agreement", "en", "rupture conventionnelle"),
        ("convenios colectivos", "es", "convention collective"),
        ("férias pagas", "pt", "congés payés"),
        ("الساعات الإضافية", "ar", "heures supplémentaires"),
        ("لم الشمل", "ar", "regroupement familial"),
        ("tro cap that nghiep", "vi", "chômage"),
        ("I got an OQTF from the prefecture", "en", "obligation de quitter le territoire français"),
    ],
)
def test_the_shipped_glossary_knows_administration_and_work(text: str, language: str, word: str) -> None:
    assert word in (to_french(text, language) or "")


def test_each_language_has_hundreds_of_terms_and_none_stands_twice_in_a_cell() -> None:
    for column in range(1, 1 + len(LANGUAGES)):
        cells = [row[column].split(" | ") for row in read_table("glossary.tsv", columns=6)]
        assert sum(map(len, cells)) > 1_000
        assert not [cell for cell in cells if len(set(cell)) < len(cell) or "" in cell]


@given(st.text(max_size=200), st.sampled_from([*LANGUAGES, None, "fr", "pt-BR"]))
def test_any_text_is_taken(text: str, language: str | None) -> None:
    assert to_french(text, language) != ""


def test_a_question_costs_far_less_than_a_search() -> None:
    shipped()
    start = time.process_time()

    for _ in range(200):
        to_french("my boss refuses to pay my overtime hours since I am on sick leave, what can I do", "en")

    assert (time.process_time() - start) / 200 < 0.003
