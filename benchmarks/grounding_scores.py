"""What verdicts on labelled claims are worth."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

HARD_TYPES: Final = (
    "number",
    "amount",
    "date",
    "duration",
    "unit",
    "article",
    "article_number",
    "wrong_code",
    "add_hard",
)
"""Types of wrong claims whose fault is a value."""

_Z: Final = 1.959964
_NO_CLAIM: Final = "no_claim"
_SHOWN_AS_TRUE: Final = frozenset({"quoted", "supported", _NO_CLAIM})
_MEANING: Final = ("negation", "permission", "authority")


@dataclass(frozen=True, slots=True)
class Judged:
    """A row and its verdict, with the reason of a withheld one."""

    id: str
    claim: str
    is_faithful: bool
    type: str
    language: str
    half: str
    verdict: str
    reason: str

    @property
    def is_released(self) -> bool:
        return self.verdict != "withheld"


def interval(hits: int, of: int) -> tuple[float, float]:
    """Wilson's score interval at 95 %; the whole range when there is nothing to count.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    if not of:
        return 0.0, 1.0
    share, spread = hits / of, _Z**2 / of
    middle = share + spread / 2
    half = _Z * math.sqrt((share * (1 - share) + spread / 4) / of)
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def detection(rows: Iterable[Judged], verdicts: Collection[str]) -> dict[str, float]:
    """How well `verdicts` tell wrong claims from faithful ones."""
    counts = Counter((row.is_faithful, row.verdict in verdicts) for row in rows)
    hits, false, missed = counts[False, True], counts[True, True], counts[False, False]
    precision, recall = _share(hits, hits + false), _share(hits, hits + missed)
    return {
        "precision": precision,
        "recall": recall,
        "f1": _share(2 * hits, 2 * hits + false + missed),
        "fpr": _share(false, false + counts[True, False]),
    }


def scores(rows: Sequence[Judged], hard_types: Collection[str] = HARD_TYPES) -> dict[str, Any]:
    """The figures of one set of rows. Shares are 0 for an empty set; `intervals` says how far each can be trusted."""
    faithful = [row for row in rows if row.is_faithful]
    wrong = [row for row in rows if not row.is_faithful]
    claims = [row for row in rows if row.type != _NO_CLAIM]
    shares: Mapping[str, tuple[int, int]] = {
        "false_withheld": _count(faithful, lambda row: not row.is_released),
        "false_supported": _count(wrong, lambda row: row.verdict in _SHOWN_AS_TRUE),
        "supported_on_faithful": _count(faithful, lambda row: row.verdict in _SHOWN_AS_TRUE),
        "withheld_recall": _count(wrong, lambda row: not row.is_released),
        "no_claim_on_claims": _count(claims, lambda row: row.verdict == _NO_CLAIM),
    }
    leaks = [row for row in wrong if row.type in hard_types and row.is_released]
    return {
        "rows": len(rows),
        "faithful": len(faithful),
        "wrong": len(wrong),
        "hard_facts": sum(row.type in hard_types for row in wrong),
        "hard_fact_leaks": len(leaks),
        **{name: _share(*counted) for name, counted in shares.items()},
        "reject": detection(rows, {"withheld"}),
        "reject_or_unsure": detection(rows, {"withheld", "cited"}),
        "intervals": {name: interval(*counted) for name, counted in shares.items()},
    }


def by(rows: Iterable[Judged], key: Callable[[Judged], str]) -> dict[str, list[Judged]]:
    groups: defaultdict[str, list[Judged]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(sorted(groups.items()))


def by_type(rows: Iterable[Judged]) -> dict[str, dict[str, Any]]:
    """Rows and verdicts of each type; faithful and wrong rows of one name are told apart by `label`."""
    return {
        kind: {"rows": len(some), "label": int(some[0].is_faithful), **Counter(row.verdict for row in some)}
        for kind, some in by(rows, lambda row: row.type).items()
    }


def bars(figures: Mapping[str, Any], rows: Sequence[Judged], language: str) -> dict[str, bool]:
    """Which demands on one language hold. Nothing that withholds everything, or nothing, meets them all."""
    highest = 0.05 if language == "fr" else 0.08
    met = {
        "false_withheld": figures["false_withheld"] <= highest,
        "hard_fact_leaks": figures["hard_fact_leaks"] == 0,
    }
    if language != "fr":
        return met
    recalls = {kind: [row for row in rows if row.type == kind and not row.is_faithful] for kind in _MEANING}
    return met | {
        "false_supported": figures["false_supported"] <= 0.05,
        "supported_on_faithful": figures["supported_on_faithful"] >= 0.40,
        "withheld_recall": figures["withheld_recall"] >= 0.40,
        "no_claim_on_claims": figures["no_claim_on_claims"] <= 0.03,
        **{
            f"withheld_recall_{kind}": _share(*_count(some, lambda row: not row.is_released)) >= 0.60
            for kind, some in recalls.items()
            if some
        },
    }


def _count(rows: Sequence[Judged], holds: Callable[[Judged], bool]) -> tuple[int, int]:
    return sum(map(holds, rows)), len(rows)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
