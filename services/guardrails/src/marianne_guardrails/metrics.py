"""What the guardrails refuse, and how long they take."""

from prometheus_client import Counter, Histogram

from marianne_guardrails.verdicts import Reason

GUARDRAIL_REJECTIONS = Counter("guardrail_rejections", "Messages, passages and sentences refused", ["reason"])
for _reason in Reason:
    GUARDRAIL_REJECTIONS.labels(_reason.value)

_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5)

# Stages: input (a message), passages (a call), answer (a unit).
GUARDRAIL_CHECK_SECONDS = Histogram("guardrail_check_seconds", "Time of one check", ["stage"], buckets=_SECONDS)
