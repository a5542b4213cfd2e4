"""Whether a claim says something else than the source sentences it cites, where both speak of the same. French.

Other words never matter here: only a body or act in another's place, a duty or permission turned around, a verb denied
that was asserted, a party in the other's role, « tous » for « certains » and « seulement » for « aussi ».
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from marianne_guardrails.evidence import Evidence, Source
from marianne_guardrails.modality import OPPOSITE, Modality, bound_verbs, is_negative, main_denials
from marianne_guardrails.names import actor, addressed, are_opposed, is_replaced
from marianne_guardrails.opposites import say_the_reverse
from marianne_guardrails.scope import has_alternatives, is_absolute, is_excepted, is_hedged, limits, restricts
from marianne_guardrails.slots import Slot, are_crossed, is_misplaced, is_misranked, is_turned
from marianne_guardrails.standing import other_forms
from marianne_guardrails.terms import roots, roots_of
from marianne_guardrails.verdicts import Reason

_SAME: Final = 2
_ADDRESSED: Final = frozenset({"vous", "votre", "vos"})


def find_fault(claim: Source, cited: Sequence[Source], around: Sequence[Source]) -> Reason | None:
    """The first thing in which a French claim differs from the sentences it cites. `around` are those and the ones that
    speak with them.
    """
    return next(_faults(claim, cited, around), None)


def find_foreign_body(
    claim: Source, around: Iterable[Source], evidence: Evidence, known: frozenset[str]
) -> Reason | None:
    """ACTOR for a body in the place of the one that the sources name, UNSUPPORTED_ENTITY for one that stands nowhere
    and is not `known` from the question. For claims in any language.
    """
    told = frozenset[str]().union(*(source.bodies for source in around))
    if is_replaced(claim.bodies, told, claim.flat):
        return Reason.ACTOR
    foreign = addressed(claim.flat) - evidence.bodies - known
    return Reason.UNSUPPORTED_ENTITY if foreign and foreign - evidence.meant_bodies else None


def _faults(claim: Source, cited: Sequence[Source], around: Sequence[Source]) -> Iterator[Reason]:
    closest = max(cited, key=lambda source: len(source.roots & claim.roots))
    told = " ; ".join(source.flat for source in cited)
    if is_replaced(claim.schemes, frozenset().union(*(source.schemes for source in around)), claim.flat):
        yield Reason.UNSUPPORTED_ENTITY
    if _takes_anothers_part(claim, closest, cited):
        yield Reason.ACTOR
    if not is_excepted(claim.flat) and _turns_modality(claim, closest, cited):
        yield Reason.PERMISSION
    if _ignores_denial(claim, closest) or any(_turns_polarity(claim, source, cited) for source in cited):
        yield Reason.CONTRADICTION
    if len(claim.roots & closest.roots) >= _SAME and say_the_reverse(claim.flat, told):
        yield Reason.CONTRADICTION
    yield from _wider_or_narrower(claim.flat, told)


def _takes_anothers_part(claim: Source, closest: Source, cited: Sequence[Source]) -> bool:
    if are_opposed(actor(claim.flat), actor(closest.flat)):
        return True
    told = frozenset[str]().union(*(source.persons for source in cited))
    return _ADDRESSED.isdisjoint(claim.flat.split()) and are_opposed(claim.persons, told)


def _turns_modality(claim: Source, closest: Source, cited: Sequence[Source]) -> bool:
    told = frozenset[Modality]().union(*(source.modalities for source in cited))
    for modality in claim.modalities - told:
        reverse = OPPOSITE[modality]
        if reverse in closest.modalities and reverse not in claim.modalities:
            return True
    allowed, bound = (_verbs(cited, kind) for kind in (Modality.PERMISSION, Modality.DUTY))
    return bool(roots_of(bound_verbs(claim.flat, Modality.DUTY)) & (allowed - bound))


def _verbs(sources: Iterable[Source], modality: Modality) -> frozenset[str]:
    return frozenset().union(*(roots_of(bound_verbs(source.flat, modality)) for source in sources))


def _turns_polarity(claim: Source, source: Source, cited: Sequence[Source]) -> bool:
    """Whether one denies a verb that the other asserts, and says nothing negative itself."""
    shared = claim.roots & source.roots
    asserted = frozenset[str]().union(*(other.roots - other.denied for other in cited))
    if not is_negative(claim.flat):
        return bool(shared & source.denied - asserted)
    return not any(is_negative(other.flat) for other in cited) and bool(shared & claim.denied)


def _ignores_denial(claim: Source, closest: Source) -> bool:
    """Whether a claim without any negative word speaks of what its source denies outright."""
    if is_negative(claim.flat):
        return False
    return any(len(roots(clause) & claim.roots) >= _SAME for clause in main_denials(closest.flat))


def _wider_or_narrower(claim: str, told: str) -> Iterator[Reason]:
    if is_absolute(claim) and not is_hedged(claim) and is_hedged(told) and not is_absolute(told):
        yield Reason.QUANTIFIER
    if restricts(claim) and not limits(told) and has_alternatives(told):
        yield Reason.RESTRICTION


def misplaces(claim: Source, cited: Sequence[Source]) -> bool:
    """Whether a value of the claim belongs to something else in the cited sentences."""
    told = [slot for source in cited for slot in source.slots]
    slots = _with_units(claim, told)
    claimed = {(slot.kind, slot.value) for slot in (*claim.slots, *slots)}
    claimed |= {form for value in claim.values for form in other_forms(value, claim)}
    if any(is_misplaced(slot, told, claimed) or is_turned(slot, told) for slot in slots):
        return True
    if are_crossed(slots, told):
        return True
    told_ranks = frozenset[tuple[str, str]]().union(*(source.ranks for source in cited))
    same = max(len(claim.roots & source.roots) for source in cited)
    return same > _SAME and is_misranked(claim.ranks, told_ranks)


def _with_units(claim: Source, told: Iterable[Slot]) -> list[Slot]:
    """The slots of a claim, where a number that leaves its unit out has that of its source: « trois mois, ou six »."""
    known = {(slot.kind, slot.value) for slot in told}
    forms: dict[tuple[str, str], tuple[str, str]] = {
        (value.kind, value.value): form
        for value in claim.values
        for form in other_forms(value, claim)
        if form in known and (value.kind, value.value) not in known
    }
    slots = []
    for slot in claim.slots:
        kind, value = forms.get((slot.kind, slot.value), (slot.kind, slot.value))
        slots.append(replace(slot, kind=kind, value=value))
    return slots
