"""The documents of a snapshot that have to be read, and what became of their rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from marianne_corpus.schema import Chunk
from marianne_ingest.chunking import Chunker, RejectedRowError, text
from marianne_ingest.difference import Difference
from marianne_ingest.errors import SourceError
from marianne_ingest.ledger import Documents, Entry
from marianne_ingest.share import Share
from marianne_ingest.sources import VECTOR


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk and the embedding that its row carries."""

    chunk: Chunk
    vector: list[float] | None


@dataclass(slots=True)
class DocumentStream:
    """One pass over the changed documents of a snapshot, or a share of them, each row once.

    `vectors` says whether to read them too.
    """

    difference: Difference
    chunker: Chunker
    vectors: bool
    share: Share | None = None
    rejected: dict[bytes, str] = field(default_factory=dict)

    @property
    def assigned(self) -> list[str]:
        changed = self.difference.changed
        return self.share.of(changed) if self.share else changed

    def documents(self) -> Iterator[list[Passage]]:
        """Raises SourceError."""
        assigned = self.assigned
        awaited = {entry.point for document in assigned for entry in self.difference.documents[document]}
        if not awaited:
            return
        doc_ids = None if len(assigned) == len(self.difference.documents) else assigned
        rows = self.difference.snapshot.read(doc_ids, vectors=self.vectors)
        for _, passages in groupby(self._passages(rows, awaited), key=lambda passage: passage.chunk.doc_id):
            yield [*passages]
        if awaited:
            raise SourceError(f"{self.difference.snapshot.source.name}: its files changed while they were read")

    def final(self) -> Documents:
        """The entries of what was read, with what was found out about rejected rows, and of what has not changed."""
        before, assigned = self.difference.before, set(self.assigned)
        return {
            document: tuple(map(self._judged, entries)) if document in assigned else before[document]
            for document, entries in self.difference.documents.items()
            if document in assigned or document in before
        }

    def _judged(self, entry: Entry) -> Entry:
        return Entry(entry.point, entry.key, entry.status, self.rejected.get(entry.point, ""))

    def _passages(self, rows: Iterator[dict[str, Any]], awaited: set[bytes]) -> Iterator[Passage]:
        for row in rows:
            point = self.chunker.point_id(text(row["doc_id"]), text(row["chunk_id"])).bytes
            if point not in awaited:
                continue
            awaited.remove(point)
            try:
                yield Passage(self.chunker.chunk(row), row.get(VECTOR))
            except RejectedRowError as reason:
                self.rejected[point] = str(reason)
