"""Numbers with their units: durations, amounts, percentages, repetitions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from marianne_language.literals import Piece, ValueKind, are_near
from marianne_language.units import FRACTIONS, HALVES, PERIODS, UNITS, WHOLE_DURATIONS, Unit
from marianne_language.vocabulary import (
    ALL_THE,
    AND,
    BETWEEN,
    BETWIXT,
    COUNTED,
    DEICTIC,
    EACH,
    NAMING,
    NEEDS_UNIT,
    ONE,
    TERMS,
    TO,
    WITHIN,
    WITHIN_THE,
)

_NUMBERS: Final = frozenset({"figures", "spelled"})
_WORDS: Final = frozenset({"word", "sign"})
_HALF: Final = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Fact:
    """A value in canonical form, at characters `start` to `end`."""

    kind: ValueKind
    value: str
    start: int
    end: int


def plain(number: Decimal) -> str:
    """The number without an exponent and without idle zeros."""
    return format(number.normalize(), "f")


def canonical(number: Decimal, unit: Unit) -> tuple[ValueKind, str]:
    """Kind and canonical value of `number` units."""
    total = number * unit.factor
    match unit.kind:
        case "months":
            return "duration", f"P{plain(total)}M"
        case "minutes":
            return "duration", _iso(total)
        case "amount":
            return "amount", f"{plain(total)} {unit.currency}"
        case "percentage":
            return "percentage", plain(total)


def _iso(minutes: Decimal) -> str:
    if minutes % 1440 == 0:
        return f"P{plain(minutes / 1440)}D"
    return f"PT{plain(minutes / 60)}H" if minutes % 60 == 0 else f"PT{plain(minutes)}M"


def read_facts(pieces: Sequence[Piece], text: str, language: str) -> Iterator[Fact]:
    """The facts that the pieces of `text` tell, in order."""
    return _Reader(pieces, text, language).facts()


class _Reader:
    """Reads numbers from right to left, so that in « deux à quatre mois » the first can take the unit of the second."""

    def __init__(self, pieces: Sequence[Piece], text: str, language: str) -> None:
        self._pieces = pieces
        self._text = text
        self._language = language
        self._unit_at: dict[int, int] = {}
        for index in reversed(range(len(pieces))):
            at = self._find_unit(index) if self._is_number(index) else None
            if at is not None:
                self._unit_at[index] = at

    def facts(self) -> Iterator[Fact]:
        for index, piece in enumerate(self._pieces):
            match piece.kind:
                case "figures" | "spelled":
                    yield from self._number(index)
                case "word" | "sign":
                    yield from self._word(index)
                case "clock":
                    yield self._fact("duration", _iso(piece.number), index, index)
                case "ordinal":
                    if piece.number != 1 and not self._orders(index):
                        yield self._fact("number", f"{plain(piece.number)}°", index, index)
                case kind:
                    yield self._fact(kind, piece.form, index, index)

    def _orders(self, index: int) -> bool:
        """Whether a spelled ordinal orders a text (« en second lieu ») or ends a fraction (« les deux tiers »)."""
        is_spelled = not self._pieces[index].form[0].isdecimal()
        return is_spelled and (self._next(index) in COUNTED or self._is_number(index - 1))

    def _fact(self, kind: ValueKind, value: str, first: int, last: int) -> Fact:
        return Fact(kind, value, self._pieces[first].start, self._pieces[last].end)

    def _number(self, index: int) -> Iterator[Fact]:
        piece = self._pieces[index]
        if index in self._unit_at:
            yield self._measured(index, self._unit_at[index])
        elif denominator := FRACTIONS.get(self._next(index)) or self._tenth(index):
            yield self._fact("number", f"{plain(piece.number)}/{denominator}", index, index + 1)
        elif piece.kind == "figures" or self._counts(index):
            yield self._fact("number", plain(piece.number), index, index)

    def _tenth(self, index: int) -> int | None:
        """The denominator of « un cinquième du salaire »; « un cinquième enfant » has none."""
        if not self._is_near(index, index + 1) or self._pieces[index + 1].kind != "ordinal":
            return None
        rank = self._pieces[index + 1]
        is_part = self._text[rank.end : rank.end + 3].lower() in (" d'", " d\u2019", " de", " du")
        return int(rank.number) if is_part and not rank.form[0].isdecimal() else None

    def _measured(self, index: int, at: int) -> Fact:
        has_half = self._past_half(index) > index + 1 or self._past_half(at) > at + 1
        number = self._pieces[index].number + (_HALF if has_half else 0)
        shares = any(self._is_number(between) for between in range(index + 1, at))
        last = index if shares else at
        return self._fact(*canonical(number, self._unit(at)), min(index, last), max(index, last))

    def _counts(self, index: int) -> bool:
        """Whether a spelled number without a unit is a fact; « un », « les deux » and « trois cas » are not."""
        piece = self._pieces[index]
        if self._language == "vi" or piece.form in NEEDS_UNIT or self._next(index) in COUNTED:
            return False
        return piece.number != 2 or self._previous(index) not in DEICTIC

    def _word(self, index: int) -> Iterator[Fact]:
        form = self._form(index)
        if form in WHOLE_DURATIONS:
            number, unit = WHOLE_DURATIONS[form]
            yield self._fact(*canonical(Decimal(number), UNITS[unit]), index, index)
        elif form in PERIODS:
            yield self._repetition(Decimal(1), UNITS[PERIODS[form]], index, index)
        elif form in HALVES and not self._ends_a_number(index):
            yield from self._part(_HALF, index, index + 2 if self._next(index) in ("a", "an", "de") else index + 1)
        elif (at := self._period_after(index)) is not None:
            yield from self._repeated(index, at)
        elif self._language == "en" and form in ("a", "an") and self._previous(index) in WITHIN:
            yield from self._part(Decimal(1), index, index + 1)
        elif form in WITHIN_THE and self._next(index) in ("le", "la", "l") and self._form(index + 2) in TERMS:
            yield from self._part(Decimal(1), index + 1, index + 2)
        elif self._is_duration(index) and self._next(index) in ONE:
            yield self._fact(*canonical(Decimal(1), UNITS[form]), index, index + 1)

    def _ends_a_number(self, index: int) -> bool:
        """Whether the half at `index` was counted with what stands before it: « un an et demi »."""
        before = self._previous(index - 1) if self._previous(index) == "a" else self._previous(index)
        return before in AND

    def _part(self, number: Decimal, index: int, at: int) -> Iterator[Fact]:
        if self._is_near(at - 1, at) and self._is_duration(at):
            yield self._fact(*canonical(number, self._unit(at)), index, at)

    def _period_after(self, index: int) -> int | None:
        """Where the period of « par mois », « tous les deux ans » or "euros a month" begins."""
        form = self._form(index)
        if form in ALL_THE and self._next(index) == "les":
            return index + 2
        if form in ("a", "an") and self._kind(index - 1) == "amount" and self._is_near(index - 1, index):
            return index + 1
        return index + 1 if form in EACH else None

    def _repeated(self, index: int, at: int) -> Iterator[Fact]:
        if not self._is_near(at - 1, at):
            return
        if self._is_duration(at):
            yield self._repetition(Decimal(1), self._unit(at), index, at)
        elif at in self._unit_at and self._is_duration(self._unit_at[at]):
            unit_at = self._unit_at[at]
            yield self._repetition(self._pieces[at].number, self._unit(unit_at), index, unit_at)

    def _repetition(self, number: Decimal, unit: Unit, first: int, last: int) -> Fact:
        return self._fact("duration", f"R/{canonical(number, unit)[1]}", first, last)

    def _find_unit(self, index: int) -> int | None:
        """Where the unit of the number at `index` stands."""
        at = self._past_half(index)
        while self._form(at) in BETWEEN and self._is_near(at - 1, at):
            at += 1
        if self._is_near(at - 1, at) and self._kind(at) and not self._is_a_name(index, at):
            return at
        if self._kind(index - 1) == "amount" and self._is_near(index - 1, index) and not self._is_number(index - 2):
            return index - 1
        return self._unit_at.get(self._sharing(index))

    def _past_half(self, index: int) -> int:
        """Past « et demi » or "and a half" after `index`; the next piece when no half follows."""
        if self._next(index) == "ruoi":
            return index + 2
        at = index + 3 if self._form(index + 2) == "a" else index + 2
        has_half = self._next(index) in AND and self._is_near(at - 1, at) and self._form(at) in HALVES
        return at + 1 if has_half else index + 1

    def _sharing(self, index: int) -> int:
        """Which later number has the unit of this one too: « deux (2) mois », « 10-15 jours », « deux à six mois »."""
        if self._is_number(index + 1):
            return index + 1 if self._is_near(index, index + 1) or self._is_repeated(index) else -1
        joint = self._next(index)
        if not joint or not self._is_near(index + 1, index + 2):
            return -1
        is_accented = self._text[self._pieces[index + 1].start] not in "aA"
        if joint in TO and (joint != "a" or is_accented or self._language in ("es", "pt")):
            return index + 2
        return index + 2 if joint in AND and self._previous(index) in BETWIXT else -1

    def _is_repeated(self, index: int) -> bool:
        """Whether figures in brackets repeat the number: « deux (2) »."""
        number, again = self._pieces[index], self._pieces[index + 1]
        return number.number == again.number and self._text[number.end : again.start].strip() == "("

    def _is_a_name(self, index: int, at: int) -> bool:
        """Whether « un jour férié » or « une année scolaire » names a day or a year instead of measuring."""
        return self._pieces[index].number == 1 and self._next(at) in NAMING

    def _is_number(self, index: int) -> bool:
        return 0 <= index < len(self._pieces) and self._pieces[index].kind in _NUMBERS

    def _form(self, index: int) -> str:
        """The flattened word or sign at `index`; empty where there is none."""
        if not 0 <= index < len(self._pieces) or self._pieces[index].kind not in _WORDS:
            return ""
        return self._pieces[index].form

    def _next(self, index: int) -> str:
        """The word or sign right after the piece at `index`."""
        return self._form(index + 1) if self._is_near(index, index + 1) else ""

    def _previous(self, index: int) -> str:
        return self._form(index - 1) if self._is_near(index - 1, index) else ""

    def _unit(self, at: int) -> Unit:
        return UNITS[self._form(at)]

    def _kind(self, index: int) -> Literal["months", "minutes", "amount", "percentage"] | None:
        unit = UNITS.get(self._form(index))
        return unit.kind if unit else None

    def _is_duration(self, index: int) -> bool:
        return self._kind(index) in ("months", "minutes")

    def _is_near(self, left: int, right: int) -> bool:
        inside = left >= 0 and right < len(self._pieces)
        return inside and are_near(self._text, self._pieces[left], self._pieces[right])
