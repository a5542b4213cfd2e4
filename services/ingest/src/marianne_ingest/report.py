"""What the command says: one line for each source, in plain figures."""

from collections.abc import Iterator, Sequence
from typing import Final

from marianne_corpus.manifest import Manifest, SourceRecord
from marianne_ingest.plan import Plan
from marianne_ingest.sources import Snapshot

_ASSUMED_CHUNKS_PER_S: Final = 1_500.0
_ASSUMED_MBIT_PER_S: Final = 20.0


def describe_index(manifest: Manifest) -> Iterator[str]:
    for source in manifest.sources:
        origin = "official" if source.official else "NOT OFFICIAL"
        statuses = ", ".join(f"{status} {chunks}" for status, chunks in sorted(source.statuses.items()))
        yield (
            f"{source.name}: {source.chunks} chunks of {source.documents} documents, {origin}, "
            f"state of {source.snapshot_at}, revision {source.revision[:12]}; {source.rows} rows read, "
            f"{source.duplicates} duplicates, {_rejected(source)}, {source.seconds:.1f} s"
            f"{f'; {statuses}' if statuses else ''}"
        )
    vectors = f", vectors of {manifest.embedding_model}, {manifest.embedding_dim} numbers each"
    yield (
        f"index {manifest.generation}: {manifest.chunks} chunks{vectors if manifest.embedding_model else ''}, "
        f"optimized in {manifest.optimize_seconds:.1f} s"
    )


def describe_difference(plan: Plan) -> Iterator[str]:
    """What this run changes, by source."""
    for difference in plan.differences:
        counts = ", ".join(f"{count} {what}" for what, count in difference.summary().items())
        yield f"{difference.snapshot.source.name}: {counts}"
    for record in plan.untouched:
        yield f"{record.name}: not read, {record.chunks} chunks stay"


def describe_plan(snapshots: Sequence[Snapshot], current: Manifest | None, *, remote: bool) -> Iterator[str]:
    """What a build would read and how long it would take, from the speed of the last build on this index if any."""
    rate, known = _chunks_per_s(current)
    seconds = 0.0
    for snapshot in snapshots:
        fetch = snapshot.wanted_bytes * 8 / (_ASSUMED_MBIT_PER_S * 1e6) if remote else 0.0
        seconds += fetch + snapshot.rows / rate
        yield (
            f"{snapshot.source.name}: {snapshot.rows} rows in {len(snapshot.files)} files, "
            f"{snapshot.wanted_bytes / 1e6:.1f} MB to read, state of {snapshot.snapshot_at}, "
            f"revision {snapshot.revision[:12]}"
        )
    speed = f"{rate:.0f} rows/s ({'measured at the last build' if known else 'assumed'})"
    line = f" and a line of {_ASSUMED_MBIT_PER_S:.0f} Mbit/s (assumed)" if remote else ""
    yield f"about {_spoken(seconds)} at {speed}{line}"


def _rejected(source: SourceRecord) -> str:
    reasons = ", ".join(f"{reason}: {rows}" for reason, rows in source.rejected.items())
    return f"{sum(source.rejected.values())} rejected{f' ({reasons})' if reasons else ''}"


def _chunks_per_s(current: Manifest | None) -> tuple[float, bool]:
    seconds = sum(source.seconds for source in current.sources) if current else 0.0
    return (current.chunks / seconds, True) if current and seconds else (_ASSUMED_CHUNKS_PER_S, False)


def _spoken(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
