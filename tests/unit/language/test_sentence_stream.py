"""The units of a stream do not depend on how it was cut."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from marianne_language.citations import parse_citations
from marianne_language.sentences import find_end, split_sentences

SENTENCE_PARTS = [
    "Le délai est de deux mois",
    "Selon l'art. L. 423-23",
    "M. Dupont",
    "etc.",
    "No.",
    "type D.",
    "a",
    "B",
    "7",
]
LINE_STARTS = ["1.", "- ", "## ", "| ", "\n", "\n\n", "\r\n", "\t", " ", "\u00a0"]
SIGNS = ["« ", " »", "(", ")", "](", "`", "**", '"', "“", "”", ".", "...", "…", "?", "!", ":"]
MARKS_AND_ADDRESSES = ["[1.2]", "[1.2, 3.1]", " [2", "https://a.fr/x.y", "j.d@a.fr"]
OTHER_SCRIPTS = ["؟ نعم", "。日本", "١"]
FRAGMENTS = [*SENTENCE_PARTS, *LINE_STARTS, *SIGNS, *MARKS_AND_ADDRESSES, *OTHER_SCRIPTS]
TEXTS = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join) | st.text(max_size=60)


def units(chunks: Iterable[str]) -> list[str]:
    """The units of a stream, as a gate cuts them, with what is left at the end."""
    buffer, found = "", []
    for chunk in chunks:
        buffer += chunk
        while (end := find_end(buffer)) is not None:
            found.append(buffer[:end])
            buffer = buffer[end:]
    while (end := find_end(buffer, final=True)) is not None:
        found.append(buffer[:end])
        buffer = buffer[end:]
    return [*found, buffer]


@st.composite
def chunked(draw: st.DrawFn) -> tuple[str, list[str]]:
    text = draw(TEXTS)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=20)))
    return text, [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@given(chunked())
def test_units_are_the_same_for_any_chunking(case: tuple[str, list[str]]) -> None:
    text, chunks = case

    assert units(chunks) == units([text])
    assert units(text) == units([text])


@given(chunked())
def test_units_put_together_are_the_text(case: tuple[str, list[str]]) -> None:
    text, chunks = case

    assert "".join(units(chunks)) == text


@given(TEXTS)
def test_a_stream_has_the_sentences_of_the_whole_text(text: str) -> None:
    assert [unit.strip() for unit in units(text) if unit.strip()] == split_sentences(text)


@given(TEXTS)
def test_only_white_space_is_lost_between_sentences(text: str) -> None:
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())


@given(TEXTS, st.text(max_size=20))
def test_an_end_that_was_told_never_moves(text: str, more: str) -> None:
    end = find_end(text)

    assert end is None or find_end(text + more) == end


SENTENCES = st.sampled_from(["Le délai est de deux mois", "Selon l'art. 5, il faut payer", "**Attention** au délai"])
MARKS = st.sampled_from(["[1.2]", "[1.2, 3.1]", "[1.2][3.1]", "[2]"])


@given(st.lists(st.tuples(SENTENCES, MARKS, st.booleans()), min_size=1, max_size=4))
def test_marks_before_and_after_the_full_stop_stay_with_their_sentence(parts: list[tuple[str, str, bool]]) -> None:
    written = [f"{sentence} {mark}." if before else f"{sentence}. {mark}" for sentence, mark, before in parts]

    found = [parse_citations(unit.strip()) for unit in units(" ".join(written))[:-1]]

    assert found == [(f"{sentence}.", parse_citations(mark)[1]) for sentence, mark, _ in parts]
