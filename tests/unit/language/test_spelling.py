import pytest
from hypothesis import given
from hypothesis import strategies as st

from marianne_language.spelling import Speller


def speller(**words: int) -> Speller:
    return Speller(words, {"cdd"}.__contains__)


_SPELLER = speller(licenciement=90, conges=40, conge=60, salaire=70, titre=80, tigre=1, droit=9)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("licenciment", "licenciement"),
        ("licencieement", "licenciement"),
        ("salaure", "salaire"),
        ("slaaire", "salaire"),
        ("drot", "droit"),
    ],
)
def test_one_slip_is_mended(written: str, meant: str) -> None:
    assert _SPELLER.correct(written) == meant


def test_the_more_frequent_word_is_meant() -> None:
    assert _SPELLER.correct("tilre") == "titre"
    assert _SPELLER.correct("tihre") == "titre"


def test_a_lost_letter_is_likelier_than_a_wrong_one() -> None:
    assert speller(demission=20, decision=90).correct("demision") == "demission"
    assert speller(demission=2, decision=90).correct("demision") == "decision"


def test_short_words_are_mended_only_to_acronyms() -> None:
    mended = speller(cdd=9, de=90, fin=90)
    assert [mended.correct(word) for word in ("dd", "cxd", "fni")] == ["cdd", "cdd", None]


def test_equally_frequent_words_are_told_apart_by_the_alphabet() -> None:
    assert speller(carte=5, barte=5).correct("tarte") == "barte"


@pytest.mark.parametrize("word", ["titre", "lcencment", "dri", "l423", "", "x" * 200])
def test_known_far_short_and_figured_words_stay(word: str) -> None:
    assert _SPELLER.correct(word) is None


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_a_correction_is_always_a_known_word(word: str) -> None:
    assert _SPELLER.correct(word) in {None, "licenciement", "conges", "conge", "salaire", "titre", "tigre", "droit"}


@given(st.sampled_from(["licenciement", "salaire"]), st.data())
def test_any_lost_letter_is_found_again(word: str, data: st.DataObject) -> None:
    lost = data.draw(st.integers(0, len(word) - 1))

    assert _SPELLER.correct(word[:lost] + word[lost + 1 :]) == word
