"""Whether a fact of a claim stands in its sources, in whatever form they tell it."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from marianne_guardrails.evidence import Facts, Source
from marianne_guardrails.wording import is_lead_in
from marianne_language.measures import canonical, plain
from marianne_language.units import UNITS
from marianne_language.values import TypedValue
from marianne_language.words import content_words

_REPETITION: Final = "R/"
_ORDINAL: Final = "°"
_ELLIPSES: Final = tuple(UNITS[word] for word in ("mois", "an", "jour", "semaine", "heure", "euro", "%"))
_ANNOUNCED: Final = re.compile(r"^[^:\d]{4,50}:")
_FOLLOWING: Final = re.compile(r"[ -]([a-z]+)")
_SHORT: Final = 2
_ABOUT: Final = re.compile(
    r"\b(?:environ|approximativement|a peu pres|soit|presque|about|around|roughly|nearly|unos|unas|aproximadamente|"
    r"cerca de|khoang)\b|حوالي|تقريبا"
)
_MONTHS: Final = re.compile(r"P(\d+)M")
_DAYS: Final = re.compile(r"P(\d+)D")
_MONTH: Final = 30
_YEAR: Final = UNITS["an"]
_AGE: Final = re.compile(r"\b(?:ages?|agee?s?|aged|edad|idade|tuoi|de edad|majeure?s?|mineure?s?)\b|عمر|السن|سن ")


def missing(claim: Source, told: Facts) -> list[TypedValue]:
    """The facts of a claim that its sources do not tell."""
    return [value for value in claim.values if not _stands(value, told, claim)]


def announced(claim: Source, cited: Sequence[Source]) -> Facts:
    """The number with which a claim counts what it sums up: « Retenez deux délais : … » It is that of the cited
    sentences, or of those of them that announce no list.
    """
    if len(cited) <= 1 or not _ANNOUNCED.search(claim.flat):
        return frozenset()
    told = [source for source in cited if not is_lead_in(source.text)]
    return frozenset({("number", str(len(cited))), ("number", str(len(told)))})


def _stands(value: TypedValue, told: Facts, claim: Source) -> bool:
    """A repetition (« par mois ») and a spelled rank are only refused where the sources tell another one."""
    if (value.kind, value.value) in told:
        return True
    if value.value.startswith(_REPETITION):
        return not any(other.startswith(_REPETITION) for _, other in told)
    if value.value.endswith(_ORDINAL) and not value.text[0].isdecimal():
        return not any(other.endswith(_ORDINAL) for _, other in told)
    return any(form in told for form in other_forms(value, claim))


def other_forms(value: TypedValue, claim: Source) -> Iterator[tuple[str, str]]:
    """Three fifths is 60 %; a number that leaves its unit out has that of another value: « neuf mois, contre douze »;
    and an age is in years.
    """
    if value.kind == "percentage":
        yield from (("number", f"{part}/{whole}") for whole in (2, 3, 4, 5, 10) for part in _parts(value.value, whole))
    if value.kind == "duration" and _ABOUT.search(claim.flat):
        yield from _about(value.value)
    if value.kind != "number":
        return
    part, _, whole = value.value.partition("/")
    if whole and part.isdecimal() and whole.isdecimal() and int(whole):
        yield "percentage", plain(Decimal(part) * 100 / Decimal(whole))
    elif value.value.isdecimal():
        number = Decimal(value.value)
        kinds = {other.kind for other in claim.values} if _leaves_unit_out(value, claim) else frozenset()
        yield from (canonical(number, unit) for unit in _ELLIPSES if canonical(number, unit)[0] in kinds)
        if _AGE.search(claim.flat):
            yield canonical(number, _YEAR)


def _leaves_unit_out(value: TypedValue, claim: Source) -> bool:
    """Whether nothing that could be counted follows a number."""
    following = _FOLLOWING.match(claim.flat, value.end)
    word = following[1] if following else ""
    return len(word) <= _SHORT or word.endswith("ment") or not content_words(word)


def _about(duration: str) -> Iterator[tuple[str, str]]:
    """A claim that says « environ » may take thirty days for a month."""
    if months := _MONTHS.fullmatch(duration):
        yield "duration", f"P{int(months[1]) * _MONTH}D"
    elif (days := _DAYS.fullmatch(duration)) and int(days[1]) % _MONTH == 0:
        yield "duration", f"P{int(days[1]) // _MONTH}M"


def _parts(percentage: str, whole: int) -> Iterator[str]:
    part = Decimal(percentage) * whole / 100
    if part == int(part):
        yield plain(part)
