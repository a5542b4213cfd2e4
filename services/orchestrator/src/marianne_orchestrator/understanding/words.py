"""The words of a message in the forms that terms are compared with."""

import re
from functools import lru_cache
from typing import Final

from marianne_language.folding import fold

START: Final = "^"
"""Stands before the first word of every sentence."""

STOP: Final = "."
"""Stands for any sign that ends a sentence, except the question mark, which stands for itself."""

_TOKEN: Final = re.compile(r"\w+|[.!?;:؟…]")
_ARABIC: Final = re.compile(r"[\u0621-\u064a]")
_ARABIC_LETTERS: Final = str.maketrans({"ة": "ه", "ى": "ي", "ـ": None, "ٱ": "ا", "گ": "ك", "ڨ": "ق", "ڤ": "ف"})
_ARABIC_PREFIXES: Final = ("و", "ف", "ب", "ل", "ك", "ال", "لل", "د", "ه", "ع", "م", "ش")
_SHORTEST_ARABIC: Final = 2
_SHORTEST_STEM: Final = 4
_ARTICLES: Final = (
    "le la les l un une des du de d mon ma mes sa ses notre nos votre vos ton ta tes leur leurs "
    "my your his her our their of el los las una unos mi mis su sus del um uma do da dos das meu minha meus "
    "minhas seu sua seus suas"
)
_GLUE: Final = frozenset(_ARTICLES.split())


def tokens(text: str, *, with_articles: bool = False) -> list[str]:
    """Folded words, without articles and possessives unless asked for, with START, STOP and "?" between them."""
    words = [START]
    # French "où" is a question and "ou" is not; folding would make them one.
    for word in _TOKEN.findall(fold(_keep_where(text)).translate(_ARABIC_LETTERS)):
        if word in "?؟":
            words += ["?", START]
        elif not word[0].isalnum() and word[0] != "_":
            words += [STOP, START]
        elif with_articles or word not in _GLUE:
            words.append(word)
    return words


@lru_cache(maxsize=65_536)
def forms(word: str) -> tuple[str, ...]:
    """The forms of a word that a term may have: without plural and feminine endings, in Arabic without prefixes."""
    if _ARABIC.match(word):
        return tuple(sorted(_arabic_forms(word)))
    return (stem(word),)


def stem(word: str) -> str:
    """Takes -s, -x and -e off, so that plurals and feminines compare equal."""
    if len(word) > _SHORTEST_STEM and word[-1] in "sx":
        word = word[:-1]
    while len(word) > _SHORTEST_STEM and word[-1] == "e":
        word = word[:-1]
    return word


def _keep_where(text: str) -> str:
    return re.sub(r"\b(?:[oO][ùÙ]|OÙ)\b", "_where_", text)


def _arabic_forms(word: str) -> set[str]:
    found, rest = {word}, [word]
    while rest:
        longer = rest.pop()
        for prefix in _ARABIC_PREFIXES:
            shorter = longer.removeprefix(prefix)
            if shorter != longer and len(shorter) > _SHORTEST_ARABIC and shorter not in found:
                found.add(shorter)
                rest.append(shorter)
    return found
