"""Builds an index in a directory. Edge calls hold the interpreter's lock: this belongs in a process of its own."""

import fcntl
import os
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

from qdrant_edge import (
    Distance,
    EdgeConfig,
    EdgeShard,
    EdgeSparseVectorParams,
    EdgeVectorParams,
    Memory,
    Modifier,
    PayloadSchemaType,
    UpdateOperation,
)

from marianne_corpus.index import Hit, Lane, LeaseHeldError, NoIndexError, Point, Scope, StoreUnavailableError
from marianne_corpus.manifest import IncompatibleIndexError, Manifest
from marianne_corpus.schema import (
    COLLECTION,
    DATE_FIELDS,
    DENSE_VECTOR,
    KEYWORD_FIELDS,
    SPARSE_VECTORS,
    Chunk,
)
from marianne_corpus.store.edge_files import (
    CURRENT,
    MANIFEST,
    SHARD,
    errors_name,
    read_attachment,
    read_current,
    read_manifest,
    write_durably,
)
from marianne_corpus.store.edge_query import count, edge_point, fetch, search
from marianne_corpus.store.generations import before, generation_name, is_generation, superfluous
from marianne_corpus.store.sparse_copy import copy_with_holes
from marianne_corpus.store.telemetry import qdrant_span

_LEASE: Final = "LEASE"
_POINTS_BETWEEN_OPENINGS: Final = 25_000
"""What is written to mapped files counts as memory of this process until they are closed."""


class EdgeWriter:
    """Builds generations in a directory, which is created when it is not there."""

    def __init__(self, index_dir: Path) -> None:
        self._index_dir = index_dir

    @asynccontextmanager
    async def lease(self, run_id: str, seconds: float) -> AsyncIterator[None]:
        """The operating system gives the lock back when its holder ends, however it ends."""
        with errors_name(self._index_dir):
            self._index_dir.mkdir(parents=True, exist_ok=True)
            lease = os.open(self._index_dir / _LEASE, os.O_RDWR | os.O_CREAT)
        try:
            self._lock(lease, run_id)
            yield
        finally:
            os.close(lease)

    def _lock(self, lease: int, run_id: str) -> None:
        try:
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(lease, 200, 0).decode("utf-8", "replace").strip()
            raise LeaseHeldError(f"INDEX_DIR={self._index_dir}: run {holder} is writing this index") from error
        os.truncate(lease, 0)
        os.pwrite(lease, f"{run_id} (process {os.getpid()})\n".encode(), 0)

    async def current(self) -> Manifest | None:
        try:
            return read_manifest(self._index_dir, read_current(self._index_dir))
        except (NoIndexError, IncompatibleIndexError):
            return None

    async def attachment(self, name: str) -> bytes:
        return read_attachment(self._index_dir, read_current(self._index_dir), name)

    async def begin(self, dimension: int = 0) -> "EdgeGeneration":
        name = generation_name()
        with errors_name(self._index_dir), _removed_when_it_fails(self._index_dir / name):
            path = self._index_dir / name / SHARD
            path.mkdir(parents=True)
            shard = EdgeShard.create(str(path), _config(dimension))
            for field in KEYWORD_FIELDS:
                shard.update(UpdateOperation.create_field_index(field, PayloadSchemaType.Keyword))
            for field in DATE_FIELDS:
                shard.update(UpdateOperation.create_field_index(field, PayloadSchemaType.Datetime))
        return EdgeGeneration(self._index_dir, name, shard)

    async def begin_from_current(self) -> "EdgeGeneration":
        served, name = read_current(self._index_dir), generation_name()
        with errors_name(self._index_dir), _removed_when_it_fails(self._index_dir / name):
            copy_with_holes(self._index_dir / served / SHARD, self._index_dir / name / SHARD)
            shard = EdgeShard.load(str(self._index_dir / name / SHARD))
        return EdgeGeneration(self._index_dir, name, shard)

    async def roll_back(self) -> Manifest:
        served = read_current(self._index_dir)
        with errors_name(self._index_dir):
            sealed = [path.parent.name for path in self._index_dir.glob(f"*/{MANIFEST}")]
        name = before(served, filter(is_generation, sealed))
        if name is None:
            raise NoIndexError(f"INDEX_DIR={self._index_dir}: no index before {served} is kept")
        try:
            manifest = read_manifest(self._index_dir, name)
        except IncompatibleIndexError as error:
            raise StoreUnavailableError(f"INDEX_DIR={self._index_dir}: {name}: {error}") from error
        with errors_name(self._index_dir):
            write_durably(self._index_dir / CURRENT, f"{name}\n".encode("ascii"))
        return manifest

    async def close(self) -> None:
        """Nothing is held between generations."""


