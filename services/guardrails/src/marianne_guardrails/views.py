"""The readings of a text under which a hidden instruction becomes visible. None of them is ever shown to anyone."""

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from marianne_guardrails.lexicon import canonical

# Soft hyphens, joiners, direction marks, fillers, variation selectors, Arabic vowel signs, tag characters.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u0640\u064b-\u065f\u0670\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_TAGS: Final = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0020-\U000e007e]{4,}")
_TAG_OFFSET: Final = 0xE0000
_LOOKALIKES: Final = str.maketrans(
    "аеорсухіјѕԁһԛԝӏкмтвнгпиАВЕКМНОРСТХУІЈЅ" + "αβγεικνορτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ" + "ɑɡıʟɴɪʀᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢ",
    "aeopcyxijsdhqwlkmtbhrnuABEKMHOPCTXYIJS" + "abyeiknoptuxwABEZHIKMNOPTYX" + "agilnirACDEJKMOPTUVWZ",
)
_FOREIGN: Final = re.compile(r"[\u0370-\u052f]")
_MIXED_WORD: Final = re.compile(r"\b(?=\w*[a-zA-Z])(?=\w*[\u0370-\u03ff\u0400-\u052f\u0250-\u02af\u1d00-\u1d7f])\w+")

_WORDS: Final = re.compile(r"\w+")
_BASE64: Final = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{16,}={0,2}(?![\w+/=-])")
_HEX: Final = re.compile(r"(?:\b|\\x|0x)(?:[0-9a-fA-F]{2}(?:[ :,]|\\x| ?0x)?){10,}")
_ESCAPES: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_SPELLED: Final = re.compile(r"(?<!\w)\w(?:[ ._*-]{1,3}\w(?!\w)){5,}")
_GAPS: Final = re.compile(r"[ ]{2,3}")
_LEET_WORD: Final = re.compile(r"(?<!\w)(?=\S*[0134578@$!|])(?=\S*[a-z])[a-z0134578@$!|]{3,}(?!\w)")
_LEET: Final = (str.maketrans("0134578@$!|", "oieastbasil"), str.maketrans("0134578@$!|", "oleastbasil"))
_LEET_TOKENS: Final = re.compile(r"[a-z0134578@$!|]+")

# Short words so common that a text without them is hardly a text of these languages.
_COMMON: Final = frozenset(
    re.findall(
        r"\w+",
        canonical(
            "les des une est dans pour que vous tes ton tout toutes avec sans sur pas the and you your all are from "
            "with this that for not las los del por una que todas tus sin para con das dos uma seu sua suas não como "
            "tôi bạn của là và không các cho trước hệ thống كل في من على التي جميع السابقة النظام الآن"
        ),
    )
)
_ROT13_COMMON: Final = frozenset(codecs.encode(word, "rot13") for word in _COMMON if word.isascii()) - _COMMON
_REVERSED_COMMON: Final = frozenset(word[::-1] for word in _COMMON if len(word) > 2) - _COMMON


@dataclass(frozen=True, slots=True)
class View:
    """One reading, canonical. `is_plain` when nothing had to be undone for it; `is_decoded` when it was in a code that
    people do not write by themselves.
    """

    text: str
    is_plain: bool = False
    is_decoded: bool = False


def views(text: str) -> Iterator[View]:
    """The text as it reads, and each other text that it may have been written to carry; none twice."""
    clean = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    of_one_script = _without_lookalikes(clean)
    first = canonical(of_one_script)
    seen = {first, ""}
    yield View(first, is_plain=text == of_one_script or _WORDS.findall(first) == _words_as_typed(text))
    for reading, is_decoded in _readings(text, clean, first):
        view = View(canonical(reading), is_decoded=is_decoded)
        if view.text not in seen:
            seen.add(view.text)
            yield view


def _words_as_typed(text: str) -> list[str]:
    return _WORDS.findall(canonical(unicodedata.normalize("NFC", text)))


def _readings(text: str, clean: str, flat: str) -> Iterator[tuple[str, bool]]:
    yield "\n".join("".join(chr(ord(tag) - _TAG_OFFSET) for tag in run) for run in _TAGS.findall(text)), True
    if _FOREIGN.search(clean):
        yield clean.translate(_LOOKALIKES), False
    for undo, is_decoded in _UNDOINGS:
        yield undo(clean), is_decoded
    words = Counter(_WORDS.findall(flat))
    if _is_written_in(_ROT13_COMMON, words):
        yield codecs.encode(flat, "rot13"), True
    if _is_written_in(_REVERSED_COMMON, words):
        yield clean[::-1], True
    if len(_LEET_WORD.findall(flat)) > 1:
        for table in _LEET:
            yield _LEET_TOKENS.sub(lambda token, table=table: token[0].translate(table), flat), False  # type: ignore[misc]  # bound at once


def _without_lookalikes(text: str) -> str:
    """Letters of other scripts replaced in words that mix scripts, which no language does."""
    return text if text.isascii() else _MIXED_WORD.sub(lambda word: word[0].translate(_LOOKALIKES), text)


def _entities(text: str) -> str:
    return html.unescape(text) if "&" in text else ""


def _percent(text: str) -> str:
    return unquote(text) if text.count("%") > 3 else ""


def _escapes(text: str) -> str:
    return _ESCAPES.sub(lambda match: chr(int(match[1], 16)), text) if "\\u" in text else ""


def _from_base64(text: str) -> str:
    return "\n".join(filter(None, (_readable(_base64_bytes(run)) for run in _BASE64.findall(text))))


def _base64_bytes(run: str) -> bytes:
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4))
    except binascii.Error:
        return b""


def _from_hex(text: str) -> str:
    runs = (re.sub(r"\\x|0x|[ :,]", "", match[0]) for match in _HEX.finditer(text))
    return "\n".join(filter(None, (_readable(bytes.fromhex(run)) for run in runs if len(run) % 2 == 0)))


def _readable(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return ""
    return text if len(text) >= 8 and all(c.isprintable() or c in "\n\t\r" for c in text) else ""


def _is_written_in(common: frozenset[str], words: Counter[str]) -> bool:
    """Whether more of `words` are `common` than half the ones that are common as they stand."""
    coded = sum(words[word] for word in words.keys() & common)
    return coded > sum(words[word] for word in words.keys() & _COMMON) / 2


def _spelled(text: str) -> str:
    """Words written letter by letter; where their ends cannot be told the letters stay together."""
    return _SPELLED.sub(lambda run: re.sub(r"(?<=\w)[._*-]+ ?(?=\w)| (?=\w)", "", _GAPS.sub(" \t ", run[0])), text)


_UNDOINGS: Final[tuple[tuple[Callable[[str], str], bool], ...]] = (
    (_entities, False),
    (_percent, False),
    (_escapes, True),
    (_from_base64, True),
    (_from_hex, True),
    (_spelled, True),
)
