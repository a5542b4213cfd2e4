"""Numbers that several services keep under one name; only those services import them."""

from prometheus_client import Counter, Gauge

ACTIVE_STREAMS = Gauge("chat_active_streams", "Answers under way")
DEGRADED = Counter("degraded", "Answers that went on without a dependency", ["dependency"])
