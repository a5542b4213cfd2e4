"""How well rules alone understand a message: its language, topic and intent; and how well they recognise emergencies.

    python -m benchmarks.understanding --cases FILE.jsonl [--emergencies FILE.jsonl] [--json OUT] [--misses HALF]

A row of --cases has question, language, topic, intent, perhaps topics_also_ok (other topics that count as right) and
half. A row of --emergencies has text, language, emergency (true or false), and perhaps half. The rules are those that
the service runs; the language is the one that they detect, never the one of the row.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from marianne_orchestrator.emergencies import Emergencies
from marianne_orchestrator.language_detection import LanguageDetector
from marianne_orchestrator.understanding import Registry

Row = dict[str, Any]
Understand = Callable[[str], tuple[str, str, str]]
"""Message → language, topic, intent."""

Alarm = Callable[[str], bool]
"""Message → whether it is taken for an emergency."""

FIELDS: Final = ("language", "topic", "intent")


@dataclass(frozen=True, slots=True)
class Judged:
    """A row and what was understood of it, in `ms` milliseconds."""

    row: Row
    found: dict[str, str]
    ms: float

    @property
    def half(self) -> str:
        return str(self.row.get("half", "all"))

    def is_right(self, field: str) -> bool:
        accepted = {self.row[field]} | (set(self.row.get("topics_also_ok") or ()) if field == "topic" else set())
        return self.found[field] in accepted


def rules() -> Understand:
    """What the service does before any model is asked."""
    detector, registry = LanguageDetector(), Registry.load()

    def understand(message: str) -> tuple[str, str, str]:
        language = detector.detect(message)
        understood = registry.understand(message, (), language)
        return language, understood.topic, understood.intent

    return understand


def alarm() -> Alarm:
    """What the service does before anything else."""
    detector, emergencies = LanguageDetector(), Emergencies.load()

    def is_emergency(message: str) -> bool:
        return bool(emergencies.recognise(message, detector.detect(message)))

    return is_emergency


def read_rows(path: Path, *fields: str) -> list[Row]:
    """Reads JSON lines. Raises KeyError naming the first field that a row lacks."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    for number, row in enumerate(rows, 1):
        if missing := [field for field in fields if field not in row]:
            raise KeyError(f"{path.name}: row {number} lacks {', '.join(missing)}")
    return rows


def judge(rows: Iterable[Row], understand: Understand) -> Iterator[Judged]:
    """Understands every row, timing it."""
    for row in rows:
        started = time.perf_counter()
        found = understand(row["question"])
        yield Judged(row, dict(zip(FIELDS, found, strict=True)), (time.perf_counter() - started) * 1000)


def report(judged: Sequence[Judged]) -> dict[str, Any]:
    """Accuracies of all rows, of every half and language, confusions and times."""
    return {
        **_accuracies(judged),
        "rows": len(judged),
        "halves": {half: _accuracies(part) for half, part in _parted(judged, lambda one: one.half).items()},
        "languages": {
            half: {
                language: _accuracies(part)
                for language, part in _parted(rows, lambda one: str(one.row["language"])).items()
            }
            for half, rows in _parted(judged, lambda one: one.half).items()
        },
        "confusion": {field: _confusion(judged, field) for field in FIELDS},
        "ms": _times([one.ms for one in judged]),
    }


def report_emergencies(rows: Sequence[Row], is_emergency: Alarm) -> dict[str, Any]:
    """Recall over emergencies and the rate of false alarms over ordinary messages, of every half."""
    found = [(row, is_emergency(row["text"])) for row in rows]
    halves = sorted({str(row.get("half", "all")) for row in rows})
    return {half: _alarms([one for one in found if str(one[0].get("half", "all")) == half]) for half in halves}


def _alarms(found: Sequence[tuple[Row, bool]]) -> dict[str, float]:
    real = [alarm for row, alarm in found if row["emergency"]]
    ordinary = [alarm for row, alarm in found if not row["emergency"]]
    return {
        "emergencies": len(real),
        "recall": _share(real),
        "ordinary": len(ordinary),
        "false_alarm_rate": _share(ordinary),
    }


