"""From the chunks of a document to the points of an index."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from marianne_corpus.analyzer import Analyzer, SparseVector, words
from marianne_corpus.index import Point
from marianne_corpus.schema import DOCUMENT_VECTOR, PASSAGE_VECTOR, TITLE_VECTOR, Chunk

Terms = list[int]


class Encoder:
    """Gives every chunk its passage vector and the lead of each document those of title and document.

    `lengths` are the average lengths in terms of what each vector is made of, over the whole index. `vocabulary` tells
    in how many of the documents encoded so far each word stands.
    """

    def __init__(self, analyzer: Analyzer, lengths: Mapping[str, float]) -> None:
        self._analyzer = analyzer
        self.lengths = lengths
        self.vocabulary: Counter[str] = Counter()

    def encode(self, document: Sequence[Chunk]) -> list[Point]:
        """The points of one document, whose chunks stand in their order; the first is the lead."""
        title = words(document[0].title)
        texts = [words("\n".join((*chunk.context, *chunk.sentences))) for chunk in document]
        self.vocabulary.update(_spelt(chain(title, *texts)))
        title_terms = self._analyzer.term_ids(title)
        terms = [self._analyzer.term_ids(text) for text in texts]
        of_each = [{PASSAGE_VECTOR: title_terms + own} for own in terms]
        of_each[0] |= {TITLE_VECTOR: title_terms, DOCUMENT_VECTOR: [*title_terms, *chain(*terms)]}
        return [Point(chunk, self._vectors(found)) for chunk, found in zip(document, of_each, strict=True)]

    def forget(self, document: Sequence[Chunk]) -> None:
        """Takes the words of a document, which was encoded before, out of the vocabulary."""
        for word in _spelt(chain(*(words(chunk.search_text) for chunk in document))):
            self.vocabulary[word] -= 1
            if self.vocabulary[word] <= 0:
                del self.vocabulary[word]

    def _vectors(self, terms: Mapping[str, Terms]) -> dict[str, SparseVector]:
        """A text of stop words alone has no vector."""
        return {name: self._analyzer.weighted(found, self.lengths[name]) for name, found in terms.items() if found}


def measure(documents: Iterable[Sequence[Chunk]], analyzer: Analyzer) -> dict[str, float]:
    """The average lengths in terms of what each vector of these documents is made of. Raises ValueError for none."""
    passages, titles, whole = [], [], []
    for document in documents:
        title = len(analyzer.term_ids(words(document[0].title)))
        own = [len(analyzer.term_ids(words("\n".join((*chunk.context, *chunk.sentences))))) for chunk in document]
        titles.append(title)
        whole.append(title + sum(own))
        passages += [title + length for length in own]
    if not passages:
        raise ValueError("no document to measure")
    samples = {PASSAGE_VECTOR: passages, TITLE_VECTOR: titles, DOCUMENT_VECTOR: whole}
    return {name: max(1.0, sum(lengths) / len(lengths)) for name, lengths in samples.items()}


def _spelt(found: Iterable[str]) -> set[str]:
    """The words that a person could misspell: neither numbers nor articles' numbers."""
    return {word for word in found if word.isalpha()}
