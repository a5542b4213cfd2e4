"""Words that are one slip of the finger away from a word that the corpus knows."""

from collections.abc import Callable, Mapping
from typing import Final

_SHORTEST: Final = 2
_SHORTEST_WORD: Final = 4
_LONGEST: Final = 24
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


class Speller:
    """Corrects flattened words by their neighbours in a vocabulary of word → frequency.

    Nothing is built: the neighbours of a word, some 55 for each of its letters, are made when it is asked for and
    looked up in the vocabulary, which takes 0.15 ms for a word of ten letters. An index of deletions (SymSpell) answers
    in 0.01 ms, but for 100,000 words it takes seconds and 150 MB to build each time an index is opened.
    """

    def __init__(self, words: Mapping[str, int], is_acronym: Callable[[str], bool]) -> None:
        """`words` are flattened (`marianne_language.folding.flatten`); the mapping is kept, not copied.

        `is_acronym`: less than 4 letters may mean only an acronym, since they have too many other neighbours.
        """
        self._words = words
        self._is_acronym = is_acronym

    def correct(self, word: str) -> str | None:
        """The likeliest known word at one insertion, deletion, substitution or transposition of neighbours from `word`,
        the first in the alphabet among equals; None when there is none, when the word itself is known, has figures, or
        is shorter than 2 or longer than 24 letters.

        A word is as likely as it is frequent, and 26 times so where the slip lost or swapped letters: to add or to
        replace one there are 26 ways (the noisy channel of Kernighan, Church and Gale, "A Spelling Correction Program
        Based on a Noisy Channel Model", 1990, with all slips alike).
        """
        if not _SHORTEST <= len(word) <= _LONGEST or not word.isalpha() or word in self._words:
            return None
        likely, others = _neighbours(word)
        known = [meant for meant in self._words.keys() & (likely | others) if self._may_be_meant(meant, word)]
        chances = {meant: self._words[meant] * (len(_LETTERS) if meant in likely else 1) for meant in known}
        return min(chances, key=lambda meant: (-chances[meant], meant), default=None)

    def _may_be_meant(self, meant: str, word: str) -> bool:
        return len(word) >= _SHORTEST_WORD or self._is_acronym(meant)


def _neighbours(word: str) -> tuple[set[str], set[str]]:
    """Those of which `word` lost or swapped letters, and those to which it added or replaced one."""
    splits = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    likely = {head + letter + tail for head, tail in splits for letter in _LETTERS}
    likely.update(head + tail[1] + tail[0] + tail[2:] for head, tail in splits if len(tail) > 1)
    others = {head + letter + tail[1:] for head, tail in splits if tail for letter in _LETTERS}
    others.update(head + tail[1:] for head, tail in splits if tail)
    return likely, others
