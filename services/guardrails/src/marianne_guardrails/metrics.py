"""What the guardrails refuse, how long they take, and how the judge does."""

from prometheus_client import Counter, Histogram

from marianne_chassis.shared_metrics import GUARDRAIL_REJECTIONS, LLM_REQUEST_DURATION, TOKEN_USAGE
from marianne_guardrails.verdicts import Reason

__all__ = [
    "GUARDRAIL_CHECK_SECONDS",
    "GUARDRAIL_REJECTIONS",
    "JUDGEMENTS",
    "JUDGE_REQUESTS",
    "LLM_REQUEST_DURATION",
    "TOKEN_USAGE",
]

for _reason in Reason:
    GUARDRAIL_REJECTIONS.labels(_reason.value)

_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.5, 2.5)

# Stages: input (a message), passages (a call), answer (the rules on a unit), judge (a call).
GUARDRAIL_CHECK_SECONDS = Histogram("guardrail_check_seconds", "Time of one check", ["stage"], buckets=_SECONDS)

JUDGE_REQUESTS = Counter("guardrail_judge_requests", "Calls to the judge by outcome", ["outcome"])
JUDGEMENTS = Counter("guardrail_judgements", "Sentences by what the judge found", ["finding"])
for _outcome in ("ok", "timeout", "error"):
    JUDGE_REQUESTS.labels(_outcome)
