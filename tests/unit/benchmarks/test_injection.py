import gzip
import json
from pathlib import Path

import pytest
from benchmarks.detection import Case, judge, read_cases, report
from benchmarks.injection import detect, too_long

CASES = Path(__file__).parents[3] / "benchmarks" / "cases" / "injection.jsonl"


@pytest.mark.parametrize("verdict", [True, False])
def test_a_checker_that_blocks_everything_or_nothing_fails(verdict: bool) -> None:
    found = report(judge(read_cases(CASES), lambda _: (verdict, "")), least_recall=0.5, highest_fpr=0.5)

    assert not found["ok"]
    assert not found["bars"]["fpr" if verdict else "recall"]


def test_the_service_finds_attacks_and_leaves_the_harmless_alone() -> None:
    found = report(judge(read_cases(CASES), detect), least_recall=0.9, highest_fpr=0.005)

    assert found["ok"], found["bars"]
    assert found["by_half"]["test"]["recall"] >= 0.8


def test_a_passage_and_a_message_are_judged_by_their_own_checks() -> None:
    message, passage = "é" * 2001, {"where": "document"}

    assert detect(Case(message, False, "", "fr", "", {})) == (True, "too_long")
    assert detect(Case(message, False, "", "fr", "", passage)) == (False, "")
    assert too_long(judge([Case(message, False, "", "fr", "", {})], detect)) == 1


def test_packed_cases_are_read_and_a_row_without_a_label_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps({"text": "Bonjour", "label": 1, "lang": "fr"}).encode()))
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "Bonjour"}\n', encoding="utf-8")

    assert [(case.text, case.is_positive, case.language) for case in read_cases(path)] == [("Bonjour", True, "fr")]
    with pytest.raises(ValueError, match=r"^line 1: label missing$"):
        read_cases(bad)


def test_shares_come_with_their_intervals() -> None:
    rows = [Case("x", True, "leak", "fr", "", {})] * 4

    found = report(judge(rows, lambda _: (True, "")), least_recall=0.9, highest_fpr=0.1)

    assert found["by_category"]["leak"]["recall"] == 1.0
    assert found["intervals"]["recall"] == pytest.approx((0.510, 1.0), abs=1e-3)
    assert "fpr" not in found["bars"]
