"""Builds an index in a directory. Edge calls hold the interpreter's lock: this belongs in a process of its own."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from qdrant_edge import (
    Distance,
    EdgeConfig,
    EdgeShard,
    EdgeSparseVectorParams,
    EdgeVectorParams,
    Modifier,
    PayloadSchemaType,
    UpdateOperation,
)

from marianne_corpus.index import Hit, Lane, NoIndexError, Point, Scope
from marianne_corpus.manifest import IncompatibleIndexError, Manifest
from marianne_corpus.schema import COLLECTION, DATE_FIELDS, DENSE_VECTOR, KEYWORD_FIELDS, SPARSE_VECTORS
from marianne_corpus.store.edge_files import (
    CURRENT,
    MANIFEST,
    SHARD,
    errors_name,
    read_current,
    read_manifest,
    write_durably,
)
from marianne_corpus.store.edge_query import count, edge_point, search
from marianne_corpus.store.generations import generation_name, outdated
from marianne_corpus.store.telemetry import qdrant_span


class EdgeWriter:
    """Builds generations in a directory, which is created when it is not there."""

    def __init__(self, index_dir: Path) -> None:
        self._index_dir = index_dir

    async def current(self) -> Manifest | None:
        try:
            return read_manifest(self._index_dir, read_current(self._index_dir))
        except (NoIndexError, IncompatibleIndexError):
            return None

    async def begin(self, dimension: int = 0) -> "EdgeGeneration":
        return EdgeGeneration(self._index_dir, generation_name(), dimension)

    async def close(self) -> None:
        """Nothing is held between generations."""


class EdgeGeneration:
    """A generation under construction, in its own directory."""

    def __init__(self, index_dir: Path, name: str, dimension: int) -> None:
        self.name = name
        self._index_dir = index_dir
        self._directory = index_dir / name
        with errors_name(index_dir):
            shard = self._directory / SHARD
            shard.mkdir(parents=True)
            self._shard = EdgeShard.create(str(shard), _config(dimension))
            for field in KEYWORD_FIELDS:
                self._shard.update(UpdateOperation.create_field_index(field, PayloadSchemaType.Keyword))
            for field in DATE_FIELDS:
                self._shard.update(UpdateOperation.create_field_index(field, PayloadSchemaType.Datetime))

    async def upsert(self, points: Sequence[Point]) -> None:
        with errors_name(self._index_dir), qdrant_span("upsert", COLLECTION):
            self._shard.update(UpdateOperation.upsert_points([edge_point(point) for point in points]))

    async def lanes(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> list[list[Hit]]:
        with errors_name(self._index_dir):
            return search(self._shard, lanes, scope)

    async def count(self, *, timeout_s: float) -> int:
        with errors_name(self._index_dir):
            return count(self._shard)

    async def attach(self, name: str, content: bytes) -> None:
        with errors_name(self._index_dir):
            write_durably(self._directory / name, content)

    async def seal(self, manifest: Manifest) -> None:
        with errors_name(self._index_dir), qdrant_span("optimize", COLLECTION):
            self._shard.optimize()
            self._shard.flush()
            write_durably(self._directory / MANIFEST, manifest.to_json())

    async def switch(self) -> None:
        self._shard.close()
        with errors_name(self._index_dir):
            current = self._index_dir / CURRENT
            previous = current.read_text(encoding="ascii", errors="replace").strip() if current.exists() else self.name
            write_durably(current, f"{self.name}\n".encode("ascii"))
            generations = [path.parent.name for path in self._index_dir.glob(f"*/{SHARD}")]
            for name in outdated(generations, {self.name, previous}):
                shutil.rmtree(self._index_dir / name)

    async def discard(self) -> None:
        self._shard.close()
        with errors_name(self._index_dir):
            shutil.rmtree(self._directory)


def _config(dimension: int) -> EdgeConfig:
    """Without a write-ahead log a generation is durable once it is sealed, which is all that a switch needs."""
    return EdgeConfig(
        vectors={DENSE_VECTOR: EdgeVectorParams(dimension, Distance.Cosine)} if dimension else None,
        sparse_vectors={name: EdgeSparseVectorParams(modifier=Modifier.Idf) for name in SPARSE_VECTORS},
        wal_enabled=False,
    )
