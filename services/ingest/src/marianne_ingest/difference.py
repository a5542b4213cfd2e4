"""What has changed between a source and the index, found without reading unchanged texts or vectors."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import xxhash

from marianne_corpus.analyzer import ANALYZER_VERSION
from marianne_corpus.schema import SCHEMA_VERSION, point_id
from marianne_ingest.chunking import kinds_of, text
from marianne_ingest.errors import SourceError
from marianne_ingest.ledger import Documents, Entry, kept
from marianne_ingest.places import Gazetteer
from marianne_ingest.sources import HASH_COLUMN, Columns, Snapshot


@dataclass
class Difference:
    """A snapshot against the index. `documents` are the snapshot's, `before` those that the index holds.

    `rows` counts what was read, `left_out` offices of other kinds, `refused` rows without ids by reason.
    """

    snapshot: Snapshot
    fingerprint: str
    before: Documents
    documents: Documents = field(default_factory=dict)
    rows: int = 0
    duplicates: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @cached_property
    def changed(self) -> list[str]:
        """The documents to be read: new ones, and those of which a row is new, gone or other than before."""
        return [
            document for document, entries in self.documents.items() if not _same(entries, self.before.get(document))
        ]

    @property
    def vanished(self) -> list[str]:
        return [document for document in self.before if document not in self.documents]

    def summary(self) -> dict[str, int]:
        """Rows that are new, changed, vanished and unchanged."""
        before = {entry.point: entry.key for entries in self.before.values() for entry in entries}
        after = {entry.point: entry.key for entries in self.documents.values() for entry in entries}
        common = before.keys() & after.keys()
        changed = sum(before[point] != after[point] for point in common)
        return {
            "new": len(after) - len(common),
            "changed": changed,
            "vanished": len(before) - len(common),
            "unchanged": len(common) - changed,
        }


def compare(
    snapshot: Snapshot, before: Documents, seen: dict[bytes, object], model: str, gazetteer: Gazetteer
) -> Difference:
    """`seen` are the points and hashes of all sources so far. Raises SourceError."""
    rules = fingerprint(snapshot, model, revision=False)
    found = Difference(snapshot, fingerprint(snapshot, model), before)
    documents: dict[str, list[Entry]] = {}
    for batch in snapshot.keys():  # noqa: SIM118  a method of its own, not a mapping's
        if snapshot.source.places:
            gazetteer.add(batch["addresses"])
        for row in _rows(batch, snapshot.source.layout.columns):
            _account(row, found, documents, seen, rules)
    found.documents = {document: tuple(entries) for document, entries in documents.items()}
    return found


def fingerprint(snapshot: Snapshot, model: str, *, revision: bool = True) -> str:
    """The same for the same data read by the same rules; without the revision, that of the rules alone."""
    source = snapshot.source
    rules = (SCHEMA_VERSION, ANALYZER_VERSION, snapshot.dataset, snapshot.official, model, _stable(source.layout))
    return xxhash.xxh3_64_hexdigest(repr((*rules, snapshot.revision if revision else "")).encode())


def require_no_loss(found: Difference, folders: Sequence[str], ratio: float) -> None:
    """Raises SourceError when a folder is gone or more than that share of the index's chunks would vanish."""
    name = found.snapshot.source.name
    if lost := sorted(set(folders) - set(found.snapshot.folders)):
        raise SourceError(
            f"{name}: folder {lost[0]!r}, which the index was made of, is gone; --rebuild does without it"
        )
    before, after = len(kept(found.before.values())), len(kept(found.documents.values()))
    if after < before * (1 - ratio):
        raise SourceError(
            f"{name}: shrank from {before} to {after} chunks, more than INGEST_MAX_SHRINK_RATIO={ratio:g} allows"
        )


def _rows(batch: Columns, fields: Mapping[str, object]) -> list[dict[str, Any]]:
    names = [name for name in (*fields, HASH_COLUMN) if name in batch]
    return [dict(zip(names, values, strict=True)) for values in zip(*(batch[name] for name in names), strict=True)]


def _account(
    row: dict[str, Any], found: Difference, documents: dict[str, list[Entry]], seen: dict[bytes, object], rules: str
) -> None:
    found.rows += 1
    layout = found.snapshot.source.layout
    chunk_id, doc_id = text(row["chunk_id"]), text(row["doc_id"])
    if not chunk_id or not doc_id:
        found.refused["no chunk_id" if not chunk_id else "no doc_id"] += 1
        return
    if layout.kinds and layout.kinds.isdisjoint(kinds_of(row["kind"])):
        found.refused["another kind of office"] += 1
        return
    point = point_id(found.snapshot.dataset, doc_id, chunk_id).bytes
    key = xxhash.xxh3_64_intdigest(repr((rules, *row.values())).encode())
    content = row.get(HASH_COLUMN, key)
    if point in seen:
        if seen[point] != content:
            raise SourceError(f"{found.snapshot.source.name}: chunk_id {chunk_id!r} stands for two texts")
        found.duplicates += 1
        return
    seen[point] = content
    documents.setdefault(doc_id, []).append(Entry(point, key, text(row.get("status"))))


def _same(entries: Sequence[Entry], before: Sequence[Entry] | None) -> bool:
    return before is not None and [(entry.point, entry.key) for entry in entries] == [
        (entry.point, entry.key) for entry in before
    ]


def _stable(layout: object) -> str:
    """A layout as text; sets have no order of their own."""
    return repr(layout).replace(repr(getattr(layout, "kinds", frozenset())), repr(sorted(getattr(layout, "kinds", ()))))
