"""French lexical analysis, the same for documents and for queries.

A text becomes a sparse vector of BM25 weights; Qdrant multiplies them with the terms' inverse document frequency, so
the dot product with a query of ones is exactly BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework",
2009).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import Stemmer

from marianne_language.folding import flatten

ANALYZER_VERSION: Final = "fr-2"
"""Raised whenever a text may give other terms; an index made by another version is refused."""

K1: Final = 1.2
B: Final = 0.5

_MOST_KNOWN: Final = 1 << 18

_DOTTED_ACRONYM: Final = re.compile(r"\b(?:[A-ZÀ-Ý]\.){2,}(?![a-zà-ÿ])")
# No letter "a" for decrees of ministers: "à 18 ans" is no article.
_ARTICLE_LETTER: Final = re.compile(r"\b(lo|[lrd])[.*\s]{0,3}(\d+(?:-\d+)*)\b")
_ARTICLE_WORD: Final = re.compile(r"\b(?:articles?|art\.?)\s+(\d+(?:-\d+)*)\b")
# Where white space may stand inside an article's number: « L. 423-23 », « article 21-2 ».
_INSIDE_NUMBER: Final = re.compile(r"(?<=[A-Za-z.*])\s+(?=[.*]?\s*\d)")
_GLUE: Final = "\ue000"
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
        self._term_ids = _TermIds(self._stem)

    def tokens(self, text: str) -> list[str]:
        """The stemmed terms of a text in order, stop words left out; an article's number is one term ("§l423-23")."""
        return [term for word in words(text) if (term := self._stem(word))]

    def term_ids(self, words: Iterable[str]) -> list[int]:
        """The ids of the terms of words, in order, stop words left out; their number is the length that BM25 knows."""
        return [term_id for word in words if (term_id := self._term_ids[word]) >= 0]

    def document(self, text: str, average_length: float) -> SparseVector:
        """The BM25 weights of a document's terms. `average_length`: terms per document of the whole index."""
        return self.weighted(self.term_ids(words(text)), average_length)

    def weighted(self, term_ids: Sequence[int], average_length: float) -> SparseVector:
        """The BM25 weights of a document of these terms."""
        norm = K1 * (1 - B + B * len(term_ids) / average_length)
        counts = Counter(term_ids)
        weights = {count: count * (K1 + 1) / (count + norm) for count in set(counts.values())}
        return SparseVector(list(counts), [weights[count] for count in counts.values()])

    def query(self, text: str) -> SparseVector:
        """Each distinct term of a query, once."""
        indices = list(dict.fromkeys(self.term_ids(words(text))))
        return SparseVector(indices, [1.0] * len(indices))

    def _stem(self, word: str) -> str:
        if word in STOP_WORDS:
            return ""
        return word if word.startswith("§") else str(self._stemmer.stemWord(word))


class _TermIds(dict[str, int]):
    """The id of each word's term, -1 for a stop word; a plain look-up once it is known."""

    def __init__(self, stem: Callable[[str], str]) -> None:
        super().__init__()
        self._stem = stem

    def __missing__(self, word: str) -> int:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        term = self._stem(word)
        self[word] = term_id = crc32(term.encode()) & 0x7FFFFFFF if term else -1
        return term_id


class _Pieces(dict[str, tuple[str, ...]]):
    """The words of what stands between white space; a plain look-up once it is known."""

    def __missing__(self, piece: str) -> tuple[str, ...]:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        self[piece] = found = _words_of(piece.replace(_GLUE, " "))
        return found


_PIECES: Final = _Pieces()


def words(text: str) -> list[str]:
    """The flattened words of a text in order, unstemmed; an article's number is one word ("§l423-23").

    The text is taken apart at white space first: such pieces repeat as words do, so that most of them are known.
    """
    return [word for piece in _INSIDE_NUMBER.sub(_GLUE, text).split() for word in _PIECES[piece]]


def _words_of(piece: str) -> tuple[str, ...]:
    acronym = _DOTTED_ACRONYM.sub(lambda match: match[0].replace(".", ""), piece)
    flat = _ARTICLE_WORD.sub(r" §\1 ", _ARTICLE_LETTER.sub(r" §\1\2 ", _flat(acronym)))
    return tuple(match[1] or match[0] for match in _TERM.finditer(flat))


def _flat(piece: str) -> str:
    return flatten(unicodedata.normalize("NFC", piece)).replace("œ", "oe").replace("æ", "ae")
