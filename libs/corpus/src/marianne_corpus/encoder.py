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
    in how many documents each word stands.
    """

    def __init__(
        self, analyzer: Analyzer, lengths: Mapping[str, float], vocabulary: Mapping[str, int] | None = None
    ) -> None:
        """`vocabulary` is that of documents which are indexed already."""
        self._analyzer = analyzer
        self.lengths = lengths
        self._frequencies = Counter(vocabulary)

    @property
    def vocabulary(self) -> dict[str, int]:
        """The words that a person could misspell: neither numbers nor articles' numbers."""
        return {word: count for word, count in self._frequencies.items() if word.isalpha()}

    def encode(self, document: Sequence[Chunk]) -> list[Point]:
        """The points of one document, whose chunks stand in their order; the first is the lead."""
        title = words(document[0].title)
        texts = [words("\n".join((*chunk.context, *chunk.sentences))) for chunk in document]
        self._frequencies.update(set(chain(title, *texts)))
        title_terms = self._analyzer.term_ids(title)
        terms = [self._analyzer.term_ids(text) for text in texts]
        of_each = [{PASSAGE_VECTOR: title_terms + own} for own in terms]
        # An article's title says where it stands, not what it is about.
        subject = [] if document[0].number else title_terms
        of_each[0] |= {TITLE_VECTOR: subject, DOCUMENT_VECTOR: [*title_terms, *chain(*terms)]}
        return [Point(chunk, self._vectors(found)) for chunk, found in zip(document, of_each, strict=True)]

    def forget(self, document: Sequence[Chunk]) -> None:
        """Takes the words of a document, which was encoded before, out of the vocabulary."""
        for word in set(chain(*(words(chunk.search_text) for chunk in document))):
            self._frequencies[word] -= 1
            if self._frequencies[word] <= 0:
                del self._frequencies[word]

    def _vectors(self, terms: Mapping[str, Terms]) -> dict[str, SparseVector]:
        """A text of stop words alone has no vector."""
        return {name: self._analyzer.weighted(found, self.lengths[name]) for name, found in terms.items() if found}


def measure(documents: Iterable[Sequence[Chunk]], analyzer: Analyzer) -> dict[str, float]:
    """The average lengths in terms of what each vector of these documents is made of. Raises ValueError for none."""
    passages, titles, whole = [], [], []
    for document in documents:
        title = len(analyzer.term_ids(words(document[0].title)))
        own = [len(analyzer.term_ids(words("\n".join((*chunk.context, *chunk.sentences))))) for chunk in document]
        if not document[0].number:
            titles.append(title)
        whole.append(title + sum(own))
        passages += [title + length for length in own]
    if not passages:
        raise ValueError("no document to measure")
    samples = {PASSAGE_VECTOR: passages, TITLE_VECTOR: titles, DOCUMENT_VECTOR: whole}
    return {name: max(1.0, sum(lengths) / max(1, len(lengths))) for name, lengths in samples.items()}
