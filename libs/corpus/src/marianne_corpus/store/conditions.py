"""Which texts may answer, written once; each store translates these conditions to its own filter."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from marianne_corpus.index import Lane, ReferenceLane, Scope
from marianne_corpus.schema import BRANCHES

NEVER_IN_FORCE: Final = ("ANNULE", "MODIFIE_MORT_NE")
"""Statuses of texts that were undone before they applied, whatever their dates say."""


@dataclass(frozen=True, slots=True)
class Matches:
    """One of the field's values is one of these."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """The field has no value."""

    field: str


@dataclass(frozen=True, slots=True)
class NotAfter:
    """The field's day is this one or earlier."""

    field: str
    day: date


@dataclass(frozen=True, slots=True)
class After:
    """The field's day is later than this one."""

    field: str
    day: date


@dataclass(frozen=True, slots=True)
class All:
    """Each of `conditions` holds and none of `without` does."""

    conditions: "tuple[Condition, ...]"
    without: "tuple[Condition, ...]" = ()


@dataclass(frozen=True, slots=True)
class Any:
    """At least one of the conditions holds."""

    conditions: "tuple[Condition, ...]"


Condition = Matches | Missing | NotAfter | After | All | Any


def allowed(lane: Lane, scope: Scope) -> All:
    """What a chunk must fulfil to be found by a lane within a scope."""
    conditions: list[Condition] = []
    for field, values in (("dataset", scope.datasets), ("audience", scope.audiences), ("theme", scope.themes)):
        if values:
            conditions.append(Matches(field, values))
    if scope.departments or not scope.local:
        conditions.append(_unless_limited("departments", scope.departments))
    if not isinstance(lane, ReferenceLane):
        conditions.append(_unless_limited(BRANCHES, scope.branches))
    if isinstance(lane, ReferenceLane):
        conditions.append(Matches("number", (lane.number,)))
        if lane.code_slug:
            conditions.append(Matches("code_slug", (lane.code_slug,)))
    ended = isinstance(lane, ReferenceLane) and lane.ended
    conditions.append(NotAfter("end_date", scope.as_of) if ended else _in_force(scope))
    return All(tuple(conditions), without=(Matches("status", NEVER_IN_FORCE),))


def _unless_limited(field: str, values: tuple[str, ...]) -> Condition:
    """A text that is limited to some values of a field counts only for those."""
    return Any((Missing(field), Matches(field, values))) if values else Missing(field)


def _in_force(scope: Scope) -> Condition:
    dated = All((NotAfter("start_date", scope.as_of), After("end_date", scope.as_of)))
    return dated if scope.as_of < scope.today else Any((Missing("status"), dated))
