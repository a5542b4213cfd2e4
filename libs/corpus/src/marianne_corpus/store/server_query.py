"""Our lanes, conditions and points in the terms of a Qdrant server."""

from collections.abc import Sequence
from typing import assert_never
from uuid import UUID

from qdrant_client import AsyncQdrantClient, models

from marianne_corpus.analyzer import SparseVector
from marianne_corpus.index import DenseLane, Hit, Lane, Point, Ranked, ReferenceLane, Scope, SparseLane
from marianne_corpus.schema import DENSE_VECTOR, Chunk, from_payload, to_payload
from marianne_corpus.store.conditions import After, All, Any, Condition, Matches, Missing, NotAfter, allowed


async def search(client: AsyncQdrantClient, collection: str, lanes: Sequence[Lane], scope: Scope) -> list[list[Hit]]:
    found = await client.query_batch_points(collection, [_request(lane, scope, texts=True) for lane in lanes])
    return [[Hit(from_payload(point.payload or {}), point.score) for point in reply.points] for reply in found]


async def rank(client: AsyncQdrantClient, collection: str, lanes: Sequence[Lane], scope: Scope) -> list[list[Ranked]]:
    found = await client.query_batch_points(collection, [_request(lane, scope, texts=False) for lane in lanes])
    return [[Ranked(UUID(str(point.id)), point.score) for point in reply.points] for reply in found]


async def fetch(client: AsyncQdrantClient, collection: str, point_ids: Sequence[UUID]) -> dict[UUID, Chunk]:
    found = await client.retrieve(collection, [str(point_id) for point_id in point_ids])
    return {UUID(str(record.id)): from_payload(record.payload or {}) for record in found}


def server_point(point: Point) -> models.PointStruct:
    vectors: dict[str, models.Vector] = {name: _sparse(vector) for name, vector in point.sparse.items()}
    if point.dense is not None:
        vectors[DENSE_VECTOR] = list(point.dense)
    return models.PointStruct(id=str(point.chunk.point_id), vector=vectors, payload=to_payload(point.chunk))


def _request(lane: Lane, scope: Scope, *, texts: bool) -> models.QueryRequest:
    query, using = _nearest(lane)
    return models.QueryRequest(
        query=query, using=using, filter=_all(allowed(lane, scope)), limit=lane.limit, with_payload=texts
    )


def _nearest(lane: Lane) -> tuple[models.NearestQuery | None, str | None]:
    match lane:
        case SparseLane(vector, _, using):
            return models.NearestQuery(nearest=_sparse(vector)), using
        case DenseLane(embedding, _):
            return models.NearestQuery(nearest=list(embedding)), DENSE_VECTOR
        case ReferenceLane():
            return None, None
        case _ as never:
            assert_never(never)


def _sparse(vector: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=vector.indices, values=vector.values)


def _all(condition: All) -> models.Filter:
    return models.Filter(
        must=[_condition(part) for part in condition.conditions],
        must_not=[_condition(part) for part in condition.without],
    )


def _condition(condition: Condition) -> models.FieldCondition | models.IsEmptyCondition | models.Filter:
    match condition:
        case Matches(field, values):
            return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))
        case Missing(field):
            return models.IsEmptyCondition(is_empty=models.PayloadField(key=field))
        case NotAfter(field, day):
            return models.FieldCondition(key=field, range=models.DatetimeRange(lte=day))
        case After(field, day):
            return models.FieldCondition(key=field, range=models.DatetimeRange(gt=day))
        case Any(conditions):
            return models.Filter(should=[_condition(part) for part in conditions])
        case All():
            return _all(condition)
        case _ as never:
            assert_never(never)
