"""An index whose lanes give what they are told to; it keeps the lanes that it was asked."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from marianne_corpus.index import DenseLane, Hit, Lane, Ranked, Ranking, ReferenceLane, Reply, Scope, SparseLane
from marianne_corpus.lexicon import Lexicon
from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import Chunk
from support.corpus import manifest_of


class RankedIndex:
    def __init__(self, *articles: Chunk, **lanes: Sequence[Hit]) -> None:
        """`lanes`: the hits of a sparse vector by its name, or of "dense"."""
        self._lanes: Mapping[str, Sequence[Hit]] = lanes
        self._articles = articles
        self.asked: list[Lane] = []
        self.scopes: list[Scope] = []

    async def rank(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> Ranking:
        self.asked += lanes
        self.scopes.append(scope)
        hits = [self._hits(lane, scope) for lane in lanes]
        ranked = [[Ranked(hit.chunk.point_id, hit.score) for hit in lane] for lane in hits]
        return Ranking(ranked, await self.manifest(timeout_s=timeout_s))

    async def search(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> Reply:
        return Reply([self._hits(lane, scope) for lane in lanes], await self.manifest(timeout_s=timeout_s))

    async def fetch(self, point_ids: Sequence[UUID], *, timeout_s: float) -> dict[UUID, Chunk]:
        found = {chunk.point_id: chunk for chunk in self._chunks()}
        return {point_id: found[point_id] for point_id in point_ids}

    async def count(self, *, timeout_s: float) -> int:
        return len(self._chunks())

    async def manifest(self, *, timeout_s: float) -> Manifest:
        return manifest_of(self._chunks(), "2026-11-20")

    async def lexicon(self, *, timeout_s: float) -> Lexicon:
        return Lexicon({}, {})

    async def close(self) -> None: ...

    def _chunks(self) -> list[Chunk]:
        return [*self._articles, *(hit.chunk for hits in self._lanes.values() for hit in hits)]

    def _hits(self, lane: Lane, scope: Scope) -> list[Hit]:
        match lane:
            case ReferenceLane():
                return [Hit(chunk, 1.0) for chunk in self._articles if _is_meant(chunk, lane, scope)]
            case SparseLane():
                return list(self._lanes.get(lane.using, ()))
            case DenseLane():
                return list(self._lanes.get("dense", ()))


def _is_meant(chunk: Chunk, lane: ReferenceLane, scope: Scope) -> bool:
    ended = chunk.end_date <= scope.as_of.isoformat()
    return chunk.number == lane.number and lane.code_slug in (None, chunk.code_slug) and ended == lane.ended
