import pytest
from hypothesis import given
from hypothesis import strategies as st

from marianne_corpus.analyzer import Analyzer
from marianne_corpus.encoder import Encoder, measure
from marianne_corpus.schema import DOCUMENT_VECTOR, PASSAGE_VECTOR, SPARSE_VECTORS, TITLE_VECTOR, Chunk
from support.corpus import LENGTHS, sheet


@pytest.fixture
def encoder() -> Encoder:
    return Encoder(Analyzer(), LENGTHS)


def card(number: int, *sentences: str) -> Chunk:
    return sheet(f"F1_{number}", *sentences, title="Demander une carte", context=("Pièces",))


def test_a_passage_is_title_headings_and_text(encoder: Encoder) -> None:
    chunk = card(1, "Un passeport est demandé.")
    [point] = encoder.encode([chunk])
    assert point.sparse[PASSAGE_VECTOR] == Analyzer().document(chunk.search_text, LENGTHS[PASSAGE_VECTOR])


def test_only_the_lead_stands_for_title_and_document(encoder: Encoder) -> None:
    lead, other = encoder.encode([card(1, "Un passeport."), card(2, "Une photo.")])
    assert set(lead.sparse) == set(SPARSE_VECTORS)
    assert set(other.sparse) == {PASSAGE_VECTOR}
    assert lead.sparse[TITLE_VECTOR] == Analyzer().document("Demander une carte", LENGTHS[TITLE_VECTOR])
    whole = "Demander une carte\nPièces\nUn passeport.\nPièces\nUne photo."
    assert lead.sparse[DOCUMENT_VECTOR] == Analyzer().document(whole, LENGTHS[DOCUMENT_VECTOR])


def test_a_title_of_stop_words_has_no_vector(encoder: Encoder) -> None:
    [point] = encoder.encode([sheet("F1_1", "Une carte.", title="Et pour vous ?")])
    assert TITLE_VECTOR not in point.sparse


def test_the_vocabulary_counts_the_documents_of_each_word(encoder: Encoder) -> None:
    encoder.encode([card(1, "Une carte, 2 photos, article L. 421-1."), card(2, "La préfecture.")])
    encoder.encode([sheet("F2_1", "Les Cartes de la PRÉFECTURE.")])
    assert (encoder.vocabulary["carte"], encoder.vocabulary["cartes"], encoder.vocabulary["prefecture"]) == (1, 1, 2)
    assert all(word.isalpha() for word in encoder.vocabulary)


@given(st.lists(st.text(alphabet="abé '-", min_size=1), min_size=1, max_size=4))
def test_a_forgotten_document_leaves_the_vocabulary_as_it_was(texts: list[str]) -> None:
    encoder = Encoder(Analyzer(), LENGTHS)
    encoder.encode([card(1, "ab a")])
    before = encoder.vocabulary
    document = [card(number, text) for number, text in enumerate(texts)]
    encoder.encode(document)
    encoder.forget(document)
    assert encoder.vocabulary == before


def test_lengths_are_those_of_what_each_vector_is_made_of() -> None:
    documents = [[card(1, "Un passeport."), card(2, "Une photo récente.")], [sheet("F2_1", "Un visa.", title="Visa")]]
    lengths = measure(documents, Analyzer())
    assert lengths == pytest.approx({PASSAGE_VECTOR: (4 + 5 + 2) / 3, TITLE_VECTOR: 1.5, DOCUMENT_VECTOR: 4.5})
