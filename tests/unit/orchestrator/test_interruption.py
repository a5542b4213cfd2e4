import json
from pathlib import Path

from marianne_orchestrator.audit import AuditLogger
from marianne_orchestrator.events import Done, Error, Event, Meta, Status, Token
from marianne_orchestrator.interruption import AuditedInterruption
from marianne_orchestrator.metrics import AUDIT_FAILURES
from support.turns import texts

TRACE_ID = "ab" * 16
META = Meta("t1", "m1", TRACE_ID, True, "fake-1", "en", "new", True, None)
TOLD: list[Event] = [META, Status("answering"), Token("Two months.", "en", "cited", ("1.1",))]


def test_the_last_words_are_in_the_language_of_the_answer_and_count_what_was_released(tmp_path: Path) -> None:
    interruption = AuditedInterruption(texts(), AuditLogger(tmp_path, b"key", AUDIT_FAILURES))
    error, done = interruption.last_words(TOLD)
    assert error == Error("interrupted", texts().get("error.interrupted", "en"), retryable=True)
    assert done == Done("interrupted", grounding={"cited": 1})


def test_a_turn_that_died_before_it_said_anything_ends_in_french(tmp_path: Path) -> None:
    interruption = AuditedInterruption(texts(), AuditLogger(tmp_path, b"key", AUDIT_FAILURES))
    error, _ = interruption.last_words([])
    assert error.message == texts().get("error.interrupted", "fr")


def test_the_attempt_is_audited_without_its_question(tmp_path: Path) -> None:
    AuditedInterruption(texts(), AuditLogger(tmp_path, b"key", AUDIT_FAILURES)).record("m1", TOLD)
    [path] = tmp_path.glob("*.jsonl")
    [line] = path.read_text(encoding="utf-8").splitlines()
    record = json.loads(line)
    assert (record["outcome"], record["message_id"], record["trace_id"]) == ("interrupted", "m1", TRACE_ID)
    assert (record["query"], record["verdicts"], record["latency_ms"]) == ("", {"cited": 1}, None)
