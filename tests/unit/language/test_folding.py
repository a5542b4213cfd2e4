import pytest
from hypothesis import given
from hypothesis import strategies as st

from marianne_language.folding import flatten, fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("L’ÉTRANGER", "l'étranger"),
        ("« Délai »", '"délai"'),
        ("423‑23", "423-23"),
        ("1\u202f500\u00a0euros", "1 500 euros"),
        ("cœur", "coeur"),
        ("e\u0301te\u0301", "été"),
        ("deux\n\n  mois", "deux mois"),
        ("٢٠", "20"),
    ],
)
def test_what_reads_the_same_folds_to_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_different_words_stay_different() -> None:
    assert fold("peut") != fold("doit")


@given(st.text(max_size=80))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=80))
def test_a_flat_text_is_as_long_as_the_text(text: str) -> None:
    assert len(flatten(text)) == len(text)


def test_a_flat_text_has_no_accents_and_no_capitals() -> None:
    assert flatten("Đề nghị à L’ÉTÉ") == "de nghi a l'ete"
