import pytest
from hypothesis import given
from hypothesis import strategies as st

from marianne_language.citations import SentenceId, parse_citations


@pytest.mark.parametrize(
    ("text", "clean", "ids"),
    [
        ("Deux mois [1.2].", "Deux mois.", ["1.2"]),
        ("Deux mois. [1.2]", "Deux mois.", ["1.2"]),
        ("Deux mois.[1.2]", "Deux mois.", ["1.2"]),
        ("Deux mois. [1.2].", "Deux mois.", ["1.2"]),
        ("Deux mois [1.2] et plus [3.1].", "Deux mois et plus.", ["1.2", "3.1"]),
        ("Deux mois [1.2], puis un an.", "Deux mois, puis un an.", ["1.2"]),
        ("Deux mois [1.2] ; puis un an.", "Deux mois ; puis un an.", ["1.2"]),
        ("Deux mois\u00a0[1.2]\u00a0!", "Deux mois\u00a0!", ["1.2"]),
        ("(deux mois [1.2])", "(deux mois)", ["1.2"]),
        ("Deux mois ([1.2]).", "Deux mois.", ["1.2"]),
        ("**Deux mois [1.2].**", "**Deux mois.**", ["1.2"]),
        ("- [1.2] Deux mois ;", "- Deux mois ;", ["1.2"]),
        ("[1.2] Deux mois.", "Deux mois.", ["1.2"]),
        ("Deux[1.2]mois", "Deux mois", ["1.2"]),
        ("Deux mois [1.2, 3.1].", "Deux mois.", ["1.2", "3.1"]),
        ("Deux mois [1.2; 3.1 et 4.1].", "Deux mois.", ["1.2", "3.1", "4.1"]),
        ("Deux mois [1.2][3.1] [1.2].", "Deux mois.", ["1.2", "3.1"]),
        ("Deux mois [1.2-1.4].", "Deux mois.", ["1.2", "1.3", "1.4"]),
        ("Deux mois [1.2–2.1].", "Deux mois.", ["1.2", "2.1"]),
        ("Deux mois [2].", "Deux mois.", ["2"]),
        ("\n- Deux mois [1.2]", "\n- Deux mois", ["1.2"]),
        ("Lisez [1](https://a.fr) et [la fiche](b).", "Lisez [1](https://a.fr) et [la fiche](b).", []),
        ("La loi [de 2016] s'applique [2016].", "La loi [de 2016] s'applique [2016].", []),
    ],
)
def test_marks_leave_the_text_as_it_reads_without_them(text: str, clean: str, ids: list[str]) -> None:
    assert parse_citations(text) == (clean, tuple(SentenceId.parse(id_) for id_ in ids))


def test_a_bare_number_cites_the_passage_as_a_whole() -> None:
    assert parse_citations("Deux mois [3].")[1] == (SentenceId(3, 0),)


@given(st.integers(1, 99), st.integers(0, 999))
def test_an_id_reads_back_as_it_is_written(passage: int, sentence: int) -> None:
    id_ = SentenceId(passage, sentence)

    assert SentenceId.parse(str(id_)) == id_
    assert parse_citations(f"Texte [{id_}].") == ("Texte.", (id_,))


@pytest.mark.parametrize("text", ["", "a", "1.", ".2", "1.2.3", "[1.2]", "-1.2"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a sentence id looks like"):
        SentenceId.parse(text)


@given(st.text(alphabet="ab .,;!?[]()12-\n", max_size=60))
def test_nothing_but_marks_and_spacing_is_taken_out(text: str) -> None:
    clean, ids = parse_citations(text)

    assert ids or clean == text
    assert [letter for letter in clean if letter.isalpha()] == [letter for letter in text if letter.isalpha()]
