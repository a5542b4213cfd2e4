"""Acronyms of French administration and what they stand for, as a table and as texts define them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from marianne_language.folding import flatten
from marianne_language.phrases import PhraseTable, flat_words, split_words
from marianne_language.tables import read_table
from marianne_language.words import content_words, word_set

_ALSO_WORDS: Final = word_set(
    "acre ani apt are ars as asi ass ata bit boss cap ce cet cif dif due has jo nao pas pass pee prepare sas sip ta "
    "tir vie"
)
"""Are something else in small letters."""

_LINKS: Final = word_set("a au aux d de des du en et l la le les ou par pour sans sur")
_ELIDED_ARTICLE: Final = re.compile(r"^[dlDL]['’]")
_IN_BRACKETS: Final = re.compile(r"(?<=\s)\(\s*([A-ZÀ-Ý][A-Za-zÀ-ÿ0-9-]{1,9})\s*\)")
_BOUNDARY: Final = re.compile(r"[().;:!?\n]")
_LONGEST_NAME: Final = 160
_FEWEST_LETTERS_WITH_INNER_ONES: Final = 4


class Acronyms:
    """Acronyms and their meanings, found in a text in either direction."""

    def __init__(self, meanings: Iterable[tuple[str, str]]) -> None:
        """`meanings` are pairs of acronym and full name; an acronym may have several."""
        self._meanings: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for acronym, meaning in meanings:
            self._meanings[acronym.upper()][meaning] = None
        self._acronyms = PhraseTable((tuple(flat_words(acronym)), acronym) for acronym in self._meanings)
        self._names = PhraseTable(
            (tuple(content_words(meaning)), acronym) for acronym, every in self._meanings.items() for meaning in every
        )

    def __len__(self) -> int:
        return len(self._meanings)

    def __contains__(self, word: str) -> bool:
        """Whether a flattened word is an acronym and nothing else."""
        return word.upper() in self._meanings and word not in _ALSO_WORDS

    def expand(self, text: str) -> tuple[str, ...]:
        """The meanings of the acronyms in `text` and the acronyms of the names in it, each once."""
        meanings = (meaning for acronym in self._written(text) for meaning in self._meanings[acronym])
        acronyms = (acronym for found in self._names.find(content_words(text)) for acronym in found.values)
        return tuple(dict.fromkeys([*meanings, *acronyms]))

    def _written(self, text: str) -> Iterator[str]:
        words = split_words(text)
        for found in self._acronyms.find([flatten(word) for word in words]):
            written = "".join(words[found.start : found.end])
            if written.isupper() or written.lower() not in _ALSO_WORDS:
                yield from found.values


@cache
def shipped() -> Acronyms:
    """The table that ships with this package, read once."""
    return Acronyms((acronym, meaning) for acronym, meaning in read_table("acronyms.tsv", columns=2))


def expand(text: str) -> tuple[str, ...]:
    """What `Acronyms.expand` finds with the table that ships with this package.

    « recours contre une OQTF » gives « obligation de quitter le territoire français »; the full name gives « OQTF ».
    """
    return shipped().expand(text)


def find_definitions(text: str) -> Mapping[str, str]:
    """Acronym, in capitals, → full name for each « Full name (ACR) » in `text` whose words spell the acronym.

    Each word of the name but small ones gives its first letter, in order; acronyms of four letters and more may have
    one from inside a word (« pacte civil de solidarité (Pacs) »). The first definition of an acronym counts.
    """
    definitions: dict[str, str] = {}
    for found in _IN_BRACKETS.finditer(text):
        before = _BOUNDARY.split(text[max(0, found.start() - _LONGEST_NAME) : found.start()])[-1]
        name = _name_at_end(before.split(), found[1])
        if name:
            definitions.setdefault(found[1].upper(), name)
    return definitions


def _name_at_end(written: list[str], acronym: str) -> str | None:
    letters = "".join(flat_words(acronym))
    inner = int(len(letters) >= _FEWEST_LETTERS_WITH_INNER_ONES)
    for start in range(len(written) - 1, max(-1, len(written) - 3 * len(letters) - 1), -1):
        name = _ELIDED_ARTICLE.sub("", " ".join(written[start:]))
        words = flat_words(name)
        if words and words[0] not in _LINKS and words[-1] not in _LINKS and _spell(words, letters, inner):
            return name
    return None


def _spell(words: Sequence[str], letters: str, inner: int) -> bool:
    """Whether the words' first letters and up to `inner` of the letters inside them are `letters`."""
    if not words:
        return not letters
    if words[0] in _LINKS and _spell(words[1:], letters, inner):
        return True
    if not letters or not words[0].startswith(letters[0]):
        return False
    if _spell(words[1:], letters[1:], inner):
        return True
    return inner > 0 and letters[1:2] in words[0][1:] and _spell(words[1:], letters[2:], inner - 1)
