"""Questions in English, Spanish, Portuguese, Arabic and Vietnamese as French search terms.

One table holds a concept a line: its French search terms and what the other languages call it. What is found here is
good enough to find documents with, and no translation.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from marianne_language.acronyms import shipped as shipped_acronyms
from marianne_language.phrases import Found, PhraseTable, flat_words, split_words
from marianne_language.stems import STEMMERS
from marianne_language.stop_words import STOP_WORDS
from marianne_language.tables import read_table
from marianne_language.words import content_words

LANGUAGES: Final = ("en", "es", "pt", "ar", "vi")
"""ISO 639-1 codes, in the order of the table's columns after the French one."""

_BETWEEN_TERMS: Final = "|"
_NOTHING: Final = "-"
_SHORTEST_FRENCH_WORD: Final = 4
_ARABIC_SCRIPT: Final = re.compile("[\u0620-\u064a]")

_Read = tuple[str, str]
"""A word as it is written, and flattened."""


@dataclass(frozen=True, slots=True)
class _Term:
    words: tuple[str, ...]
    french: str


@dataclass(frozen=True, slots=True)
class _Word:
    written: str
    flat: str
    stem: str


class _Lexicon:
    """The terms of one language."""

    def __init__(self, language: str, terms: Iterable[tuple[str, str]]) -> None:
        """`terms` are pairs of a term and its French."""
        self.language = language
        self._stem = STEMMERS[language]
        self._stop_words = STOP_WORDS[language]
        words = ((self.words(_read(term)), french) for term, french in terms)
        self._table = PhraseTable((_stems(term), _Term(_written(term), french)) for term, french in words)

    def words(self, read: Iterable[_Read]) -> list[_Word]:
        """The words that are no stop words."""
        return [_Word(written, flat, self._stem(flat)) for written, flat in read if flat not in self._stop_words]

    def find(self, words: Sequence[_Word]) -> Iterator[Found[_Term]]:
        """Where terms share their stems, those count that are written as they are listed, if there are any.

        A single Vietnamese syllable always needs its accents, if the text has any: without them « thuế » (tax) and
        « thuê » (to rent) are one.
        """
        strict = self.language == "vi" and any(word.written.lower() != word.flat for word in words)
        for found in self._table.find(_stems(words)):
            written = _written(words[found.start : found.end])
            as_listed = tuple(term for term in found.values if term.words == written)
            if as_listed:
                yield Found(as_listed, found.start, found.end)
            elif not strict or len(written) > 1:
                yield found


def _read(text: str) -> list[_Read]:
    return [(written, flat) for written in split_words(text) for flat in flat_words(written)]


def _stems(words: Iterable[_Word]) -> tuple[str, ...]:
    return tuple(word.stem for word in words)


def _written(words: Iterable[_Word]) -> tuple[str, ...]:
    return tuple(word.written.lower() for word in words)


class Glossary:
    """French search terms for questions in other languages."""

    def __init__(self, concepts: Iterable[Sequence[str]]) -> None:
        """`concepts` are rows of French search terms, then the terms of each of `LANGUAGES`, lists divided by "|".

        French "-" stands for words that say nothing.
        """
        rows = list(concepts)
        self._lexicons = {
            language: _Lexicon(language, _terms(rows, column)) for column, language in enumerate(LANGUAGES, start=1)
        }
        self._is_french = _french_words(row[0] for row in rows)

    def to_french(self, text: str, language: str | None = None) -> str | None:
        """What `text` asks as French search terms, in its order and each once; None when nothing of it is known.

        Of the words that are not in the glossary those that look like names, acronyms or French words stay, the others
        are dropped. `language` is a code such as "en" or "pt-BR"; with None every language is tried and the one that
        knows most words is taken. A language without a glossary gives None.
        """
        read = _read(text)
        candidates = [self._in_french(read, lexicon) for lexicon in self._likely(text, language)]
        return max(candidates, key=lambda candidate: candidate[0], default=(0, None))[1]

    def _likely(self, text: str, language: str | None) -> list[_Lexicon]:
        if language is not None:
            lexicon = self._lexicons.get(language.lower().split("-")[0])
            return [lexicon] if lexicon else []
        arabic = _ARABIC_SCRIPT.search(text) is not None
        return [lexicon for lexicon in self._lexicons.values() if (lexicon.language == "ar") is arabic]

    def _in_french(self, read: Sequence[_Read], lexicon: _Lexicon) -> tuple[int, str | None]:
        """How many words are known, and the French terms."""
        words = lexicon.words(read)
        keeps = self._keeper(words, lexicon.language)
        french: dict[str, None] = {}
        position = known = 0
        for found in lexicon.find(words):
            french |= dict.fromkeys(word.written for word in words[position : found.start] if keeps(word))
            french |= dict.fromkeys(term.french for term in found.values if term.french != _NOTHING)
            position = found.end
            known += found.end - found.start
        french |= dict.fromkeys(word.written for word in words[position:] if keeps(word))
        return known, " ".join(french) or None

    def _keeper(self, words: Sequence[_Word], language: str) -> Callable[[_Word], bool]:
        capitalised = sum(word.written[0].isupper() for word in words)
        names_stand_out = 2 * capitalised <= len(words)
        first = words[0] if words else None

        def keeps(word: _Word) -> bool:
            if self._is_french(word.flat, language):
                return True
            if names_stand_out and word.written.isupper() and len(word.written) > 1:
                return True
            return names_stand_out and word is not first and word.written[0].isupper()

        return keeps


def _terms(rows: Iterable[Sequence[str]], column: int) -> Iterator[tuple[str, str]]:
    for row in rows:
        yield from ((term, row[0]) for term in row[column].split(_BETWEEN_TERMS))


def _french_words(terms: Iterable[str]) -> Callable[[str, str], bool]:
    """Whether a flattened word in a question of some language is a French one, as far as this package knows."""
    words = frozenset(word for term in terms for word in flat_words(term) if content_words(word))
    acronyms = shipped_acronyms()

    def is_french(word: str, language: str) -> bool:
        shortest = _SHORTEST_FRENCH_WORD if language != "ar" else 1
        return (len(word) >= shortest and word in words) or (language != "vi" and word in acronyms)

    return is_french


@cache
def shipped() -> Glossary:
    """The glossary that ships with this package, read once (0.2 s)."""
    return Glossary(read_table("glossary.tsv", columns=1 + len(LANGUAGES)))


def to_french(text: str, language: str | None = None) -> str | None:
    """What `Glossary.to_french` finds with the glossary that ships with this package.

    "my boss fired me during sick leave" gives « employeur licenciement arrêt maladie … ».
    """
    return shipped().to_french(text, language)
