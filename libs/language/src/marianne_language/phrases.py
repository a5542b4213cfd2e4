"""Phrases of several words, found in the order of a text."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from marianne_language.folding import flatten

Value = TypeVar("Value")
Phrase = tuple[str, ...]

_WORD: Final = re.compile(r"[^\W_]+")
_DOTTED_ACRONYM: Final = re.compile(r"\b(?:[^\W\d_]\.){2,}[^\W\d_]?(?!\w)")


def split_words(text: str) -> list[str]:
    """The words of `text` as they are written; a dotted acronym (« O.Q.T.F. ») is one word."""
    whole = _DOTTED_ACRONYM.sub(lambda match: match[0].replace(".", ""), unicodedata.normalize("NFC", text))
    return _WORD.findall(whole)


def flat_words(text: str) -> list[str]:
    """The words of `text`, flattened, ligatures written out."""
    return [flatten(word).replace("œ", "oe").replace("æ", "ae") for word in split_words(text)]


@dataclass(frozen=True, slots=True)
class Found(Generic[Value]):
    """The values of a phrase that stands at words `start` to `end`."""

    values: tuple[Value, ...]
    start: int
    end: int


class PhraseTable(Generic[Value]):
    """Values by phrase. Where phrases overlap, the first one counts, and among those the longest."""

    def __init__(self, entries: Iterable[tuple[Sequence[str], Value]]) -> None:
        values: defaultdict[Phrase, dict[Value, None]] = defaultdict(dict)
        for words, value in entries:
            values[tuple(words)][value] = None
        values.pop((), None)
        self._values: dict[Phrase, tuple[Value, ...]] = {phrase: tuple(every) for phrase, every in values.items()}
        lengths: defaultdict[str, set[int]] = defaultdict(set)
        for phrase in self._values:
            lengths[phrase[0]].add(len(phrase))
        self._lengths = {first: sorted(every, reverse=True) for first, every in lengths.items()}

    def __len__(self) -> int:
        return len(self._values)

    def find(self, words: Sequence[str]) -> Iterator[Found[Value]]:
        position = 0
        while position < len(words):
            found = self._at(words, position)
            if found is not None:
                yield found
            position = found.end if found else position + 1

    def _at(self, words: Sequence[str], position: int) -> Found[Value] | None:
        for length in self._lengths.get(words[position], ()):
            values = self._values.get(tuple(words[position : position + length]))
            if values:
                return Found(values, position, position + length)
        return None
