"""The numbers of retrieval."""

from datetime import UTC, datetime
from functools import partial

import structlog
from prometheus_client import Counter, Gauge, Histogram

from marianne_retrieval.index_watch import Served
from marianne_retrieval.models import Dependency

log = structlog.get_logger()

RETRIEVAL_SECONDS = Histogram(
    "rag_retrieval_latency_seconds",
    "From a question to its passages",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0),
)
DATA_AGE_SECONDS = Gauge("legal_data_age_seconds", "Time since the revision of the indexed data", ["dataset"])
DEGRADED = Counter("retrieval_degraded", "Searches that had to do without a model", ["dependency"])
OPEN_SECONDS = Gauge("retrieval_index_open_seconds", "What opening the index that serves took, its words included")
INDEX_CHUNKS = Gauge("retrieval_index_chunks", "Chunks of the index that serves, 0 without an index")


def show_index(served: Served | None) -> None:
    """Without an index the ages are left out; with one they are computed whenever they are scraped."""
    DATA_AGE_SECONDS.clear()
    INDEX_CHUNKS.set(served.manifest.chunks if served else 0)
    OPEN_SECONDS.set(served.opened_in_s if served else 0)
    for dataset, snapshot_at in served.manifest.snapshots.items() if served else ():
        written = datetime.fromisoformat(snapshot_at).replace(tzinfo=UTC)
        DATA_AGE_SECONDS.labels(dataset).set_function(partial(_seconds_since, written))


def model_unavailable(dependency: Dependency, reason: str) -> None:
    DEGRADED.labels(dependency).inc()
    log.warning("model_unavailable", dependency=dependency, reason=reason)


def _seconds_since(written: datetime) -> float:
    return (datetime.now(UTC) - written).total_seconds()
