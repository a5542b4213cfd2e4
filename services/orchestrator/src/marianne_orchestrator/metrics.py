"""The numbers of the orchestrator."""

from prometheus_client import Counter, Histogram

from marianne_chassis.shared_metrics import (
    ACTIVE_STREAMS,
    DEGRADED,
    GUARDRAIL_REJECTIONS,
    LLM_REQUEST_DURATION,
    TOKEN_USAGE,
)

__all__ = [
    "ACTIVE_STREAMS",
    "AUDIT_FAILURES",
    "DEGRADED",
    "GUARDRAILS_REOPENED",
    "GUARDRAIL_REJECTIONS",
    "LLM_REQUEST_DURATION",
    "LLM_TIME_TO_FIRST_TOKEN",
    "SUSPICIOUS_PASSAGES",
    "TOKEN_USAGE",
    "TOPIC_DETECTION",
    "USER_FEEDBACK",
]

_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 90.0)

TOPIC_DETECTION = Counter("topic_detection", "Questions by topic", ["topic"])
GUARDRAILS_REOPENED = Counter("guardrail_checks_reopened", "Answer checks that were continued on another pod")
# Origins: official (fenced, kept), document (a user's, dropped), history (an exchange, dropped).
SUSPICIOUS_PASSAGES = Counter("suspicious_passages", "Texts that give orders to the model", ["origin"])
USER_FEEDBACK = Counter("user_feedback", "Opinions of readers", ["score"])
AUDIT_FAILURES = Counter("audit_write_failures", "Audit records that could not be written")
LLM_TIME_TO_FIRST_TOKEN = Histogram(
    "llm_time_to_first_token_seconds", "From the request to the first token", ["model"], buckets=_SECONDS
)
