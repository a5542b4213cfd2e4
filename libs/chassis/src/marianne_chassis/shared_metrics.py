"""Numbers that several services keep under one name; only those services import them."""

from prometheus_client import Counter, Gauge, Histogram

ACTIVE_STREAMS = Gauge("chat_active_streams", "Answers under way")
DEGRADED = Counter("degraded", "Answers that went on without a dependency", ["dependency"])
GUARDRAIL_REJECTIONS = Counter("guardrail_rejections", "Messages, passages and sentences refused", ["reason"])

LLM_REQUEST_DURATION = Histogram(
    "llm_request_duration_seconds",
    "From the request to the last token",
    ["model", "operation"],
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 90.0),
)
TOKEN_USAGE = Counter("token_usage", "Tokens that models read and wrote", ["model", "operation", "type"])
