"""From a question to the passages that may answer it."""

import asyncio
import gc
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain
from typing import Final
from uuid import UUID

from marianne_corpus.index import DenseLane, IndexReader, Lane, Ranked, Scope, SparseLane
from marianne_corpus.lexicon import Lexicon
from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import DOCUMENT_VECTOR, PASSAGE_VECTOR, TITLE_VECTOR, Chunk
from marianne_retrieval.articles import Concordance, UnknownArticle, choose, lanes_of, successors_of
from marianne_retrieval.fusion import PASSAGES_OF_A_DOCUMENT, Evidence, RankedDocument, fuse, passages_of
from marianne_retrieval.models import Degradation, Models
from marianne_retrieval.question import Question, QuestionReader, Reference

_PASSAGES: Final = 60
_DOCUMENTS: Final = 30
_MEANINGS: Final = 30
_CANDIDATES: Final = 40
_RERANKED: Final = 24
_NAMED: Final = 4.0
_FOLLOWING: Final = 2.0
_MATCHING: Final = 1.0
"""The best score that matching words can reach; articles that are named, and what followed them, stand above it."""
_SOON: Final = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk with its score, which is comparable within one reply, and the day of its data set's revision.

    `changes_on` is the ISO 8601 day, within 60 days, from which the text no longer applies, empty without one.
    `replaced_by` names what followed a repealed article, when the data say it.
    """

    chunk: Chunk
    score: float
    snapshot_at: str
    changes_on: str = ""
    replaced_by: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    passages: tuple[Passage, ...]
    manifest: Manifest
    degraded: tuple[Degradation, ...] = ()
    unknown: tuple[UnknownArticle, ...] = ()


class Searcher:
    """Answers from the index that serves. `serve` tells it which one that is."""

    def __init__(
        self, index: IndexReader, reader: QuestionReader, models: Models | None = None, *, concordance: Concordance
    ) -> None:
        self._index = index
        self._reader = reader
        self._models = models or Models()
        self._concordance = concordance

    async def serve(self, manifest: Manifest | None, lexicon: Lexicon | None) -> None:
        """Questions are read with the words of this index and embedded only when its model is ours.

        Searches go on meanwhile: to learn the places of France takes 0.4 s.
        """
        await asyncio.to_thread(self._reader.learn, lexicon or Lexicon({}, {}))
        self._models.serve(manifest)
        # What was learnt stays; to look through it for garbage again and again would hold searches up.
        gc.freeze()

    async def search(self, text: str, scope: Scope, limit: int, *, timeout_s: float, may_leave: bool = False) -> Found:
        """Finds at most `limit` passages, best first, and no more than two of a document.

        `may_leave`: the text was redacted and may be sent to an embedding or rerank endpoint. Raises
        StoreUnavailableError, at the latest after `timeout_s` seconds.
        """
        run = _Run(self._index, scope, time.monotonic() + timeout_s)
        question = self._reader.read(text)
        vector, degraded = await self._models.embed(question.text, run.left(), may_leave=may_leave)
        run.scope = _narrowed(scope, question)
        lanes = [*lanes_of(question.references), *_lanes(question, vector, limit)]
        if not lanes:
            return Found((), await self._index.manifest(timeout_s=run.left()), degraded)
        hits = await run.rank(lanes)
        count = 2 * len(question.references)
        named = await choose(question.references, hits[:count], self._concordance, run.fetch)
        following = await run.rank(lanes_of(named.successors)[::2]) if named.successors else []
        documents = fuse(_evidence(hits[count:]), max(limit, _CANDIDATES))
        most = max(limit, _RERANKED) if self._models.reranks(may_leave=may_leave) else limit
        articles = [(_NAMED, named.points), (_FOLLOWING, list(chain.from_iterable(following)))]
        chosen = _chosen(articles, documents, most)
        chunks = await run.fetch([hit.point_id for hit in chosen])
        ranked = [(chunks[hit.point_id], hit.score) for hit in chosen if hit.point_id in chunks]
        ranked, unranked = await self._models.rerank(
            question.text, ranked, run.left(), above=_MATCHING, may_leave=may_leave
        )
        passages = tuple(self._passage(chunk, score, run) for chunk, score in ranked[:limit])
        return Found(passages, run.manifest, (*degraded, *unranked), named.unknown)

    def _passage(self, chunk: Chunk, score: float, run: "_Run") -> Passage:
        return Passage(
            chunk,
            score,
            run.manifest.snapshots.get(chunk.dataset, ""),
            _change(chunk, run.scope.today),
            successors_of(chunk),
        )


class _Run:
    """One search: its scope, what is left of its time, and the index that it reads."""

    manifest: Manifest

    def __init__(self, index: IndexReader, scope: Scope, ends_at: float) -> None:
        self.scope = scope
        self._index = index
        self._ends_at = ends_at

    def left(self) -> float:
        return max(0.0, self._ends_at - time.monotonic())

    async def rank(self, lanes: Sequence[Lane]) -> list[list[Ranked]]:
        ranking = await self._index.rank(lanes, self.scope, timeout_s=self.left())
        self.manifest = ranking.manifest
        return ranking.lanes

    async def fetch(self, point_ids: Sequence[UUID]) -> Mapping[UUID, Chunk]:
        return await self._index.fetch(point_ids, timeout_s=self.left()) if point_ids else {}


def _narrowed(scope: Scope, question: Question) -> Scope:
    """Texts of one département or one branch of industry answer only when it is named."""
    departments = scope.departments or question.departments
    return replace(scope, branches=question.branches, departments=departments, local=bool(departments))


def _lanes(question: Question, vector: Sequence[float] | None, limit: int) -> list[Lane]:
    """Always in the order in which `_evidence` reads them."""
    if not question.terms:
        return []
    documents = max(_DOCUMENTS, limit)
    lanes: list[Lane] = [
        SparseLane(question.terms, max(_PASSAGES, 2 * limit), PASSAGE_VECTOR),
        SparseLane(question.terms, documents, TITLE_VECTOR),
        SparseLane(question.terms, documents, DOCUMENT_VECTOR),
    ]
    return [*lanes, DenseLane(vector, max(_MEANINGS, limit))] if vector else lanes


def _evidence(hits: Sequence[Sequence[Ranked]]) -> Evidence:
    return Evidence(*hits)


def _chosen(
    articles: Iterable[tuple[float, Sequence[Ranked]]], documents: Sequence[RankedDocument], limit: int
) -> list[Ranked]:
    """The articles by their base score, of each base those first that the question's words match best; then the other
    documents that the words match.
    """
    scores = {found.document: found.score for found in documents}
    points: dict[tuple[float, int], list[Ranked]] = {}
    for base, hits in articles:
        for hit in hits:
            points.setdefault((base, hit.document), []).append(hit)
    first = [
        RankedDocument(document, base + scores.get(document, 0.0), tuple(hits[:PASSAGES_OF_A_DOCUMENT]))
        for (base, document), hits in points.items()
    ]
    taken = {found.document for found in first}
    others = [found for found in documents if found.document not in taken]
    return passages_of([*first, *others[:limit]])[:limit]


def _change(chunk: Chunk, today: date) -> str:
    """The day on which a text that applies today ends, when that is soon."""
    soon = (today + _SOON).isoformat()
    return chunk.end_date if today.isoformat() < chunk.end_date <= soon else ""
