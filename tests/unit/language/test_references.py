import pytest

from marianne_language.codes import code_slug
from marianne_language.references import find_references


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("L. 423-23", ["L423-23"]),
        ("L423-23", ["L423-23"]),
        ("l 423‑23", ["L423-23"]),
        ("art. R.421-5", ["R421-5"]),
        ("R*. 421-5 et R.* 421-6", ["R421-5", "R421-6"]),
        ("l'article LO 6241-1", ["LO6241-1"]),
        ("L.\u00a0111-3-1", ["L111-3-1"]),
        ("articles L. 1 et L. 2", ["L1", "L2"]),
        ("articles L. 423-22 à L. 423-25", ["L423-22", "L423-25"]),
        ("articles L. 423-22 et 423-23", ["L423-22", "L423-23"]),
        ("L. 423-22 et suivants", ["L423-22"]),
        ("articles 5, 6 et 7", ["5", "6", "7"]),
        ("article 1er et article premier", ["1", "1"]),
        ("article 199 sexdecies", ["199sexdecies"]),
        ("article 4 B du code général des impôts", ["4B"]),
        ("Article 8 and artículo 21-2", ["8", "21-2"]),
        ("Điều 21-2", ["21-2"]),
        ("المادة 21-2", ["21-2"]),
    ],
)
def test_every_spelling_has_one_number(text: str, numbers: list[str]) -> None:
    assert [reference.number for reference in find_references(text)] == numbers


@pytest.mark.parametrize(
    "text",
    [
        "il y a 100-200 cas",
        "d'1 mois à 5-10 jours",
        "en l 2024",
        "le 3 mai 2024",
        "de 10-15 euros",
        "la route D 5",
        "15-20",
    ],
)
def test_numbers_of_other_things_are_no_articles(text: str) -> None:
    assert find_references(text) == []


def test_a_delay_after_an_article_is_no_second_article() -> None:
    assert [reference.number for reference in find_references("selon l'article 5, 3 mois")] == ["5"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("article L. 423-23 du CESEDA", "ceseda"),
        ("article L. 423-23 du code de l'entrée et du séjour des étrangers et du droit d'asile", "ceseda"),
        ("article 21-2 du code civil", "code-civil"),
        ("CESEDA, article L. 423-23", "ceseda"),
        ("code du travail (article L. 1221-1)", "code-du-travail"),
        ("Article L. 1221-1 of the French Labour Code", "code-du-travail"),
        ("« L. 1221-1 » du code du travail", "code-du-travail"),
        ("L. 423-22 et suivants du CESEDA", "ceseda"),
        ("article 8 de la CEDH", "cedh"),
        ("Điều 21-2 Bộ luật Dân sự", "code-civil"),
        ("article L. 423-23, sans autre précision", None),
        ("article 5. Le code civil est cité ailleurs", None),
    ],
)
def test_the_code_is_the_one_that_the_reference_names(text: str, code: str | None) -> None:
    assert {reference.code for reference in find_references(text)} == {code}


def test_all_articles_of_an_enumeration_share_its_code() -> None:
    text = "les articles L. 1221-1 et R. 1221-2 du code du travail et l'article 21-2 du code civil"

    assert [(found.number, found.code) for found in find_references(text)] == [
        ("L1221-1", "code-du-travail"),
        ("R1221-2", "code-du-travail"),
        ("21-2", "code-civil"),
    ]


def test_positions_are_those_of_the_text() -> None:
    text = "Selon l'art. L. 423-23 et L. 423-24, il faut…"

    assert [text[found.start : found.end] for found in find_references(text)] == ["art. L. 423-23", "L. 423-24"]


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Code du travail", "code-du-travail"),
        ("Code de la sécurité sociale", "css"),
        ("Code des relations entre le public et l'administration", "crpa"),
        ("Code de procédure pénale", "cpp"),
        ("Une fiche", None),
    ],
)
def test_a_code_has_one_slug(title: str, slug: str | None) -> None:
    assert code_slug(title) == slug
