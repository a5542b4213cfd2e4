"""Cuts a text into figures, words and signs, and recognises what is written in one piece: addresses, phones, dates."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from marianne_language.citations import MARK
from marianne_language.dates import PATTERN as DATE
from marianne_language.dates import read_dates
from marianne_language.folding import flatten
from marianne_language.numerals import RANK_WORDS, rank_word, read_figures
from marianne_language.references import references_in
from marianne_language.vocabulary import TELLING, WORDS

ValueKind = Literal["number", "amount", "percentage", "duration", "date", "article", "url", "phone", "email"]
PieceKind = ValueKind | Literal["figures", "spelled", "ordinal", "clock", "word", "sign"]

_URL_CHARACTERS: Final = r"[^\s<>\"()\[\]\0]"
_TOP_LEVEL: Final = r"(?:fr|com|org|net|eu|info|int)(?![\w-])"
_PADDING: Final = "\1"
_PAIRS: Final = r"(?:[ .-]?\d{2})"
_LONE_WORD: Final = r"(?P<lone>[^\W\d_]+(?=[\s,;)']+[^\d\s]))|"
_DATES: Final = rf"(?P<date>{DATE})|"
_OTHERS: Final = rf"""
    (?P<mark>{MARK})
    |(?P<numbering>(?m:^)[^\S\n]*(?:[-*+•>]\s+)*[*_]*\d{{1,3}}[.)][*_]*(?=\s)|(?<=[;:.,][ ])\(?\d[.)](?=[ ][^\W\d]))
    |(?P<email>(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
    |(?P<url>(?:https?://|www\.){_URL_CHARACTERS}+|(?<![\w.@-])(?:[a-z0-9][a-z0-9-]*\.)+{_TOP_LEVEL}(?:/{_URL_CHARACTERS}*)?)
    |(?P<phone>(?:\+33|0033)[ ]?(?:\(0\)[ ]?)?[1-9]{_PAIRS}{{4}}(?!\d)|0[1-9]{_PAIRS}{{4}}(?!\d)
        |0[ ]?8\d{{2}}(?:[ .]?\d{{3}}){{2}}(?!\d)|\+\d{{2,3}}(?:[ .-]?\d){{6,12}}|3\d[ ]\d{{2}}(?![ .,]?\d))
    |(?P<act>n[°o]s?[ ]?\d{{2,4}}-\d+)
    |(?P<form>\d{{5}}\*\d{{2}})
    |(?P<clock>\d{{1,2}}[ ]?h[ ]?\d{{2}}(?!\d))
    |(?P<fraction>\d{{1,2}}/\d{{1,2}}(?![\d/]))
    |(?P<ordinal>\d+(?:[ ]?(?:ers?|i?emes?)|eres?|res?|es?|nde?s?|st|nd|rd|th|\.?[°ºª])(?!\w))
    |(?P<figures>\d{{1,3}}(?:[ .,']\d{{3}})+(?!\d)(?:[.,]\d{{1,2}}(?!\d))?|\d+(?:[.,]\d+)?)
    |(?P<code>(?!k?m[23](?!\w))[a-z]{{1,3}}\d+[a-z0-9]*)
    |(?P<word>[^\W\d_]+)
    |(?P<sign>[€$£/]|%{_PADDING}*)
"""
_PATTERN: Final = re.compile(_LONE_WORD + _DATES + _OTHERS, re.VERBOSE)
_UNDATED: Final = re.compile(_OTHERS, re.VERBOSE)
_WORDY: Final = frozenset({"lone", "word"})
_TOLD: Final = WORDS | RANK_WORDS
_OBVIOUS: Final = re.compile(rf"[\d@%]|://|www\.|\w\.{_TOP_LEVEL}")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_PERCENT: Final = re.compile(r"pour cent|per ?cent|por ciento|por cento|phan tram|بالمئة|بالمائة|في المئة|في المائة")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text. `form` is flattened for words and signs and canonical for finished values; `number` is set for
    figures, spelled numbers, ordinals and, in minutes, clock times.
    """

    kind: PieceKind
    form: str
    start: int
    end: int
    number: Decimal = Decimal(0)


def are_near(text: str, left: Piece, right: Piece) -> bool:
    """Whether nothing but a space, a hyphen, an apostrophe or a closing bracket stands between two pieces."""
    gap = text[left.end : right.start]
    return len(gap) <= 2 and not gap.strip().strip("-\u2010\u2011\u2013'’)")


def may_hold_values(flat: str) -> bool:
    """A quick look that spares most sentences the reading: False only for a flattened text that tells no value."""
    if _OBVIOUS.search(flat):
        return True
    return not TELLING.isdisjoint(_LETTERS.findall(flat)) or _PERCENT.search(flat) is not None


def cut(text: str, flat: str, language: str) -> Iterator[Piece]:
    """Cuts `text` (in NFC; `flat` is its flattened form) into pieces, in order. Citation marks, list numbering and
    words that cannot matter to a value are left out.
    """
    references = references_in(text, flat)
    flat = _PERCENT.sub(lambda match: "%".ljust(len(match[0]), _PADDING), flat)
    start = 0
    for reference in references:
        yield from _pieces(text, flat, start, reference.start, language)
        yield Piece("article", reference.number, reference.start, reference.end)
        start = reference.end
    yield from _pieces(text, flat, start, len(flat), language)


def _pieces(text: str, flat: str, start: int, end: int, language: str) -> Iterator[Piece]:
    for match in _PATTERN.finditer(flat, start, end):
        if match.lastgroup in _WORDY and match[0] not in _TOLD:
            continue
        original = text[match.start() : match.end()]
        if match.lastgroup != "date":
            yield from _piece(match, original, language)
        elif dates := read_dates(match[0], original):
            yield from (Piece("date", date, match.start(), match.end()) for date in dates)
        else:
            for part in _UNDATED.finditer(flat, *match.span()):
                yield from _piece(part, text[part.start() : part.end()], language)


def _piece(match: re.Match[str], original: str, language: str) -> Iterator[Piece]:
    group, flat, (start, end) = match.lastgroup, match[0], match.span()
    match group:
        case "lone" | "word":
            yield from _word(flat, start, end, language)
        case "sign":
            yield Piece("sign", flat[0], start, end)
        case "figures":
            yield Piece("figures", flat, start, end, read_figures(flat, language))
        case "ordinal":
            yield Piece("ordinal", flat, start, end, _leading(flat))
        case "clock":
            yield Piece("clock", flat, start, end, _leading(flat) * 60 + int(flat[-2:]))
        case "email" | "phone" | "url":
            yield _address(group, original, start)
        case "act":
            yield Piece("number", flat.lstrip("n°os "), start, end)
        case "form" | "fraction" | "code":
            yield Piece("number", flat.upper(), start, end)


def _word(flat: str, start: int, end: int, language: str) -> Iterator[Piece]:
    if rank := rank_word(flat, language):
        yield Piece("ordinal", flat, start, end, Decimal(rank))
    elif flat in WORDS:
        yield Piece("word", flat, start, end)


def _leading(flat: str) -> Decimal:
    """The figures that `flat` begins with."""
    return Decimal(flat[: len(flat) - len(flat.lstrip("0123456789"))])


def _address(kind: Literal["email", "phone", "url"], original: str, start: int) -> Piece:
    written = original.rstrip(".,;:!?'’…*_")
    match kind:
        case "email":
            form = written.lower()
        case "phone":
            form = phone_number(written)
        case "url":
            host, slash, path = re.sub(r"^(?:https?://)?(?:www\.)?", "", written, flags=re.IGNORECASE).partition("/")
            form = (host.lower() + slash + path).rstrip("/")
    return Piece(kind, form, start, start + len(written))


def phone_number(written: str) -> str:
    """The digits of a telephone number; French ones in national form, others with their country after a plus."""
    digits = flatten(re.sub(r"\(0\)|[^\d+]", "", written))
    return re.sub(r"^(?:\+33|0033)", "0", digits)
