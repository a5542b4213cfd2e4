"""Words that are one slip of the finger away from a word that the corpus knows."""

from collections.abc import Mapping
from typing import Final

_SHORTEST: Final = 4
_LONGEST: Final = 24
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


class Speller:
    """Corrects flattened words by their neighbours in a vocabulary of word → frequency.

    Nothing is built: the neighbours of a word, some 55 for each of its letters, are made when it is asked for and
    looked up in the vocabulary, which takes 0.15 ms for a word of ten letters. An index of deletions (SymSpell) answers
    in 0.01 ms, but for 100,000 words it takes seconds and 150 MB to build each time an index is opened.
    """

    def __init__(self, words: Mapping[str, int]) -> None:
        """`words` are flattened (`marianne_language.folding.flatten`); the mapping is kept, not copied."""
        self._words = words

    def correct(self, word: str) -> str | None:
        """The most frequent known word at one insertion, deletion, substitution or transposition of neighbours from
        `word`, the first in the alphabet among equals; None when there is none, when the word itself is known, has
        figures, or is shorter than 4 or longer than 24 letters.
        """
        if not _SHORTEST <= len(word) <= _LONGEST or not word.isalpha() or word in self._words:
            return None
        known = self._words.keys() & _neighbours(word)
        return min(known, key=lambda neighbour: (-self._words[neighbour], neighbour), default=None)


def _neighbours(word: str) -> set[str]:
    splits = [(word[:at], word[at:], word[at + 1 :]) for at in range(len(word) + 1)]
    neighbours = {head + letter + tail for head, tail, _ in splits for letter in _LETTERS}
    del splits[-1]
    neighbours.update(head + letter + rest for head, _, rest in splits for letter in _LETTERS)
    neighbours.update(head + rest for head, _, rest in splits)
    neighbours.update(head + rest[0] + tail[0] + rest[1:] for head, tail, rest in splits if rest)
    return neighbours
