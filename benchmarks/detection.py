"""What a detector of attacks or of personal data is worth: how much it finds, and how much that is not there."""

import gzip
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.grounding_scores import interval

_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Case:
    """A text, whether it holds what is looked for, and where it comes from; `fields` is the whole row."""

    text: str
    is_positive: bool
    category: str
    language: str
    half: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    case: Case
    is_found: bool
    reason: str = ""


Detect = Callable[[Case], tuple[bool, str]]


def read_cases(path: Path) -> list[Case]:
    """Rows of JSON, one a line. Raises ValueError for a row without `text` or `label`."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [_case(number, json.loads(line)) for number, line in enumerate(raw.splitlines(), start=1)]


def _case(number: int, row: dict[str, Any]) -> Case:
    if missing := {"text", "label"} - row.keys():
        raise ValueError(f"line {number}: {', '.join(sorted(missing))} missing")
    return Case(row["text"], row["label"] == 1, row.get("category", ""), row.get("lang", ""), row.get("half", ""), row)


def judge(cases: Iterable[Case], detect: Detect) -> list[Judged]:
    return [Judged(case, *detect(case)) for case in cases]


def figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """Shares are 0 for an empty set; `intervals` says how far each can be trusted."""
    positive = [row.is_found for row in judged if row.case.is_positive]
    negative = [row.is_found for row in judged if not row.case.is_positive]
    return {
        "positive": len(positive),
        "negative": len(negative),
        "recall": sum(positive) / max(len(positive), 1),
        "fpr": sum(negative) / max(len(negative), 1),
        "intervals": {
            "recall": interval(sum(positive), len(positive)),
            "fpr": interval(sum(negative), len(negative)),
        },
    }


def report(judged: Sequence[Judged], *, least_recall: float, highest_fpr: float) -> dict[str, Any]:
    """All figures, and whether the bars hold. A side without rows has no bar."""
    whole = figures(judged)
    bars = {"recall": whole["recall"] >= least_recall} if whole["positive"] else {}
    if whole["negative"]:
        bars["fpr"] = whole["fpr"] <= highest_fpr
    return {
        **whole,
        "bars": bars,
        "ok": bool(bars) and all(bars.values()),
        "by_half": _by(judged, lambda row: row.case.half),
        "by_category": _by(judged, lambda row: row.case.category),
        "by_lang": _by(judged, lambda row: row.case.language),
    }


def _by(judged: Sequence[Judged], key: Callable[[Judged], str]) -> dict[str, Any]:
    groups: defaultdict[str, list[Judged]] = defaultdict(list)
    for row in judged:
        groups[key(row)].append(row)
    return {name: figures(group) for name, group in sorted(groups.items())}


def speed(cases: Sequence[Case], detect: Detect) -> dict[str, float]:
    """Milliseconds of CPU a text; of each text the fastest of three."""
    spent = sorted(min(_spent(detect, case) for _ in range(_ROUNDS)) for case in cases)
    return {f"ms_p{rank}": spent[min(len(spent) - 1, len(spent) * rank // 100)] for rank in (50, 99)} if spent else {}


def _spent(detect: Detect, case: Case) -> float:
    start = time.thread_time()
    detect(case)
    return (time.thread_time() - start) * 1e3


def show(found: Mapping[str, Any]) -> None:
    print(f"{'':22} {'of':>5} {'recall':>7} {'95 %':>13} {'of':>5} {'fpr':>7} {'95 %':>13}")
    for group in ("by_half", "by_lang", "by_category"):
        for name, some in found[group].items():
            print(_line(name, some))
    print(_line("all", found))
    print(f"ms p50 {found['ms_p50']:.2f}, p99 {found['ms_p99']:.2f}; bars {found['bars']}")


def _line(name: str, some: Mapping[str, Any]) -> str:
    cells = [f"{name:22}"]
    for share, of in (("recall", "positive"), ("fpr", "negative")):
        low, high = some["intervals"][share]
        cells.append(f"{some[of]:5} {some[share]:7.3f} {low:6.3f}-{high:.3f} " if some[of] else " " * 28)
    return " ".join(cells).rstrip()
