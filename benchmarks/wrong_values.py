"""Puts wrong values into faithful claims: absent from the evidence, from elsewhere in it, or from the cited source."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from marianne_language.values import TypedValue, find_values, implied

Where = Literal["absent", "elsewhere", "swapped"]

PER_CLAIM: Final = 5
_DIGITS: Final = re.compile(r"\d+")
_QUANTITY: Final = re.compile(r"(?P<head>R/P|PT|P)?(?P<number>\d+(?:\.\d+)?)(?P<unit>[A-Z]?| [A-Z]{3}|°)")
_FACTORS: Final = {"M": (1, 3, 6, 12), "D": (1, 7, 14), "H": (1,)}
_STEPS: Final = (1, 2, 5, 10, 3)


@dataclass(frozen=True, slots=True)
class WrongClaim:
    """`claim` with one value changed, and where the wrong value stands in the evidence."""

    claim: str
    where: Where


def wrong_claims(claim: str, language: str, cited: Sequence[str], evidence: Sequence[str]) -> list[WrongClaim]:
    """Five wrong claims where the values of `claim` allow: one swapped, one from elsewhere, the others absent.

    `cited` are the source sentences that the claim rests on, `evidence` all of them, in French.
    """
    told, near = _facts(evidence), _facts(cited)
    values = [value for value in find_values(claim, language) if (value.kind, value.value) in near]
    swapped = _moved(claim, language, values, near, "swapped")
    elsewhere = _moved(claim, language, values, told - near, "elsewhere")
    absent = list(_absent(claim, language, values, told))
    some = [*swapped[:1], *elsewhere[:1]]
    return [*some, *absent[: PER_CLAIM - len(some)]]


def _facts(texts: Sequence[str]) -> set[tuple[str, str]]:
    return {fact for text in texts for value in find_values(text) for fact in implied(value.kind, value.value)}


def _absent(
    claim: str, language: str, values: Sequence[TypedValue], told: set[tuple[str, str]]
) -> Iterator[WrongClaim]:
    for step in _STEPS:
        for value in values:
            for wrong in _stepped(claim, language, value, step):
                changed = {(found.kind, found.value) for found in find_values(wrong, language)}
                if changed - told - {(found.kind, found.value) for found in find_values(claim, language)}:
                    yield WrongClaim(wrong, "absent")
                    break


def _stepped(claim: str, language: str, value: TypedValue, step: int) -> Iterator[str]:
    """`claim` with the last group of figures in `value` raised, or with a spelled number written in higher figures."""
    groups = list(_DIGITS.finditer(value.text))
    if groups:
        last = groups[-1]
        raised = f"{int(last[0]) + step:0{len(last[0])}}"
        yield _put(claim, value, value.text[: last.start()] + raised + value.text[last.end() :])
    elif quantity := _QUANTITY.fullmatch(value.value):
        number = Decimal(quantity["number"])
        for factor in _FACTORS.get(quantity["unit"], (1,)):
            wanted = f"{quantity['head'] or ''}{format((number + step * factor).normalize(), 'f')}{quantity['unit']}"
            yield from _written(claim, language, value, wanted)


def _moved(
    claim: str, language: str, values: Sequence[TypedValue], others: set[tuple[str, str]], where: Where
) -> list[WrongClaim]:
    """`claim` with a value replaced by another one of its kind and unit."""
    own = {(value.kind, value.value) for value in values}
    wrong = []
    for value in values:
        for kind, other in sorted(others - own):
            if kind == value.kind:
                wrong += [WrongClaim(text, where) for text in _written(claim, language, value, other)][:1]
    return wrong


def _written(claim: str, language: str, value: TypedValue, wanted: str) -> Iterator[str]:
    """`claim` with the number of `value` written so that it reads as `wanted`; nothing where its form forbids."""
    old, new = _QUANTITY.fullmatch(value.value), _QUANTITY.fullmatch(wanted)
    if not old or not new or (old["head"], old["unit"]) != (new["head"], new["unit"]):
        return
    for factor in _FACTORS.get(old["unit"], (1,)):
        number = Decimal(new["number"]) / factor
        if number != int(number):
            continue
        for words in range(1, len(value.text.split()) + 1):
            text = _put(claim, value, _with_number(value.text, int(number), words))
            if any((found.kind, found.value) == (value.kind, wanted) for found in find_values(text, language)):
                yield text
                return


def _with_number(text: str, number: int, words: int) -> str:
    """`text` with its figures, or without any its first `words` words, replaced by `number`."""
    figures = re.search(r"\d[\d .,\u00a0\u202f]*(?<=\d)", text)
    if figures:
        return text[: figures.start()] + str(number) + text[figures.end() :]
    return " ".join([str(number), *text.split()[words:]])


def _put(claim: str, value: TypedValue, text: str) -> str:
    return claim[: value.start] + text + claim[value.end :]
