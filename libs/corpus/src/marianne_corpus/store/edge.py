"""The index in a directory, searched in-process by Qdrant Edge.

    INDEX_DIR/CURRENT                       the name of the generation that is served
    INDEX_DIR/<generation>/manifest.json
    INDEX_DIR/<generation>/shard/           one Edge shard, whose points are not written again once it is served

CURRENT is replaced by a rename, so a reader sees the old or the new generation and nothing in between. An Edge call
holds the interpreter's lock: queries take a millisecond, but building belongs in a process of its own.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, assert_never

from qdrant_edge import (
    CountRequest,
    EdgeConfig,
    EdgeShard,
    EdgeSparseVectorParams,
    FieldCondition,
    Filter,
    IsEmptyCondition,
    MatchAny,
    Modifier,
    PayloadSchemaType,
    Query,
    QueryBatchRequest,
    QueryRequest,
    RangeDateTime,
    UpdateOperation,
)
from qdrant_edge import Point as EdgePoint
from qdrant_edge import SparseVector as EdgeSparseVector

from marianne_corpus.index import Hit, Lane, NoIndexError, Point, Reply, Scope, SparseLane, StoreUnavailableError
from marianne_corpus.manifest import IncompatibleIndexError, Manifest
from marianne_corpus.schema import COLLECTION, DATE_FIELDS, KEYWORD_FIELDS, SPARSE_VECTOR, from_payload, to_payload
from marianne_corpus.store.conditions import After, All, Any, Condition, Matches, Missing, NotAfter, allowed
from marianne_corpus.store.generations import generation_name, outdated
from marianne_corpus.store.telemetry import qdrant_span

_CURRENT: Final = "CURRENT"
_MANIFEST: Final = "manifest.json"
_SHARD: Final = "shard"


class EdgeReader:
    """Serves the generation that CURRENT names; sees a switch at the next call."""

    def __init__(self, index_dir: Path) -> None:
        self._index_dir = index_dir
        self._opened: _Opened | None = None

    async def search(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> Reply:
        opened = self._open()
        with _errors_name(self._index_dir):
            return Reply(_query(opened.shard, lanes, scope), opened.manifest)

    async def count(self, *, timeout_s: float) -> int:
        opened = self._open()
        with _errors_name(self._index_dir):
            return _count(opened.shard)

    async def manifest(self, *, timeout_s: float) -> Manifest:
        return self._open().manifest

    async def close(self) -> None:
        if self._opened:
            self._opened.shard.close()
            self._opened = None

    def _open(self) -> "_Opened":
        generation = _read_current(self._index_dir)
        if self._opened is None or self._opened.manifest.generation != generation:
            following = _load(self._index_dir, generation)
            if self._opened:
                self._opened.shard.close()
            self._opened = following
        return self._opened


class EdgeWriter:
    """Builds generations in a directory, which is created when it is not there."""

    def __init__(self, index_dir: Path) -> None:
        self._index_dir = index_dir

    async def current(self) -> Manifest | None:
        try:
            return _read_manifest(self._index_dir, _read_current(self._index_dir))
        except (NoIndexError, IncompatibleIndexError):
            return None

    async def begin(self) -> "EdgeGeneration":
        return EdgeGeneration(self._index_dir, generation_name())

    async def close(self) -> None:
        """Nothing is held between generations."""


class EdgeGeneration:
    """A generation under construction, in its own directory."""

    def __init__(self, index_dir: Path, name: str) -> None:
        self.name = name
        self._index_dir = index_dir
        self._directory = index_dir / name
        with _errors_name(index_dir):
            shard = self._directory / _SHARD
            shard.mkdir(parents=True)
            self._shard = EdgeShard.create(str(shard), _CONFIG)
            for field in KEYWORD_FIELDS:
                self._shard.update(UpdateOperation.create_field_index(field, PayloadSchemaType.Keyword))
            for field in DATE_FIELDS:
                self._shard.update(UpdateOperation.create_field_index(field, PayloadSchemaType.Datetime))

    async def upsert(self, points: Sequence[Point]) -> None:
        with _errors_name(self._index_dir), qdrant_span("upsert", COLLECTION):
            self._shard.update(UpdateOperation.upsert_points([_edge_point(point) for point in points]))

    async def lanes(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> list[list[Hit]]:
        with _errors_name(self._index_dir):
            return _query(self._shard, lanes, scope)

    async def count(self, *, timeout_s: float) -> int:
        with _errors_name(self._index_dir):
            return _count(self._shard)

    async def seal(self, manifest: Manifest) -> None:
        with _errors_name(self._index_dir), qdrant_span("optimize", COLLECTION):
            self._shard.optimize()
            self._shard.flush()
            _write_durably(self._directory / _MANIFEST, manifest.to_json())

    async def switch(self) -> None:
        self._shard.close()
        with _errors_name(self._index_dir):
            current = self._index_dir / _CURRENT
            previous = current.read_text(encoding="ascii", errors="replace").strip() if current.exists() else self.name
            _write_durably(current, f"{self.name}\n".encode("ascii"))
            generations = [path.parent.name for path in self._index_dir.glob(f"*/{_SHARD}")]
            for name in outdated(generations, {self.name, previous}):
                shutil.rmtree(self._index_dir / name)

    async def discard(self) -> None:
        self._shard.close()
        with _errors_name(self._index_dir):
            shutil.rmtree(self._directory)


# Without a write-ahead log a generation is durable once it is sealed, which is all that a switch needs.
_CONFIG: Final = EdgeConfig(
    sparse_vectors={SPARSE_VECTOR: EdgeSparseVectorParams(modifier=Modifier.Idf)}, wal_enabled=False
)


@dataclass(frozen=True, slots=True)
class _Opened:
    manifest: Manifest
    shard: EdgeShard


def _load(index_dir: Path, generation: str) -> _Opened:
    try:
        manifest = _read_manifest(index_dir, generation)
    except IncompatibleIndexError as error:
        raise StoreUnavailableError(f"INDEX_DIR={index_dir}: {error}") from error
    with _errors_name(index_dir):
        return _Opened(manifest, EdgeShard.load(str(index_dir / generation / _SHARD)))


def _read_current(index_dir: Path) -> str:
    try:
        return (index_dir / _CURRENT).read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise NoIndexError(f"INDEX_DIR={index_dir}: nothing is indexed there; run marianne-ingest") from error
    except (OSError, UnicodeDecodeError) as error:
        raise StoreUnavailableError(f"INDEX_DIR={index_dir}: {_CURRENT} cannot be read ({error})") from error


def _read_manifest(index_dir: Path, generation: str) -> Manifest:
    with _errors_name(index_dir):
        document = (index_dir / generation / _MANIFEST).read_bytes()
    return Manifest.from_json(document)


def _write_durably(path: Path, content: bytes) -> None:
    """Replaces a file so that a reader or a crash finds the old or the new content, whole."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextmanager
