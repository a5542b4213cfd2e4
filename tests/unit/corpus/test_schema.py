import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from marianne_corpus.schema import Chunk, document_of, from_payload, to_payload

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
    assert str(sheet().point_id) == "43140e8d-900d-1cbf-4e95-5e0cd2a0016f"


def test_chunks_of_two_data_sets_never_share_a_point() -> None:
    assert sheet().point_id != dataclasses.replace(sheet(), dataset="sample").point_id


def test_search_reads_title_headings_and_text() -> None:
    chunk = dataclasses.replace(sheet(), context=("Situation", "Pièces"), sentences=("Un.", "Deux."))
    assert chunk.search_text.split("\n") == ["T", "Situation", "Pièces", "Un.", "Deux."]


def test_the_ids_of_a_documents_chunks_share_their_first_half() -> None:
    first, second = (dataclasses.replace(sheet(), chunk_id=chunk_id).point_id for chunk_id in ("F1_1", "F1_2"))
    assert first != second
    assert document_of(first) == document_of(second)
    assert document_of(dataclasses.replace(sheet(), doc_id="F2").point_id) != document_of(first)


def test_the_answer_of_one_branch_of_industry_is_stored_as_such() -> None:
    chunk = dataclasses.replace(sheet(), title="Quel préavis ? (convention collective 0016)")
    assert to_payload(chunk)["branches"] == ["16"]
    assert "branches" not in to_payload(sheet())
