"""What people say and what French administration writes instead, with how far the one stands for the other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from marianne_language.phrases import PhraseTable, flat_words
from marianne_language.tables import read_table
from marianne_language.words import without_ending

_BETWEEN_TERMS = "|"


@dataclass(frozen=True, slots=True)
class _Group:
    weight: float
    everyday: tuple[str, ...]
    official: tuple[str, ...]


class Synonyms:
    """Groups of words for one thing, found in a text."""

    def __init__(self, groups: Iterable[Sequence[str]]) -> None:
        """`groups` are rows of weight, everyday terms and official terms, lists divided by "|".

        Raises ValueError when a weight is not between 0 and 1 or a group has no official term.
        """
        self._table = PhraseTable(
            (tuple(_forms(term)), group) for group in map(_read, groups) for term in (*group.everyday, *group.official)
        )

    def related(self, text: str) -> Mapping[str, float]:
        """Official term → weight (0 to 1, the weight of a word of the question itself being 1) for each term that says
        what a word of `text` says. Terms whose words are all in `text` are left out.
        """
        words = _forms(text)
        weights: dict[str, float] = {}
        for term, weight in self._terms(words):
            if not set(_forms(term)) <= set(words):
                weights[term] = max(weight, weights.get(term, 0.0))
        return weights

    def _terms(self, words: Sequence[str]) -> Iterator[tuple[str, float]]:
        for found in self._table.find(words):
            for group in found.values:
                yield from ((term, group.weight) for term in group.official)


def _read(row: Sequence[str]) -> _Group:
    weight, everyday, official = float(row[0]), _terms(row[1]), _terms(row[2])
    if not 0 < weight < 1 or not official:
        raise ValueError(f"a weight between 0 and 1 and an official term are needed: {row}")
    return _Group(weight, everyday, official)


def _forms(text: str) -> list[str]:
    return [without_ending(word) for word in flat_words(text)]


def _terms(cell: str) -> tuple[str, ...]:
    return tuple(term.strip() for term in cell.split(_BETWEEN_TERMS) if term.strip())


@cache
def _shipped() -> Synonyms:
    return Synonyms(read_table("synonyms.tsv", columns=3))


def related(text: str) -> Mapping[str, float]:
    """What `Synonyms.related` finds with the groups that ship with this package.

    « mon patron m'a viré » gives « employeur » and « licenciement ».
    """
    return _shipped().related(text)
