"""References to articles of law, in the spellings that people, officials and models use."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from marianne_language.codes import CodeName, find_codes
from marianne_language.folding import flatten

_WORD: Final = (
    r"(?<!\w)(?:(?P<plural>articles|arts\b\.?|articulos|artigos|المواد)|article|art\b\.?|articulo|artigo|dieu|المادة)"
    r"\s*(?:n[°o]\s*)?"
)
_SUFFIX: Final = (
    r"(?:\s?(?:bis|ter|quater|(?:quin|sex|sept|oct|non)ies|vicies|"
    r"(?:un|duo|ter|quater|quin|sex|septem|octo|novo)?decies)\b)?"
)
_NUMBER: Final = rf"(?P<number>\d+(?:er\b|re\b)?(?:-\d+)*{_SUFFIX}|premier\b)(?P<capital> [a-z]\b(?!['-]))?"
_ITEM: Final = re.compile(rf"(?:(?P<letter>lo|[lrda])[\s.*]{{0,3}}(?=\d))?{_NUMBER}")
_NUMBERED: Final = re.compile(r"\d|premier")
_LETTERED: Final = r"(?<![\w'-])(?:(?:lo|[lrd])[\s.*]{0,3}\d{3,4}(?:-\d+)+|(?:lo|[lrda])\*?\. ?\*?(?:\d+-|\d{3})\d*)"
_START: Final = re.compile(rf"{_WORD}|(?P<lettered>{_LETTERED})")
_JOIN: Final = re.compile(
    r"\s*(?:[,;]|et|ou|a|and|or|to|y|o|e|va|den|و)\s*(?:(?:a|de|des|aux?|the)\s)?(?:l'|les\s)?(?P<word>articles?\s+|arts?\.?\s*)?"
)
_MEASURE: Final = re.compile(
    r"\s?(?:%|€|euros?|jours?|mois|ans?|annees?|semaines?|heures?|days?|months?|years?|weeks?)"
)
_TO_CODE: Final = re.compile(
    r"(?:\s(?:et|and)\s(?:suivants?|s\.|following))?[\s,(\"]*(?:du|de la|de l'|de|des|of the|of|del|do|da|cua|من)?\s*"
    r"(?:french |nouveau |present )?"
)
_FROM_CODE: Final = re.compile(r"\s*[,:(-]?\s*(?:l'|the )?")


@dataclass(frozen=True, slots=True)
class ArticleReference:
    """An article cited at characters `start` to `end`: `number` in canonical form ("L423-23", "21-2"), `code` as a slug
    of `marianne_language.codes`, None when the text names no code for it.
    """

    number: str
    code: str | None
    start: int
    end: int


def find_references(text: str) -> list[ArticleReference]:
    """Finds every article that `text` (in NFC) cites, in order: « L. 423-23 », « articles 1 et 2 du code civil »."""
    return references_in(text, flatten(text))


def references_in(text: str, flat: str) -> list[ArticleReference]:
    """`find_references` for a text whose flattened form is known."""
    groups = list(_groups(text, flat)) if _NUMBERED.search(flat) else []
    codes = list(find_codes(flat)) if groups else []
    return [reference for group in groups for reference in _with_code(group, flat, codes)]


def _groups(text: str, flat: str) -> Iterator[list[ArticleReference]]:
    """The enumerations of articles, each by itself."""
    position = 0
    while start := _START.search(flat, position):
        group = _group(text, flat, start)
        position = group[-1].end if group else start.start() + 1
        if group:
            yield group


def _group(text: str, flat: str, start: re.Match[str]) -> list[ArticleReference]:
    if start["lettered"] and not _spelt_as_reference(text, flat, start.start()):
        return []
    first = start.start() if start["lettered"] else start.end()
    items = list(_items(text, flat, first, plural=start["plural"] is not None))
    return [replace(items[0], start=start.start()), *items[1:]] if items else []


def _spelt_as_reference(text: str, flat: str, start: int) -> bool:
    """Whether a letter and a number without the word article are one: « il y a 100-200 cas » is none."""
    return flat[start] != "a" or (text[start] == "A" and flat[start + 1] == ".")


def _items(text: str, flat: str, position: int, *, plural: bool) -> Iterator[ArticleReference]:
    letter, wordless = "", False
    while item := _ITEM.match(flat, position):
        if wordless and not item["letter"] and not _continues(flat, item, plural=plural, letter=letter):
            return
        letter = (item["letter"] or (letter if "-" in item["number"] else "")).upper()
        number, end = _canonical(text, item)
        yield ArticleReference(letter + number, None, item.start(), end)
        join = _JOIN.match(flat, end)
        if not join:
            return
        position, wordless = join.end(), join["word"] is None


def _continues(flat: str, item: re.Match[str], *, plural: bool, letter: str) -> bool:
    """Whether a bare number after « et » or a comma is one more article rather than « et 3 mois »."""
    if _MEASURE.match(flat, item.end("number")):
        return False
    return plural or (letter != "" and "-" in item["number"])


def _canonical(text: str, item: re.Match[str]) -> tuple[str, int]:
    number = "1" if item["number"] == "premier" else re.sub(r"\s|(?<=1)(?:er|re)$", "", item["number"])
    capital = text[item.end() - 1] if item["capital"] else ""
    if "A" <= capital <= "Z":
        return number + capital, item.end()
    return number, item.end("number")


def _with_code(group: list[ArticleReference], flat: str, codes: list[CodeName]) -> list[ArticleReference]:
    start, end = group[0].start, group[-1].end
    after = (code.slug for code in codes if code.start >= end and _TO_CODE.fullmatch(flat, end, code.start))
    before = (code.slug for code in codes if code.end <= start and _FROM_CODE.fullmatch(flat, code.end, start))
    slug = next(after, None) or next(before, None)
    return [replace(reference, code=slug) for reference in group]
