"""What a question asks for: its terms with their weights, the articles, branches and places that it names."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from marianne_corpus.analyzer import STOP_WORDS, Analyzer, SparseVector
from marianne_corpus.branches import branches_named
from marianne_corpus.lexicon import Lexicon
from marianne_language.acronyms import expand
from marianne_language.acronyms import shipped as acronyms
from marianne_language.folding import flatten
from marianne_language.glossary import to_french
from marianne_language.references import find_references
from marianne_language.spelling import Speller
from marianne_language.synonyms import related
from marianne_retrieval.places import Places

_ACRONYM_COUNTS: Final = 0.5
_MOST_REFERENCES: Final = 4
_MOST_UNKNOWN_WORDS: Final = 12
"""Looked up in the vocabulary; a question of two thousand characters is not spelt word by word."""

_LETTERS: Final = re.compile(r"[^\W\d_]+")

Reference = tuple[str, str | None]
"""An article's number ("L421-1") and the slug of its code, None when the question names none."""


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    terms: SparseVector
    references: tuple[Reference, ...]
    branches: tuple[str, ...]
    departments: tuple[str, ...]


class QuestionReader:
    """Reads questions with the words and places of the index that serves. Not shared between threads."""

    def __init__(self, analyzer: Analyzer) -> None:
        self._analyzer = analyzer
        self.learn(Lexicon({}, {}))
        # Reads the tables of all languages now: the first question must not wait for them.
        self.read(_translated("", ""))

    def learn(self, lexicon: Lexicon) -> None:
        """Replaces the words and places that are known; without words nothing is corrected.

        May run in a thread of its own: questions are read with the former ones until all is ready.
        """
        places = Places(lexicon.places)
        self._known, self._speller, self._places = (
            lexicon.words,
            Speller(lexicon.words, acronyms().__contains__),
            places,
        )

    def read(self, text: str) -> Question:
        written = text = unicodedata.normalize("NFC", text)
        slips = dict(self._slips(text))
        corrected = _LETTERS.sub(lambda match: slips.get(match[0], match[0]), text)
        if self._is_french(text):
            text = corrected
        else:
            # Half of a short question may be slips, and words of two languages may be a slip apart: both are searched.
            text = _translated(corrected if self._is_french(corrected) else text, text)
        references = dict.fromkeys((found.number, found.code) for found in find_references(text))
        return Question(
            text=text,
            terms=self._terms(text),
            references=tuple(islice(references, _MOST_REFERENCES)),
            branches=branches_named(text),
            # The corpus does not know the names of all places: they must not be taken for slips.
            departments=self._places.departments(written) or self._places.departments(text),
        )

    def _is_french(self, text: str) -> bool:
        """Whether the corpus knows half of the words at least, or knows no words yet."""
        written = _LETTERS.findall(text)
        known = sum(self._is_known(_flat(word)) for word in written)
        return not self._known or 2 * known >= len(written)

    def _is_known(self, word: str) -> bool:
        return word in self._known or word in STOP_WORDS

    def _slips(self, text: str) -> Iterator[tuple[str, str]]:
        """Each word that the corpus does not know, with the one that it knows a slip away."""
        unknown = (word for word in dict.fromkeys(_LETTERS.findall(text)) if not self._is_known(_flat(word)))
        for word in islice(unknown, _MOST_UNKNOWN_WORDS):
            if corrected := self._speller.correct(_flat(word)):
                yield word, corrected

    def _terms(self, text: str) -> SparseVector:
        """The question's own terms count 1, those that say the same in other words less."""
        others = [*((name, _ACRONYM_COUNTS) for name in expand(text)), *related(text).items()]
        weights = self._weights([*others, (text, 1.0)])
        return SparseVector(list(weights), list(weights.values()))

    def _weights(self, phrases: Iterable[tuple[str, float]]) -> Mapping[int, float]:
        weights: dict[int, float] = {}
        for phrase, weight in phrases:
            for term in self._analyzer.query(phrase).indices:
                weights[term] = max(weight, weights.get(term, 0.0))
        return weights


def _flat(word: str) -> str:
    return flatten(word).replace("œ", "oe").replace("æ", "ae")


def _translated(text: str, foreign: str) -> str:
    """`text` after the French terms of what `foreign` asks in another language."""
    return f"{to_french(foreign) or ''} {text}".lstrip()
