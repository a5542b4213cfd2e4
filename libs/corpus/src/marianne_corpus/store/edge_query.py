"""Our lanes, conditions and points in the terms of Qdrant Edge."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, assert_never
from uuid import UUID

from qdrant_edge import (
    CountRequest,
    EdgeShard,
    FieldCondition,
    Filter,
    IsEmptyCondition,
    MatchAny,
    Query,
    QueryBatchRequest,
    QueryRequest,
    RangeDateTime,
    SearchParams,
)
from qdrant_edge import Point as EdgePoint
from qdrant_edge import SparseVector as EdgeSparseVector

from marianne_corpus.analyzer import SparseVector
from marianne_corpus.index import DenseLane, Hit, Lane, Point, Ranked, ReferenceLane, Scope, SparseLane
from marianne_corpus.schema import COLLECTION, DENSE_VECTOR, Chunk, from_payload, to_payload
from marianne_corpus.store.conditions import After, All, Any, Condition, Matches, Missing, NotAfter, allowed
from marianne_corpus.store.telemetry import qdrant_span

_Vector = list[float] | EdgeSparseVector | list[list[float]]

_FOUND_BESIDE: Final = 16
"""How many more neighbours than asked for a dense lane keeps in sight; its default, 100, takes nearly twice as long."""


def search(shard: EdgeShard, lanes: Sequence[Lane], scope: Scope) -> list[list[Hit]]:
    with qdrant_span("query", COLLECTION):
        found = shard.query_batch(QueryBatchRequest([_request(lane, scope, texts=True) for lane in lanes]))
    return [[Hit(from_payload(point.payload or {}), point.score) for point in points] for points in found]


def rank(shard: EdgeShard, lanes: Sequence[Lane], scope: Scope) -> list[list[Ranked]]:
    with qdrant_span("query", COLLECTION):
        found = shard.query_batch(QueryBatchRequest([_request(lane, scope, texts=False) for lane in lanes]))
    return [[Ranked(_uuid(point.id), point.score) for point in points] for points in found]


def fetch(shard: EdgeShard, point_ids: Sequence[UUID]) -> dict[UUID, Chunk]:
    with qdrant_span("retrieve", COLLECTION):
        found = shard.retrieve(list(point_ids), True, False)
    return {_uuid(point.id): from_payload(point.payload or {}) for point in found}


def _uuid(point_id: UUID | int | str) -> UUID:
    return point_id if isinstance(point_id, UUID) else UUID(str(point_id))


def count(shard: EdgeShard) -> int:
    with qdrant_span("count", COLLECTION):
        return shard.count(CountRequest(exact=True))


def edge_point(point: Point) -> EdgePoint:
    vectors: dict[str, _Vector] = {name: _sparse(vector) for name, vector in point.sparse.items()}
    if point.dense is not None:
        vectors[DENSE_VECTOR] = point.dense if isinstance(point.dense, list) else list(point.dense)
    return EdgePoint(point.chunk.point_id, vectors, to_payload(point.chunk))


def _request(lane: Lane, scope: Scope, *, texts: bool) -> QueryRequest:
    return QueryRequest(
        limit=lane.limit,
        query=_nearest(lane),
        filter=_filter(allowed(lane, scope)),
        with_payload=texts,
        with_vector=False,
        params=SearchParams(hnsw_ef=lane.limit + _FOUND_BESIDE) if isinstance(lane, DenseLane) else None,
    )


def _nearest(lane: Lane) -> Query | None:
    match lane:
        case SparseLane(vector, _, using):
            return Query.Nearest(_sparse(vector), using=using)
        case DenseLane(embedding, _):
            return Query.Nearest(list(embedding), using=DENSE_VECTOR)
        case ReferenceLane():
            return None
        case _ as never:
            assert_never(never)


def _sparse(vector: SparseVector) -> EdgeSparseVector:
    return EdgeSparseVector(vector.indices, vector.values)


@lru_cache(maxsize=256)
def _filter(condition: All) -> Filter:
    """Kept, as all lanes of a search have the same conditions, and most searches of a day too."""
    return _all(condition)


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
