"""Forms of a text that compare equal where a reader sees no difference."""

import re
import unicodedata
from typing import Final

_SPACES: Final = dict.fromkeys(
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "
)
_DASHES: Final = dict.fromkeys("\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-")
_APOSTROPHES: Final = dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u02b9\u2032\uff07`´", "'")
_QUOTES: Final = dict.fromkeys("«»“”„‟‹›\u2033＂", '"')
_OTHER_LETTERS: Final = {"đ": "d", "Đ": "d", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l", "ı": "i", "İ": "i"}


def _letter(character: str) -> str:
    """The lower-case letter without its accents, when that is a single character."""
    decomposed = unicodedata.normalize("NFD", character)
    bare = "".join(part for part in decomposed if not unicodedata.combining(part)).lower()
    return bare if len(bare) == 1 else character


def _table() -> dict[int, str]:
    latin = [chr(code) for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))]
    letters = {character: _letter(character) for character in latin}
    digits = {chr(zero + digit): str(digit) for zero in (0x0660, 0x06F0, 0xFF10) for digit in range(10)}
    every = letters | digits | _SPACES | _DASHES | _APOSTROPHES | _QUOTES | _OTHER_LETTERS
    return {ord(character): plain for character, plain in every.items()}


_FLAT: Final = _table()
_FIRST_COMBINING: Final = "\u0300"
_INSIDE_QUOTES: Final = re.compile(r"(?<=«)\s+|(?<!\s)\s+(?=»)")


def flatten(text: str) -> str:
    """Lower-cases `text`, takes Latin accents off and unifies spaces, dashes, quotes and digits, one character for one.

    The result is as long as `text`, so that positions in one are positions in the other. Combining characters stay:
    normalise to NFC first.
    """
    flat = _translated(text)
    lower = flat.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in flat)


def fold(text: str) -> str:
    """The form in which quotations are compared: no case, no accents, one kind of quote, dash and space."""
    flat = _translated(_INSIDE_QUOTES.sub("", text) if "«" in text or "»" in text else text)
    if flat.isascii():
        return " ".join(flat.lower().split())
    plain = unicodedata.normalize("NFKD", flat)
    bare = "".join(
        character for character in plain if character < _FIRST_COMBINING or not unicodedata.combining(character)
    )
    return " ".join(
        bare.casefold().translate(_FLAT).replace("œ", "oe").replace("æ", "ae").replace("\u200b", "").split()
    )


def _translated(text: str) -> str:
    """`text.translate(_FLAT)`, without its cost where it would change nothing."""
    return text if text.isascii() and "`" not in text else text.translate(_FLAT)
