"""A reader's opinion of an answer, kept in the audit trail beside the record of the turn."""

from dataclasses import dataclass
from typing import Literal

from marianne_orchestrator import metrics
from marianne_orchestrator.audit import AuditLogger
from marianne_orchestrator.checks import GuardrailsUnavailableError, InputCheck

Score = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Feedback:
    message_id: str
    score: Score
    reason: str = ""
    comment: str = ""


class FeedbackBox:
    def __init__(self, audit: AuditLogger, input_check: InputCheck) -> None:
        self._audit = audit
        self._input_check = input_check

    async def record(self, feedback: Feedback) -> None:
        """Free text is kept only after redaction; while the guardrails are away it is dropped."""
        metrics.USER_FEEDBACK.labels(feedback.score).inc()
        self._audit.write_feedback(
            feedback.message_id,
            feedback.score,
            await self._redacted(feedback.reason),
            await self._redacted(feedback.comment),
        )

    async def _redacted(self, text: str) -> str:
        if not text.strip():
            return ""
        try:
            return (await self._input_check.check_input(text, "")).text
        except GuardrailsUnavailableError:
            return ""
