"""The numbers of retrieval."""

from datetime import UTC, datetime
from functools import partial

from prometheus_client import Gauge, Histogram

from marianne_corpus.manifest import Manifest

RETRIEVAL_SECONDS = Histogram(
    "rag_retrieval_latency_seconds",
    "From a question to its passages",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0),
)
DATA_AGE_SECONDS = Gauge("legal_data_age_seconds", "Time since the revision of the indexed data", ["dataset"])
INDEX_CHUNKS = Gauge("retrieval_index_chunks", "Chunks of the index that serves, 0 without an index")


def show_index(manifest: Manifest | None) -> None:
    """Without an index the ages are left out; with one they are computed whenever they are scraped."""
    DATA_AGE_SECONDS.clear()
    INDEX_CHUNKS.set(manifest.chunks if manifest else 0)
    for dataset, snapshot_at in manifest.snapshots.items() if manifest else ():
        written = datetime.fromisoformat(snapshot_at).replace(tzinfo=UTC)
        DATA_AGE_SECONDS.labels(dataset).set_function(partial(_seconds_since, written))


def _seconds_since(written: datetime) -> float:
    return (datetime.now(UTC) - written).total_seconds()