def _errors_name(index_dir: Path) -> Iterator[None]:
    """Edge raises plain `Exception`, whatever the cause."""
    try:
        yield
    except Exception as error:
        raise StoreUnavailableError(f"INDEX_DIR={index_dir}: {error}") from error


def _query(shard: EdgeShard, lanes: Sequence[Lane], scope: Scope) -> list[list[Hit]]:
    with qdrant_span("query", COLLECTION):
        found = shard.query_batch(QueryBatchRequest([_request(lane, scope) for lane in lanes]))
    return [[Hit(from_payload(point.payload or {}), point.score) for point in points] for points in found]


def _count(shard: EdgeShard) -> int:
    with qdrant_span("count", COLLECTION):
        return shard.count(CountRequest(exact=True))


def _request(lane: Lane, scope: Scope) -> QueryRequest:
    query = None
    if isinstance(lane, SparseLane):
        vector = EdgeSparseVector(lane.vector.indices, lane.vector.values)
        query = Query.Nearest(vector, using=SPARSE_VECTOR)
    return QueryRequest(
        limit=lane.limit, query=query, filter=_all(allowed(lane, scope)), with_payload=True, with_vector=False
    )


def _edge_point(point: Point) -> EdgePoint:
    vector = EdgeSparseVector(point.sparse.indices, point.sparse.values)
    return EdgePoint(point.chunk.point_id, {SPARSE_VECTOR: vector}, to_payload(point.chunk))


def _all(condition: All) -> Filter:
    return Filter(
        must=[_condition(part) for part in condition.conditions],
        must_not=[_condition(part) for part in condition.without],
    )


def _condition(condition: Condition) -> FieldCondition | IsEmptyCondition | Filter:
    match condition:
        case Matches(field, values):
            return FieldCondition(field, match=MatchAny(list(values)))
        case Missing(field):
            return IsEmptyCondition(field)
        case NotAfter(field, day):
            return FieldCondition(field, range=RangeDateTime(lte=day.isoformat()))
        case After(field, day):
            return FieldCondition(field, range=RangeDateTime(gt=day.isoformat()))
        case Any(conditions):
            return Filter(should=[_condition(part) for part in conditions])
        case All():
            return _all(condition)
        case _ as never:
            assert_never(never)
