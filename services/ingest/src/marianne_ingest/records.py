"""What the manifest says of each source."""

from collections import Counter

from marianne_corpus.manifest import SourceRecord
from marianne_ingest.difference import Difference
from marianne_ingest.errors import SourceError
from marianne_ingest.ledger import Documents, kept


def record_of(found: Difference, documents: Documents) -> SourceRecord:
    chunks = kept(documents.values())
    rejected = Counter(entry.rejected for entries in documents.values() for entry in entries if entry.rejected)
    return SourceRecord(
        name=found.snapshot.source.name,
        dataset=found.snapshot.dataset,
        fingerprint=found.fingerprint,
        folders=list(found.snapshot.folders),
        official=found.snapshot.official,
        revision=found.snapshot.revision,
        snapshot_at=found.snapshot.snapshot_at,
        rows=found.rows,
        chunks=len(chunks),
        documents=sum(any(not entry.rejected for entry in entries) for entries in documents.values()),
        duplicates=found.duplicates,
        rejected=dict(found.refused + rejected),
        statuses=dict(Counter(entry.status for entry in chunks if entry.status)),
        seconds=round(found.seconds, 3),
    )


def require_chunks(record: SourceRecord, found: Difference, max_shrink_ratio: float) -> None:
    """Raises SourceError when a source has come to nothing, or to much less than the index holds of it."""
    before = len(kept(found.before.values()))
    if record.chunks == 0:
        raise SourceError(f"{record.name}: none of its {record.rows} rows is a text that can be cited")
    if record.chunks < before * (1 - max_shrink_ratio):
        raise SourceError(
            f"{record.name}: shrank from {before} to {record.chunks} chunks, more than "
            f"INGEST_MAX_SHRINK_RATIO={max_shrink_ratio:g} allows"
        )
