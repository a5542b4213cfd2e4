"""Whether a claim without fault agrees with its sources closely enough to be shown as supported without a judge."""

from collections.abc import Sequence
from typing import Final

from marianne_guardrails.evidence import Source
from marianne_guardrails.modality import Modality, is_negative
from marianne_guardrails.scope import is_absolute, is_bound, is_hedged

_WITH_VALUES: Final = 0.45
_WITHOUT: Final = 0.55
_FACT: Final = 2
_FEWEST: Final = 3


def says_the_same(claim: Source, cited: Sequence[Source], around: Sequence[Source]) -> bool:
    """Whether about half of what a claim says stands in its sources, a value counting as two words (a little more of a
    claim without values), and it binds, denies and reaches as they do. `around` are the cited sentences and those
    that speak with them.
    """
    needed = _WITH_VALUES if claim.values else _WITHOUT
    return _share(claim, around) >= needed and _binds_alike(claim, around) and _reaches_alike(claim, cited, around)


def _share(claim: Source, around: Sequence[Source]) -> float:
    """The share of the words, values and names of a claim that its sources have too; 0 for one that says little."""
    names, facts = claim.names, {(value.kind, value.value) for value in claim.values}
    said = len(claim.roots) + len(names) + _FACT * len(facts)
    told = frozenset[str]().union(*(source.roots for source in around))
    told_names = frozenset[str]().union(*(source.names for source in around))
    shared = len(claim.roots & told) + len(names & told_names) + _FACT * len(facts)
    return shared / said if said >= _FEWEST else 0.0


def _binds_alike(claim: Source, around: Sequence[Source]) -> bool:
    told = frozenset[Modality]().union(*(source.modalities for source in around))
    return claim.modalities <= told and is_negative(claim.flat) <= any(is_negative(source.flat) for source in around)


def _reaches_alike(claim: Source, cited: Sequence[Source], around: Sequence[Source]) -> bool:
    if is_absolute(claim.flat) and not any(is_absolute(source.flat) for source in around):
        return False
    if any(is_bound(source.flat) for source in cited) and not is_bound(claim.flat):
        return False
    return is_hedged(claim.flat) or not any(is_hedged(source.flat) for source in around)
