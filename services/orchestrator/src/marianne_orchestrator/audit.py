"""The audit trail: one JSON line for each turn, failures and refusals too."""

import hashlib
import hmac
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import orjson
import structlog

from marianne_orchestrator.records import TurnRecord

logger = structlog.get_logger(__name__)


class FailureCounter(Protocol):
    def inc(self) -> None: ...


class AuditLogger:
    """Appends to one file a process. A disk that cannot be written costs a count and one log line, never an answer."""

    def __init__(self, directory: Path, key: bytes, failures: FailureCounter) -> None:
        """`key` makes the pseudonyms of threads."""
        self._path = directory / f"audit-{socket.gethostname()}-{os.getpid()}.jsonl"
        self._key = key
        self._failures = failures
        self._failing = False

    def write(self, record: TurnRecord) -> None:
        self._append(self._turn(record))

    def write_feedback(self, message_id: str, score: str, reason: str, comment: str) -> None:
        """`reason` and `comment` must be redacted."""
        self._append(
            {
                "event": "feedback",
                "time": _utc(datetime.now(UTC)),
                "message_id": message_id,
                "score": score,
                "reason": reason,
                "comment": comment,
            }
        )

    def _append(self, record: dict[str, object]) -> None:
        line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab", buffering=0) as file:
                file.write(line)
        except OSError as error:
            self._failures.inc()
            if not self._failing:
                logger.error("audit_not_written", error=type(error).__name__)  # noqa: TRY400  a path, no traceback
            self._failing = True
        else:
            self._failing = False

    def _turn(self, record: TurnRecord) -> dict[str, object]:
        meta, understood = record.meta, record.understood
        return {
            "event": "turn",
            "time": _utc(record.asked_at),
            "trace_id": meta.trace_id if meta else "",
            "message_id": record.question.message_id,
            "thread": self._pseudonym(record.question.thread_id),
            "user_nationality": record.question.nationality,
            "intent": understood.intent if understood else "",
            "topic": understood.topic if understood else "",
            "language": meta.language if meta else "",
            "query": understood.question if understood else "",
            "retrieval_query": understood.query if understood and understood.question else "",
            "source_ids": record.source_ids,
            "verdicts": dict(record.grounding),
            "degraded": record.degraded,
            "outcome": record.finish_reason,
            "model": meta.model if meta else "",
            "latency_ms": record.timings.get("total_ms"),
        }

    def _pseudonym(self, thread_id: str) -> str:
        return hmac.new(self._key, thread_id.encode(), hashlib.sha256).hexdigest()[:32]


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
