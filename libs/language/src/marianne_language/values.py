"""Typed values: the facts of a sentence that can be compared whatever its language and wording.

| kind | canonical value |
|---|---|
| number | `1500`, `2.5`, `2/3`; ordinals from the second on `2°`; acts, forms and labels `2016-274`, `12345*03`, `A2` |
| amount | `1500 EUR` |
| percentage | `12.5` |
| duration | ISO 8601 in one unit: `P24M` for two years, `P42D` for six weeks, `PT36H`, `PT90M`; repetitions `R/P1M` |
| date | `2024-05-12`, `2024-05`, `--05-12` |
| article | `L423-23` |
| url, phone, email | `service-public.fr/x`, `0123456789`, `a@b.fr` |
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from marianne_language.folding import flatten
from marianne_language.literals import ValueKind, cut, may_hold_values
from marianne_language.measures import read_facts
from marianne_language.number_words import join_numbers
from marianne_language.numerals import base_language


@dataclass(frozen=True, slots=True)
class TypedValue:
    """A fact at characters `start` to `end`, written as `text`. Two facts are the same when kind and value are."""

    kind: ValueKind
    value: str
    text: str
    start: int
    end: int


def find_values(text: str, language: str = "fr") -> list[TypedValue]:
    """Finds the facts that `text` tells, in order. `language` (BCP 47) says how its number words and decimals are read.

    Positions are those of the text in NFC. Citation marks and the numbering of lists are no facts, nor are idioms such
    as « un », « les deux » and « premier ».
    """
    text = unicodedata.normalize("NFC", text)
    return values_in(text, flatten(text), language)


def values_in(text: str, flat: str, language: str) -> list[TypedValue]:
    """`find_values` for a text in NFC whose flattened form is known."""
    if not may_hold_values(flat):
        return []
    base = base_language(language)
    pieces = join_numbers(list(cut(text, flat, base)), text, base)
    facts = read_facts(pieces, text, base)
    return [TypedValue(fact.kind, fact.value, text[fact.start : fact.end], fact.start, fact.end) for fact in facts]


def implied(kind: ValueKind, value: str) -> Iterator[tuple[ValueKind, str]]:
    """The facts that a source tells by telling this one, itself first: a whole date tells its month and its year."""
    yield kind, value
    match kind:
        case "date":
            yield from _implied_by_date(value)
        case "url" if "/" in value:
            yield "url", value.partition("/")[0]
        case "phone":
            yield "number", value
        case "number" if value.isdecimal() and len(value) == 4:
            yield "phone", value
        case "number" if value.endswith("°"):
            yield "number", value[:-1]
        case "number" if "*" in value:
            yield "number", value.partition("*")[0]


def _implied_by_date(value: str) -> Iterator[tuple[ValueKind, str]]:
    year, _, rest = value.partition("-") if value[0] != "-" else ("", "", value[2:])
    month, _, day = rest.partition("-")
    if year:
        yield "number", str(int(year))
    if year and day:
        yield "date", f"{year}-{month}"
        yield "date", f"--{month}-{day}"
