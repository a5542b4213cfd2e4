import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.understanding import judge, main, report, report_emergencies

ROWS: list[dict[str, Any]] = [
    {"question": "a", "language": "fr", "topic": "work", "intent": "fact", "half": "dev"},
    {"question": "b", "language": "en", "topic": "tax", "topics_also_ok": ["work"], "intent": "legal", "half": "test"},
]


def always_work(message: str) -> tuple[str, str, str]:
    return "fr", "work", "fact"


def test_accuracies_are_counted_over_all_and_by_half() -> None:
    figures = report(list(judge(ROWS, always_work)))
    assert (figures["topic_accuracy"], figures["intent_accuracy"], figures["language_accuracy"]) == (1.0, 0.5, 0.5)
    assert figures["halves"]["dev"]["intent_accuracy"] == 1.0
    assert figures["languages"]["test"]["en"]["language_accuracy"] == 0.0


def test_what_was_mistaken_for_what_is_told() -> None:
    assert report(list(judge(ROWS, always_work)))["confusion"]["intent"] == {"fact": {"fact": 1}, "legal": {"fact": 1}}


def test_who_always_sounds_the_alarm_has_full_recall_and_only_false_alarms() -> None:
    rows = [{"text": "a", "emergency": True}, {"text": "b", "emergency": False}]
    assert report_emergencies(rows, lambda _: True)["all"] == {
        "emergencies": 1,
        "recall": 1.0,
        "ordinary": 1,
        "false_alarm_rate": 1.0,
    }


def test_a_row_that_lacks_a_field_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_text('{"question": "a", "language": "fr", "topic": "work"}\n', encoding="utf-8")
    assert main(["--cases", str(cases)]) == 2
    assert "row 1 lacks intent" in capsys.readouterr().err


def test_the_figures_are_written_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases, out = tmp_path / "cases.jsonl", tmp_path / "out.json"
    row = {"question": "How do I renew my residence permit?", "language": "en", "topic": "immigration"}
    cases.write_text(json.dumps(row | {"intent": "procedure"}) + "\n", encoding="utf-8")
    assert main(["--cases", str(cases), "--json", str(out)]) == 0
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert {figures[f"{field}_accuracy"] for field in ("topic", "intent", "language")} == {1.0}
    assert "topic" in capsys.readouterr().out
