"""The readings of a text under which a hidden instruction becomes visible. None of them is ever shown to anyone."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from marianne_language.folding import flatten

# Soft hyphens, joiners, direction marks, fillers, variation selectors, Arabic vowel signs, tag characters.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u064b-\u065f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_TAGS: Final = re.compile("[\U000e0020-\U000e007e]+")
_TAG_OFFSET: Final = 0xE0000
_LOOKALIKES: Final = str.maketrans(
    "аеорсухіјѕԁһԛԝӏкмтвнгпиАВЕКМНОРСТХУІЈЅ" + "αβγεικνορτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdhqwlkmtbhrnuABEKMHOPCTXYIJS" + "abyeiknoptuxwABEZHIKMNOPTYX",
)


@dataclass(frozen=True, slots=True)
class View:
    """One reading, flattened. `is_plain` when nothing had to be undone for it."""

    text: str
    is_plain: bool


def views(text: str) -> Iterator[View]:
    """The text as it reads; without compatibility forms and invisible characters; with look-alike letters of other
    scripts replaced; and what its tag characters spell.
    """
    seen = {flatten(text)}
    yield View(flatten(text), is_plain=True)
    clean = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    hidden = "\n".join("".join(chr(ord(tag) - _TAG_OFFSET) for tag in run) for run in _TAGS.findall(text))
    for reading in (clean, clean.translate(_LOOKALIKES), hidden):
        flat = flatten(reading)
        if flat not in seen:
            seen.add(flat)
            yield View(flat, is_plain=False)
