"""How much personal data the guardrails replace, and how often they replace what is none.

    python -m benchmarks.pii [--cases FILE.jsonl[.gz]] [--json FILE]

A case is one JSON line: text, label (1 holds personal data), spans ({start, end, type}), category, lang, half. Personal
data are found when nothing of their spans is left in the redacted text; without spans, when anything was replaced.
"""

import argparse
import json
from pathlib import Path
from typing import Final

from benchmarks.detection import Case, judge, read_cases, report, show, speed

from marianne_guardrails.input_checks import check_input

_CASES: Final = Path(__file__).parent / "cases" / "pii.jsonl"


def detect(case: Case) -> tuple[bool, str]:
    """Through the check that the service makes of a message."""
    verdict = check_input(case.text)
    spans = [case.text[span["start"] : span["end"]] for span in case.fields.get("spans") or ()]
    is_left = any(span in verdict.redacted_text for span in spans)
    return bool(verdict.pii_types) and not is_left, ",".join(verdict.pii_types)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pii", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cases", type=Path, default=_CASES)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--least-recall", type=float, default=0.95)
    parser.add_argument("--highest-fpr", type=float, default=0.01)
    return parser.parse_args()


def main() -> None:
    options = _options()
    cases = read_cases(options.cases)
    found = report(judge(cases, detect), least_recall=options.least_recall, highest_fpr=options.highest_fpr)
    found |= speed(cases, detect)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
