import pytest

from marianne_language.folding import flatten
from marianne_language.stems import arabic, english, romance
from marianne_language.tables import read_table


@pytest.mark.parametrize(
    "words",
    [
        "permit permits",
        "tax taxes",
        "study studies studied",
        "fire fired firing",
        "renew renewed renewing",
        "stop stopped",
    ],
)
def test_english_forms_of_a_word_are_one(words: str) -> None:
    assert len({english(word) for word in words.split()}) == 1


@pytest.mark.parametrize(
    "words",
    [
        "tarjeta tarjetas",
        "contrato contratos",
        "trabajar trabajo trabaja trabajando trabajado",
        "renovación renovaciones",
        "extranjero extranjera extranjeras",
        "demissão demissões",
        "salarial salariais",
        "trabalhador trabalhadores",
        "casarme casar",
    ],
)
def test_spanish_and_portuguese_forms_of_a_word_are_one(words: str) -> None:
    assert len({romance(flatten(word)) for word in words.split()}) == 1


@pytest.mark.parametrize("words", ["إقامة الإقامة والإقامة للإقامة", "عامل العامل عاملة", "عَقْد العقد"])
def test_arabic_forms_of_a_word_are_one(words: str) -> None:
    assert len({arabic(word) for word in words.split()}) == 1


def test_a_row_with_too_few_columns_is_told_with_its_line() -> None:
    with pytest.raises(ValueError, match=r"acronyms\.tsv, line 1: 3 columns are needed, 2 found"):
        read_table("acronyms.tsv", columns=3)
