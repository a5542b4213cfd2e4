"""Whether a fact of a claim stands in its sources, in whatever form they tell it."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from marianne_guardrails.evidence import Facts, Source
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
_YEAR: Final = UNITS["an"]
_AGE: Final = re.compile(r"\b(?:ages?|agee?s?|aged|edad|idade|tuoi|de edad|majeure?s?|mineure?s?)\b|عمر|السن|سن ")


def missing(claim: Source, told: Facts) -> list[TypedValue]:
    """The facts of a claim that its sources do not tell."""
    return [value for value in claim.values if not _stands(value, told, claim)]


def announced(claim: Source, sources: int) -> Facts:
    """The number with which a claim counts what it sums up of its sources: « Retenez deux délais : … »"""
    if sources < 2 or not _ANNOUNCED.search(claim.flat):
        return frozenset()
    return frozenset({("number", str(sources))})


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


def _parts(percentage: str, whole: int) -> Iterator[str]:
    part = Decimal(percentage) * whole / 100
    if part == int(part):
        yield plain(part)