class EdgeGeneration:
    """A generation under construction, in its own directory."""

    def __init__(self, index_dir: Path, name: str, shard: EdgeShard) -> None:
        self.name = name
        self._index_dir = index_dir
        self._directory = index_dir / name
        self._shard = shard
        self._written = 0

    async def upsert(self, points: Sequence[Point]) -> None:
        with errors_name(self._index_dir), qdrant_span("upsert", COLLECTION):
            self._shard.update(UpdateOperation.upsert_points([edge_point(point) for point in points]))
            self._written += len(points)
            if self._written >= _POINTS_BETWEEN_OPENINGS:
                self._open_again()

    def _open_again(self) -> None:
        self._shard.flush()
        self._shard.close()
        self._shard = EdgeShard.load(str(self._directory / SHARD))
        self._written = 0

    async def retrieve(self, point_ids: Sequence[UUID]) -> list[Chunk]:
        with errors_name(self._index_dir):
            return [*fetch(self._shard, point_ids).values()]

    async def delete(self, point_ids: Sequence[UUID]) -> None:
        with errors_name(self._index_dir), qdrant_span("delete", COLLECTION):
            self._shard.update(UpdateOperation.delete_points(list(point_ids)))

    async def lanes(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> list[list[Hit]]:
        with errors_name(self._index_dir):
            return search(self._shard, lanes, scope)

    async def count(self, *, timeout_s: float) -> int:
        with errors_name(self._index_dir):
            return count(self._shard)

    async def optimize(self) -> None:
        with errors_name(self._index_dir), qdrant_span("optimize", COLLECTION):
            self._shard.optimize()
            self._shard.flush()

    async def attach(self, name: str, content: bytes) -> None:
        with errors_name(self._index_dir):
            write_durably(self._directory / name, content)

    async def seal(self, manifest: Manifest) -> None:
        with errors_name(self._index_dir):
            self._shard.flush()
            write_durably(self._directory / MANIFEST, manifest.to_json())

    async def switch(self) -> None:
        self._shard.close()
        with errors_name(self._index_dir):
            current = self._index_dir / CURRENT
            previous = current.read_text(encoding="ascii", errors="replace").strip() if current.exists() else ""
            write_durably(current, f"{self.name}\n".encode("ascii"))
            names = [path.name for path in self._index_dir.iterdir() if is_generation(path.name)]
            for name in superfluous(names, {self.name, previous}):
                shutil.rmtree(self._index_dir / name)

    async def discard(self) -> None:
        self._shard.close()
        with errors_name(self._index_dir):
            shutil.rmtree(self._directory)


@contextmanager
def _removed_when_it_fails(directory: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _config(dimension: int) -> EdgeConfig:
    """Without a write-ahead log a generation is durable once it is sealed, which is all that a switch needs.

    Dense vectors stay on disk, so that an index may be larger than the memory of the machine that builds it.
    """
    dense = EdgeVectorParams(dimension, Distance.Cosine, memory=Memory.Cold) if dimension else None
    return EdgeConfig(
        vectors={DENSE_VECTOR: dense} if dense else None,
        sparse_vectors={name: EdgeSparseVectorParams(modifier=Modifier.Idf) for name in SPARSE_VECTORS},
        wal_enabled=False,
    )
