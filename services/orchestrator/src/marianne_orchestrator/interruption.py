"""How the turn of a process that died ends for those who still read it, and in the audit trail."""

from collections.abc import Sequence
from typing import Protocol

from marianne_orchestrator.audit import AuditLogger
from marianne_orchestrator.events import Done, Error, Event, Meta
from marianne_orchestrator.records import Question, TurnRecord
from marianne_orchestrator.texts import Texts


class Interruption(Protocol):
    def last_words(self, told: Sequence[Event]) -> tuple[Error, Done]:
        """What follows the events that a dead owner left behind."""
        ...

    def record(self, message_id: str, told: Sequence[Event]) -> None:
        """Keeps the attempt, once, in the place of its owner."""
        ...


class AuditedInterruption:
    def __init__(self, texts: Texts, audit: AuditLogger) -> None:
        self._texts = texts
        self._audit = audit

    def last_words(self, told: Sequence[Event]) -> tuple[Error, Done]:
        meta = _meta(told)
        message = self._texts.get("error.interrupted", meta.language if meta else "fr")
        done = Done("interrupted", grounding=dict(_record("", told).grounding))
        return Error("interrupted", message, retryable=True), done

    def record(self, message_id: str, told: Sequence[Event]) -> None:
        self._audit.write(_record(message_id, told))


def _record(message_id: str, told: Sequence[Event]) -> TurnRecord:
    """The question itself died with its owner: the log holds only what was released."""
    meta = _meta(told)
    record = TurnRecord(Question("", meta.thread_id if meta else "", message_id), finish_reason="interrupted")
    for event in told:
        record.note(event)
    return record


def _meta(told: Sequence[Event]) -> Meta | None:
    return next((event for event in told if isinstance(event, Meta)), None)
