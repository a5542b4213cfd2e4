import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from marianne_corpus.schema import Chunk, from_payload, to_payload

words = st.text(min_size=1, max_size=20)
several = st.lists(words, max_size=3).map(tuple)
lines = st.text(st.characters(exclude_characters="\n"), min_size=1, max_size=20)
_VALUES = {"sentences": st.lists(lines, min_size=1, max_size=3).map(tuple), "official": st.booleans()}
_LISTS = ("context", "audience", "theme", "departments", "replaced_by", "kind")

chunks = st.builds(
    Chunk,
    **{
        field.name: _VALUES.get(field.name, several if field.name in _LISTS else words)
        for field in dataclasses.fields(Chunk)
    },
)


@given(chunks)
def test_a_chunk_survives_storage(chunk: Chunk) -> None:
    assert from_payload(to_payload(chunk)) == chunk


def sheet() -> Chunk:
    return Chunk(chunk_id="F1_1", doc_id="F1", dataset="service-public", title="T", url="https://u", sentences=("S.",))


def test_empty_values_are_not_stored() -> None:
    assert set(to_payload(sheet())) == {
        *("chunk_id", "doc_id", "dataset", "title", "url", "sentences"),
    }


def test_the_same_chunk_always_has_the_same_point() -> None:
    assert str(sheet().point_id) == "6adc6d4e-2997-5904-825d-0f79f8045859"


def test_chunks_of_two_data_sets_never_share_a_point() -> None:
    assert sheet().point_id != dataclasses.replace(sheet(), dataset="sample").point_id


def test_search_reads_title_headings_and_text() -> None:
    chunk = dataclasses.replace(sheet(), context=("Situation", "Pièces"), sentences=("Un.", "Deux."))
    assert chunk.search_text.split("\n") == ["T", "Situation", "Pièces", "Un.", "Deux."]
