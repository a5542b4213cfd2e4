import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from marianne_orchestrator.audit import AuditLogger
from marianne_orchestrator.checks import GuardrailsUnavailableError
from marianne_orchestrator.events import Degraded, Meta, Sources, Token, Withheld
from marianne_orchestrator.feedback import Feedback, FeedbackBox
from marianne_orchestrator.records import Question, TurnRecord
from marianne_orchestrator.signals import Understood
from support.ports import FakeInputCheck, source

KEY = b"key of the operator"


class Failures:
    def __init__(self) -> None:
        self.count = 0

    def inc(self) -> None:
        self.count += 1


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    return tmp_path / "var" / "audit"


@pytest.fixture(name="failures")
def _failures() -> Failures:
    return Failures()


@pytest.fixture(name="audit")
def _audit(folder: Path, failures: Failures) -> AuditLogger:
    return AuditLogger(folder, KEY, failures)


def lines(folder: Path) -> list[dict[str, Any]]:
    [path] = folder.iterdir()
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def record(thread_id: str = "thread-1", **changes: Any) -> TurnRecord:
    question = Question("Je suis Ana, quel délai ?", thread_id, "message-1", nationality="DZ")
    return TurnRecord(question, asked_at=datetime(2026, 1, 31, 12, 30, 15, 250_000, UTC), **changes)


def meta() -> Meta:
    return Meta("thread-1", "message-1", "0af7", True, "fake-1", "fr", "new", False, None)


def test_a_turn_is_one_line_with_all_that_an_auditor_needs(audit: AuditLogger, folder: Path) -> None:
    turn = record(understood=Understood("Je suis <NAME>, quel délai ?", "fact", "immigration", "quel délai"))
    told = (meta(), Sources((source(1, "Un."), source(2, "Deux."))), Token("Un.", "fr", "cited"), Withheld("actor"))
    for event in (*told, Degraded("redis", "…")):
        turn.note(event)
    turn.done()
    audit.write(turn)
    [line] = lines(folder)
    assert line.pop("latency_ms") >= 0
    assert len(line.pop("thread")) == 32
    assert line == {
        "event": "turn",
        "time": "2026-01-31T12:30:15.250Z",
        "trace_id": "0af7",
        "message_id": "message-1",
        "user_nationality": "DZ",
        "intent": "fact",
        "topic": "immigration",
        "language": "fr",
        "query": "Je suis <NAME>, quel délai ?",
        "retrieval_query": "quel délai",
        "source_ids": ["chunk-1", "chunk-2"],
        "verdicts": {"cited": 1, "withheld": 1},
        "degraded": ["redis"],
        "outcome": "stop",
        "model": "fake-1",
    }


def test_a_turn_that_failed_at_once_has_its_line_too(audit: AuditLogger, folder: Path) -> None:
    audit.write(record(finish_reason="error"))
    [line] = lines(folder)
    assert (line["outcome"], line["query"], line["retrieval_query"], line["trace_id"]) == ("error", "", "", "")


def test_a_question_that_was_not_redacted_is_not_written(audit: AuditLogger, folder: Path) -> None:
    audit.write(record(understood=Understood("", "fact", "immigration", "Je suis Ana, quel délai ?")))
    assert "Ana" not in str(lines(folder))


def test_lines_are_added_one_for_each_turn(audit: AuditLogger, folder: Path) -> None:
    for reason in ("stop", "refused", "cancelled"):
        audit.write(record(finish_reason=reason))
    assert [line["outcome"] for line in lines(folder)] == ["stop", "refused", "cancelled"]


def threads_of(folder: Path) -> list[str]:
    return [line["thread"] for line in lines(folder)]


def test_a_thread_has_one_pseudonym_that_does_not_tell_its_id(audit: AuditLogger, folder: Path) -> None:
    for thread_id in ("thread-1", "thread-1", "thread-2"):
        audit.write(record(thread_id))
    first, again, other = threads_of(folder)
    assert first == again != other
    assert "thread" not in first


def test_another_key_makes_other_pseudonyms(audit: AuditLogger, folder: Path, failures: Failures) -> None:
    audit.write(record())
    AuditLogger(folder, b"another key", failures).write(record())
    assert len(set(threads_of(folder))) == 2


def events(logs: Sequence[Any]) -> list[str]:
    return [log["event"] for log in logs]


def test_a_disk_that_cannot_be_written_costs_counts_and_one_line(tmp_path: Path, failures: Failures) -> None:
    (tmp_path / "file").touch()
    audit = AuditLogger(tmp_path / "file" / "audit", KEY, failures)
    with capture_logs() as logs:
        audit.write(record())
        audit.write(record())
    assert failures.count == 2
    assert events(logs) == ["audit_not_written"]


def test_a_disk_that_recovers_is_written_again(tmp_path: Path, failures: Failures) -> None:
    folder = tmp_path / "audit"
    folder.touch()
    audit = AuditLogger(folder, KEY, failures)
    with capture_logs() as logs:
        audit.write(record())
        folder.unlink()
        audit.write(record())
        assert len(lines(folder)) == 1
        [path] = folder.iterdir()
        path.unlink()
        folder.rmdir()
        folder.touch()
        audit.write(record())
    assert events(logs) == ["audit_not_written", "audit_not_written"]


async def test_feedback_is_written_after_redaction(audit: AuditLogger, folder: Path) -> None:
    await FeedbackBox(audit, FakeInputCheck()).record(Feedback("message-1", "down", "faux", "Ana dit non"))
    [line] = lines(folder)
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "feedback",
        "message_id": "message-1",
        "score": "down",
        "reason": "faux",
        "comment": "<NAME> dit non",
    }


async def test_without_guardrails_the_words_of_feedback_are_dropped(audit: AuditLogger, folder: Path) -> None:
    check = FakeInputCheck()
    check.away = True
    await FeedbackBox(audit, check).record(Feedback("message-1", "up", "juste", "Ana dit oui"))
    [line] = lines(folder)
    assert (line["score"], line["reason"], line["comment"]) == ("up", "", "")
    with pytest.raises(GuardrailsUnavailableError):
        await check.check_input("Ana", "")


async def test_feedback_without_words_asks_nobody(audit: AuditLogger) -> None:
    check = FakeInputCheck()
    await FeedbackBox(audit, check).record(Feedback("message-1", "up", "", "  "))
    assert check.checked == []
