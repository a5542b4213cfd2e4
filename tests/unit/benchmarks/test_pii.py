from pathlib import Path

import pytest
from benchmarks.detection import Case, judge, read_cases, report
from benchmarks.pii import detect

CASES = Path(__file__).parents[3] / "benchmarks" / "cases" / "pii.jsonl"


@pytest.mark.parametrize("verdict", [True, False])
def test_a_checker_that_redacts_everything_or_nothing_fails(verdict: bool) -> None:
    found = report(judge(read_cases(CASES), lambda _: (verdict, "")), least_recall=0.5, highest_fpr=0.5)

    assert not found["ok"]


def test_the_service_finds_personal_data_and_leaves_public_numbers_alone() -> None:
    found = report(judge(read_cases(CASES), detect), least_recall=0.95, highest_fpr=0.02)

    assert found["ok"], found["bars"]


def test_what_is_left_of_one_span_counts_as_missed() -> None:
    text = "Je suis au 06 12 34 56 78, chez Ana."
    spans = [{"start": 11, "end": 25, "type": "phone"}, {"start": 32, "end": 35, "type": "name"}]

    assert detect(Case(text, True, "", "fr", "", {"spans": spans[:1]}))[0]
    assert not detect(Case(text, True, "", "fr", "", {"spans": spans}))[0]
