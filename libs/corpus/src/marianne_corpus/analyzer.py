"""French lexical analysis, the same for documents and for queries.

A text becomes a sparse vector of BM25 weights; Qdrant multiplies them with the terms' inverse document frequency, so
the dot product with a query of ones is exactly BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework",
2009).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from zlib import crc32

import Stemmer

from marianne_language.folding import flatten

ANALYZER_VERSION: Final = "fr-1"
"""Raised whenever a text may give other terms; an index made by another version is refused."""

K1: Final = 1.2
B: Final = 0.5

_VOCABULARY_CACHE: Final = 1 << 18


_DOTTED_ACRONYM: Final = re.compile(r"\b(?:[A-ZÀ-Ý]\.){2,}(?![a-zà-ÿ])")
# No letter "a" for decrees of ministers: "à 18 ans" is no article.
_ARTICLE_LETTER: Final = re.compile(r"\b(lo|[lrd])[.*\s]{0,3}(\d+(?:-\d+)*)\b")
_ARTICLE_WORD: Final = re.compile(r"\b(?:articles?|art\.?)\s+(\d+(?:-\d+)*)\b")
_TERM: Final = re.compile(r"§[a-z]*\d[\d-]*|(?:\b(?:[ldjnsmtc]|(?:jus|lors|puis|quoi|pres|quel)?qu)')?([a-z0-9]+)")

STOP_WORDS: Final = frozenset(
    """
    a ai aie ainsi alors as au aucun aucune auquel aussi autre autres aux auxquelles auxquels avait avec avez avoir
    avons ayant c car ce ceci cela celle celles celui ces cet cette ceux chaque ci comme d dans de des desquelles
    desquels deux donc dont du duquel elle elles en entre es est et etaient etais etait etant etc ete etes etre eu eux
    font furent fut il ils j je l la laquelle le lequel les lesquelles lesquels leur leurs lors lui m ma mais me meme
    memes mes moi mon n ne ni nos notre nous o on ont or ou par parmi pas peut peuvent plus pour pouvoir puis qu quand
    que quel quelle quelles quels qui quoi s sa sans se selon sera seront ses si soi soient soit son sont sous suis sur
    t ta tandis te tel telle telles tels tes toi ton tous tout toute toutes tu un une vers via vos votre vous y
    """.split()  # noqa: SIM905  seven lines, not a hundred and fifty
)


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Term ids (31-bit) and their weights, in parallel lists."""

    indices: list[int]
    values: list[float]

    def __bool__(self) -> bool:
        return bool(self.indices)


class Analyzer:
    """Turns French text into terms. Not shared between threads: the stemmer keeps a state."""

    def __init__(self) -> None:
        self._stemmer = Stemmer.Stemmer("french")
        self._term_id = lru_cache(_VOCABULARY_CACHE)(self._compute_term_id)

    def tokens(self, text: str) -> list[str]:
        """The stemmed terms of a text in order, stop words left out; an article's number is one term ("§l423-23")."""
        return [term for word in words(text) if (term := self._stem(word))]

    def term_ids(self, words: Iterable[str]) -> list[int]:
        """The ids of the terms of words, in order, stop words left out; their number is the length that BM25 knows."""
        return [term_id for word in words if (term_id := self._term_id(word)) >= 0]

    def document(self, text: str, average_length: float) -> SparseVector:
        """The BM25 weights of a document's terms. `average_length`: terms per document of the whole index."""
        return self.weighted(self.term_ids(words(text)), average_length)

    def weighted(self, term_ids: Sequence[int], average_length: float) -> SparseVector:
        """The BM25 weights of a document of these terms."""
        norm = K1 * (1 - B + B * len(term_ids) / average_length)
        counts = Counter(term_ids)
        return SparseVector(list(counts), [count * (K1 + 1) / (count + norm) for count in counts.values()])

    def query(self, text: str) -> SparseVector:
        """Each distinct term of a query, once."""
        indices = list(dict.fromkeys(self.term_ids(words(text))))
        return SparseVector(indices, [1.0] * len(indices))

    def _compute_term_id(self, word: str) -> int:
        term = self._stem(word)
        return crc32(term.encode()) & 0x7FFFFFFF if term else -1

    def _stem(self, word: str) -> str:
        if word in STOP_WORDS:
            return ""
        return word if word.startswith("§") else str(self._stemmer.stemWord(word))


def words(text: str) -> list[str]:
    """The flattened words of a text in order, unstemmed; an article's number is one word ("§l423-23")."""
    text = _DOTTED_ACRONYM.sub(lambda match: match[0].replace(".", ""), text)
    text = flatten(unicodedata.normalize("NFC", text)).replace("œ", "oe").replace("æ", "ae")
    text = _ARTICLE_LETTER.sub(r" §\1\2 ", text)
    text = _ARTICLE_WORD.sub(r" §\1 ", text)
    return [match[1] or match[0] for match in _TERM.finditer(text)]
