"""The words of a sentence as meanings are compared: roots, so that « renouveler » and « renouvellement » are one."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from marianne_language.words import content_words

_ENDINGS: Final = re.compile(
    r"(?<=\w{4})(?:issements?|ements?|ations?|itions?|utions?|ateurs?|atrices?|ances?|ences?|ments?|"
    r"eraient|erait|eront|erons|erez|erai|era|iront|ira|aient|antes?|ants?|entes?|ents?|ions?|iez|ables?|"
    r"ibles?|"
    r"aires?|iques?|ives?|ifs?|euses?|eurs?|ures?|ages?|ites?|tes?|ees?|ies?|es?|ez|er|ir|ait|ais|ons|it|is|"
    r"al|aux|e|s|x|i)$"
)
_DOUBLED: Final = re.compile(r"([bcdfglmnprt])\1$")
_LONGEST: Final = 7


@lru_cache(maxsize=4096)
def root(word: str) -> str:
    """The root of a flattened French word, not always a word itself."""
    return _DOUBLED.sub(r"\1", _ENDINGS.sub("", word))[:_LONGEST]


def roots(text: str) -> frozenset[str]:
    """The roots of the words of `text` that carry meaning."""
    return roots_of(content_words(text))


def roots_of(words: Iterable[str]) -> frozenset[str]:
    return frozenset(root(word) for word in words if len(word) > 1 and not word.isdecimal())
