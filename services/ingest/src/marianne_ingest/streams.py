"""The chunks of a snapshot, each once, and the count of what became of its rows."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from marianne_corpus.manifest import SourceRecord
from marianne_corpus.schema import Chunk
from marianne_ingest.chunking import Chunker, RejectedRowError
from marianne_ingest.errors import SourceError
from marianne_ingest.sources import Snapshot


@dataclass(slots=True)
class ChunkStream:
    """One pass over a snapshot. `seen` maps a chunk's point id to a hash of its text, for all streams of an index."""

    snapshot: Snapshot
    chunker: Chunker
    seen: dict[int, int]
    rows: int = 0
    chunks: int = 0
    duplicates: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    documents: set[str] = field(default_factory=set)
    seconds: float = 0.0

    def read(self) -> Iterator[Chunk]:
        """Raises SourceError."""
        for row in self.snapshot.read():
            self.rows += 1
            try:
                chunk = self.chunker.chunk(row)
            except RejectedRowError as reason:
                self.rejected[str(reason)] += 1
                continue
            if self._is_new(chunk):
                self.chunks += 1
                self.documents.add(chunk.doc_id)
                yield chunk
        if self.chunks == 0:
            raise SourceError(f"{self.snapshot.source.name}: none of its {self.rows} rows is a text that can be cited")

    def record(self) -> SourceRecord:
        return SourceRecord(
            name=self.snapshot.source.name,
            dataset=self.snapshot.dataset,
            official=self.snapshot.official,
            revision=self.snapshot.revision,
            snapshot_at=self.snapshot.snapshot_at,
            rows=self.rows,
            chunks=self.chunks,
            documents=len(self.documents),
            duplicates=self.duplicates,
            rejected=dict(self.rejected),
            seconds=round(self.seconds, 3),
        )

    def _is_new(self, chunk: Chunk) -> bool:
        """LEGI's folders overlap, so a chunk may come twice; with another text one of the two would be lost."""
        point, text = chunk.point_id.int, hash(chunk.sentences)
        if point not in self.seen:
            self.seen[point] = text
            return True
        if self.seen[point] != text:
            raise SourceError(f"{self.snapshot.source.name}: chunk_id {chunk.chunk_id!r} stands for two texts")
        self.duplicates += 1
        return False
