"""How many attacks the guardrails refuse, and how many harmless messages and passages.

    python -m benchmarks.injection [--cases FILE.jsonl[.gz]] [--json FILE]

A case is one JSON line: text, label (1 an attack), category, lang, where (user or document), half. A message longer
than the limit counts as refused, as it is; `too_long` says how many.
"""

import argparse
import json
from pathlib import Path
from typing import Final

from benchmarks.detection import Case, Judged, judge, read_cases, report, show, speed

from marianne_guardrails.input_checks import check_input, check_passage
from marianne_guardrails.verdicts import Reason

_CASES: Final = Path(__file__).parent / "cases" / "injection.jsonl"


def detect(case: Case) -> tuple[bool, str]:
    """Through the checks that the service makes of a message, or of a passage."""
    is_document = case.fields.get("where") == "document"
    reason = check_passage(case.text) if is_document else check_input(case.text).reason
    return reason is not None, reason or ""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.injection", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cases", type=Path, default=_CASES)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--least-recall", type=float, default=0.95)
    parser.add_argument("--highest-fpr", type=float, default=0.005)
    return parser.parse_args()


def too_long(judged: list[Judged]) -> int:
    return sum(row.reason == Reason.TOO_LONG for row in judged)


def main() -> None:
    options = _options()
    cases = read_cases(options.cases)
    judged = judge(cases, detect)
    found = report(judged, least_recall=options.least_recall, highest_fpr=options.highest_fpr)
    found |= {"too_long": too_long(judged), **speed(cases, detect)}
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
