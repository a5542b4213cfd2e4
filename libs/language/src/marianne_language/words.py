"""Words, and which of them carry the meaning of a sentence."""

import re
from typing import Final

from marianne_language.folding import flatten


def word_set(text: str) -> frozenset[str]:
    """The words of a list that is written as running text."""
    return frozenset(text.split())


_FUNCTION_WORDS: Final = word_set(
    # French
    "a afin ai aient ainsi alors apres as au aucun aucune aura auront aussi autre autres aux avaient avait avant avec "
    "avez avoir avons c car ce ceci cela celle celles celui cependant ces cet cette ceux chez ci comme d dans de "
    "depuis des donc dont du elle elles en encore entre es est et etant ete etes etre eu eux fait fera il ils j je l "
    "la laquelle le les lesquelles lesquels leur leurs lors lorsque lui m ma mais me meme memes mes moi mon n ne ni "
    "nos notre nous on ont or ou par parmi pas pendant peu plus plusieurs pour puis puisque qu quand que quel quelle "
    "quelles quels qui quoi s sa sans se selon sera seront ses si soi soient soit son sont sous sur t ta te tel telle "
    "telles tels tes toi ton tous tout toute toutes tu un une vers via vos votre vous y "
    # English
    "am an and any are at be been being both but by can could did do does each for from had has have he her his how i "
    "if in into is it its just may might must my no not of on or our shall she should so some such than that the their "
    "them then there these they this those to under until was we were what when where which while who whom will with "
    "within would you your"
)
_WORD: Final = re.compile(r"[^\W_]+")
_ENDINGS: Final = re.compile(r"(?:e?s|x|e)$")


def without_ending(word: str) -> str:
    """A flattened word of more than three letters without the endings of number and gender."""
    return _ENDINGS.sub("", word) if len(word) > 3 else word


def content_words(text: str) -> list[str]:
    """The words of `text` in order that are no function words of French or English, flattened and without the endings
    of number and gender, so that « titres délivrés » and « titre délivré » are equal.
    """
    words = _WORD.findall(flatten(text).replace("œ", "oe"))
    return [without_ending(word) for word in words if word not in _FUNCTION_WORDS]
