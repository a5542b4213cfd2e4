"""What each value of a sentence belongs to: « 2 mois pour les ouvriers, 4 mois pour les cadres »."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final

from marianne_guardrails.terms import root, roots
from marianne_language.values import TypedValue

_MARK: Final = re.compile(r"[,;:]|\b(?:et|ou|puis|mais|contre|and|or|then|but)\b")
_CLAUSE: Final = re.compile(r"[;:.?!](?=\s|$)")
_JOINT: Final = re.compile(
    r"[,;:]|\b(?:et|ou|puis|mais|contre|apres|depuis|pendant|avant|pour|si|s'il|and|or|then|but|after|since)\b"
)
_WORD: Final = re.compile(r"[^\W\d_]{4,}")
_MEASURED: Final = frozenset({"duration", "amount", "percentage", "number", "date"})
_SHADES: Final = (
    ("<least>", re.compile(r"\b(?:au moins|minimum|minimal\w*|a partir d\w+|revolus)\b")),
    ("<most>", re.compile(r"\b(?:au plus|maximum|maximal\w*|jusqu'a|plafon\w+|limite\w*)\b")),
    ("<since>", re.compile(r"\bdepuis\b")),
)
_OF: Final = r"(?: ?(?:de l'age de|de|d'|a|les))? ?$"
_MOST: Final = re.compile(
    rf"(?:au (?:plus|maximum)|maximum|maximale?|(?<!au )(?<!pas )moins|(?:pas|jamais) plus|jusqu'a|limitee?s?|"
    rf"(?:ne |n')(?:\w+ ){{0,2}}(?:depass|exced)\w+(?: pas)?(?: guere)?){_OF}"
)
_LEAST: Final = re.compile(
    rf"(?:au (?:moins|minimum)|minimum|minimale?|(?<!au )(?<!pas )(?<!jamais )plus|(?:pas|jamais) moins|"
    rf"a partir|"
    rf"(?:depass|exced)\w+){_OF}"
)
_LEAST_AFTER: Final = re.compile(r" (?:au moins|minimum|au minimum|ou plus|revolus|et plus)\b")
_MOST_AFTER: Final = re.compile(r" (?:au plus|maximum|au maximum|tout au plus|ou moins)\b")
_CLEARLY: Final = 2
_FEW: Final = 2
_ITEM: Final = 8
_NEAR: Final = 30
_RANKS: Final = {"premi": "1", "secon": "2", "deuxi": "2", "trois": "3", "quatr": "4", "cinqu": "5"}
_RANK: Final = re.compile(r"\b(premiere?|seconde?|deuxieme|troisieme|quatrieme|cinquieme) ([a-z]{3,})")


@dataclass(frozen=True, slots=True)
class Slot:
    """A value of sentence `source`, and the words that stand with it; `lead` are those before the first value, which
    all values of the sentence share, and `near` those of its clause that are nearer to it than to another value.
    """

    kind: str
    value: str
    words: frozenset[str]
    lead: frozenset[str]
    near: frozenset[str]
    source: str
    bound: str = ""


def slots_of(flat: str, values: Sequence[TypedValue]) -> tuple[Slot, ...]:
    """The slots of the measured values of a flattened sentence."""
    measured = [value for value in values if value.kind in _MEASURED and not value.value.startswith("R/")]
    if not measured:
        return ()
    text = _without(flat, measured)
    lead = _words(text[: measured[0].start])
    near = dict(zip(measured, _near(text, measured), strict=True))
    return tuple(
        Slot(
            value.kind,
            value.value,
            words | {other.value for other in group if other != value},
            lead,
            near[value],
            flat,
            _bound(flat, value),
        )
        for group, words in _segments(text, measured)
        for value in group
    )


def _without(flat: str, values: Sequence[TypedValue]) -> str:
    """`flat` with the values blanked: « trois ans » is no word that stands with a value."""
    for value in values:
        flat = flat[: value.start] + " " * (value.end - value.start) + flat[value.end :]
    return flat


def _near(flat: str, values: Sequence[TypedValue]) -> Iterator[frozenset[str]]:
    joints = [_joint(flat, value.end, following.start) for value, following in pairwise(values)]
    for value, begin, end in zip(values, (0, *joints), (*joints, len(flat)), strict=True):
        before = _CLAUSE.split(flat[begin : value.start])[-1]
        after = _CLAUSE.split(flat[value.end : end])[0]
        yield roots(f"{before} {after}")


def _joint(flat: str, begin: int, end: int) -> int:
    """Where what belongs to one value ends and what belongs to the next begins: at the last mark, or halfway."""
    marks = [mark.start() for mark in _JOINT.finditer(flat, begin, end)]
    words = [word.start() for word in _WORD.finditer(flat, begin, end)]
    return marks[-1] if marks else words[(len(words)) // 2] if words else end


def _segments(flat: str, values: Sequence[TypedValue]) -> Iterator[tuple[list[TypedValue], frozenset[str]]]:
    """Values that no mark parts, with the words around them: a mark between two ends what belongs to the first."""
    begin, group = values[0].start, [values[0]]
    for following in values[1:]:
        marks = list(_MARK.finditer(flat, group[-1].end, following.start))
        if marks:
            yield group, _words(flat[begin : marks[-1].end()])
            begin, group = marks[-1].end(), []
        group.append(following)
    yield group, _words(flat[begin:])


def _bound(flat: str, value: TypedValue) -> str:
    """Whether a value is told as the least or the most."""
    before, after = flat[max(0, value.start - _NEAR) : value.start], flat[value.end : value.end + _NEAR]
    if _MOST.search(before) or _MOST_AFTER.match(after):
        return "most"
    return "least" if _LEAST.search(before) or _LEAST_AFTER.match(after) else ""


def _words(part: str) -> frozenset[str]:
    return roots(part) | {name for name, pattern in _SHADES if pattern.search(part)}


def is_turned(slot: Slot, told: Sequence[Slot]) -> bool:
    """Whether a claim makes the least of what its source makes the most, or the reverse."""
    bounds = {place.bound for place in told if (place.kind, place.value) == (slot.kind, slot.value)}
    return bool(slot.bound) and bounds == {"most" if slot.bound == "least" else "least"}


def is_misplaced(slot: Slot, told: Sequence[Slot], claimed: Collection[tuple[str, str]]) -> bool:
    """Whether the words around a claimed value stand around another value of its kind in the sources, and none of them
    around its own. Values that are `claimed` too take nobody's place.
    """
    own = [place for place in told if (place.kind, place.value) == (slot.kind, slot.value)]
    others = [place for place in told if place.kind == slot.kind and (place.kind, place.value) not in claimed]
    return bool(own) and any(_is_taken(slot, own, other) or _has_bound_of(slot, own, other) for other in others)


def _has_bound_of(slot: Slot, own: Sequence[Slot], other: Slot) -> bool:
    """Whether a claim makes the least or most of a value that its source states flatly beside one bounded so."""
    beside = [place for place in own if place.source == other.source]
    return bool(beside) and bool(slot.bound) and slot.bound == other.bound and not any(place.bound for place in own)


def _is_taken(slot: Slot, own: Sequence[Slot], other: Slot) -> bool:
    near, stands_beside = _apart(own, other), any(place.source == other.source for place in own)
    if (stands_beside or _are_short(own, other)) and _is_nearer(slot.near, *near):
        return True
    around = slot.words | slot.lead
    if stands_beside:
        mine = frozenset[str]().union(*(place.words for place in own))
        return _is_nearer(around, mine - other.words, other.words - mine - other.lead)
    mine = frozenset[str]().union(*(place.words | place.lead for place in own))
    theirs = other.words | other.lead
    return not around & (mine - theirs) and len(around & theirs) >= _CLEARLY


def _is_nearer(around: frozenset[str], mine: frozenset[str], theirs: frozenset[str]) -> bool:
    """Whether a claim says nothing of what stands with its value, and enough of what stands with another one."""
    shared = len(around & theirs)
    return not around & mine and shared > 0 and (shared >= _CLEARLY or _FEW * shared >= len(theirs))


def _apart(own: Sequence[Slot], other: Slot) -> tuple[frozenset[str], frozenset[str]]:
    """What stands near a value alone, and near another one alone."""
    mine = frozenset[str]().union(*(place.near for place in own))
    return mine - other.near, other.near - mine


def _are_short(own: Sequence[Slot], other: Slot) -> bool:
    """Whether both are items of a list rather than sentences that tell more than one thing."""
    return all(len(place.words | place.lead) <= _ITEM for place in (*own, other))


def are_crossed(claimed: Sequence[Slot], told: Sequence[Slot]) -> bool:
    """Whether two values of a claim have each other's places: « 3 ans de carte après 10 ans de séjour »."""
    return any(
        one.kind == other.kind and one.value != other.value and _are_crossed(one, other, told)
        for one, other in combinations(claimed, 2)
    )


def _are_crossed(one: Slot, other: Slot, told: Sequence[Slot]) -> bool:
    first, second = (_places(slot, told) for slot in (one, other))
    if not first or not second:
        return False
    mine, theirs = first - second, second - first
    straight = len(one.near & mine) + len(other.near & theirs)
    crossed = len(one.near & theirs) + len(other.near & mine)
    return crossed >= straight + _CLEARLY


def _places(slot: Slot, told: Sequence[Slot]) -> frozenset[str]:
    return frozenset[str]().union(
        *(place.near for place in told if (place.kind, place.value) == (slot.kind, slot.value))
    )


def ranks(flat: str) -> frozenset[tuple[str, str]]:
    """The ordinals of a flattened French sentence with the root of what they count: « deuxième enfant »."""
    return frozenset((_RANKS.get(match[1][:5], match[1]), root(match[2])) for match in _RANK.finditer(flat))


def is_misranked(claimed: frozenset[tuple[str, str]], told: frozenset[tuple[str, str]]) -> bool:
    """Whether a claim gives another rank than its source to what both count."""
    return any(
        counted == other and rank != place and (rank, counted) not in told
        for rank, counted in claimed
        for place, other in told
    )