def _accuracies(judged: Sequence[Judged]) -> dict[str, float]:
    return {f"{field}_accuracy": _share([one.is_right(field) for one in judged]) for field in FIELDS} | {
        "rows": len(judged)
    }


def _share(values: Sequence[bool]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0


def _parted(judged: Iterable[Judged], key: Callable[[Judged], str]) -> dict[str, list[Judged]]:
    parts: dict[str, list[Judged]] = {}
    for one in judged:
        parts.setdefault(key(one), []).append(one)
    return dict(sorted(parts.items()))


def _confusion(judged: Sequence[Judged], field: str) -> dict[str, dict[str, int]]:
    """Expected → found → rows; what `topics_also_ok` accepts stands under what was found."""
    table: dict[str, Counter[str]] = {}
    for one in judged:
        expected = one.found[field] if one.is_right(field) else str(one.row[field])
        table.setdefault(expected, Counter())[one.found[field]] += 1
    return {expected: dict(counts.most_common()) for expected, counts in sorted(table.items())}


def _times(values: Sequence[float]) -> dict[str, float]:
    cuts = quantiles(values, n=100) if len(values) > 1 else [*values] * 99
    return {"mean": round(sum(values) / len(values), 3), "p50": round(cuts[49], 3), "p99": round(cuts[98], 3)}


def _print(figures: dict[str, Any]) -> None:
    print(f"{'half':6} {'language':9} {'rows':>5} {'topic':>7} {'intent':>7} {'language':>9}")
    for half, total in figures["halves"].items():
        for language, part in {**figures["languages"][half], "all": total}.items():
            values = " ".join(f"{part[f'{field}_accuracy']:7.3f}" for field in ("topic", "intent", "language"))
            print(f"{half:6} {language:9} {part['rows']:5} {values}")
    print("ms per question: " + ", ".join(f"{name} {value}" for name, value in figures["ms"].items()))
    for field, table in figures["confusion"].items():
        print(f"\n{field}: expected → found")
        for expected, counts in table.items():
            print(f"  {expected:12} " + ", ".join(f"{found} {count}" for found, count in counts.items()))


def _print_emergencies(halves: dict[str, dict[str, float]]) -> None:
    print("\nemergencies")
    for half, part in halves.items():
        print(
            f"{half:6} recall {part['recall']:.3f} of {part['emergencies']}, "
            f"false alarms {part['false_alarm_rate']:.3f} of {part['ordinary']}"
        )


def _print_misses(judged: Iterable[Judged], half: str) -> None:
    for one in judged:
        wrong = [f"{field} {one.row[field]} → {one.found[field]}" for field in FIELDS if not one.is_right(field)]
        if wrong and one.half == half:
            print(f"[{one.row['language']}] {one.row['question']}\n    {'; '.join(wrong)}")


def _print_wrong_alarms(rows: Iterable[Row], is_emergency: Alarm, half: str) -> None:
    for row in rows:
        if row.get("half") == half and is_emergency(row["text"]) != row["emergency"]:
            print(f"[{row['language']}] {row.get('kind', 'ordinary')}: {row['text']}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exits with 2 for a file that is not as described above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, required=True, help="messages to understand, as JSON lines")
    parser.add_argument("--emergencies", type=Path, help="messages that are an emergency or not, as JSON lines")
    parser.add_argument("--json", type=Path, help="where to write all figures")
    parser.add_argument("--misses", metavar="HALF", help="show what was misunderstood in one half (dev)")
    options = parser.parse_args(arguments)
    try:
        rows = read_rows(options.cases, "question", *FIELDS)
        messages = read_rows(options.emergencies, "text", "emergency") if options.emergencies else []
    except (KeyError, OSError, ValueError) as error:
        print(f"cannot read the cases: {error}", file=sys.stderr)
        return 2
    judged = list(judge(rows, rules()))
    figures = report(judged)
    _print(figures)
    if messages:
        figures["emergencies"] = report_emergencies(messages, alarm())
        _print_emergencies(figures["emergencies"])
        if options.misses:
            _print_wrong_alarms(messages, alarm(), options.misses)
    if options.misses:
        _print_misses(judged, options.misses)
    if options.json:
        options.json.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
