"""From a question to the passages that may answer it."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from marianne_corpus.analyzer import Analyzer
from marianne_corpus.index import Hit, IndexReader, Lane, ReferenceLane, Scope, SparseLane
from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import Chunk
from marianne_language.references import find_references

PASSAGES_OF_A_DOCUMENT: Final = 2

_CANDIDATES_OF_A_PASSAGE: Final = 5
_LEAST_CANDIDATES: Final = 40
_MOST_REFERENCES: Final = 4
_PASSAGES_OF_AN_ARTICLE: Final = 8


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk with its score: 0 to 1, and 1 more for an article that the question names."""

    chunk: Chunk
    score: float
    snapshot_at: str


@dataclass(frozen=True, slots=True)
class Found:
    passages: tuple[Passage, ...]
    manifest: Manifest


class Searcher:
    def __init__(self, index: IndexReader, analyzer: Analyzer) -> None:
        self._index = index
        self._analyzer = analyzer

    async def search(self, question: str, scope: Scope, limit: int, *, timeout_s: float) -> Found:
        """Finds at most `limit` passages, best first, and no more than two of a document.

        Raises StoreUnavailableError.
        """
        references = list(_reference_lanes(question))
        candidates = max(_LEAST_CANDIDATES, limit * _CANDIDATES_OF_A_PASSAGE)
        vector = self._analyzer.query(question)
        lanes: list[Lane] = [*references, *([SparseLane(vector, candidates)] if vector else [])]
        if not lanes:
            return Found((), await self._index.manifest(timeout_s=timeout_s))
        reply = await self._index.search(lanes, scope, timeout_s=timeout_s)
        named = [hit for hits in reply.lanes[: len(references)] for hit in hits]
        matching = [hit for hits in reply.lanes[len(references) :] for hit in hits]
        ranked = islice(_few_of_each_document(fuse(named, matching)), limit)
        snapshots = reply.manifest.snapshots
        passages = (Passage(hit.chunk, hit.score, snapshots.get(hit.chunk.dataset, "")) for hit in ranked)
        return Found(tuple(passages), reply.manifest)


def fuse(named: Sequence[Hit], matching: Sequence[Hit]) -> list[Hit]:
    """Puts the articles that the question names first, then what matches its words; each chunk once.

    The scores of the matching lane are divided by its best, so that lanes of other scales can be added.
    """
    best = max((hit.score for hit in matching), default=1.0)
    scores = {hit.chunk: hit.score / best for hit in matching}
    scores |= {hit.chunk: 1.0 + scores.get(hit.chunk, 0.0) for hit in named}
    return sorted((Hit(chunk, score) for chunk, score in scores.items()), key=_rank)


def _rank(hit: Hit) -> tuple[float, str, str]:
    return -hit.score, hit.chunk.dataset, hit.chunk.chunk_id


def _few_of_each_document(hits: Iterable[Hit]) -> Iterator[Hit]:
    taken: Counter[tuple[str, str]] = Counter()
    for hit in hits:
        document = (hit.chunk.dataset, hit.chunk.doc_id)
        taken[document] += 1
        if taken[document] <= PASSAGES_OF_A_DOCUMENT:
            yield hit


def _reference_lanes(question: str) -> Iterator[ReferenceLane]:
    references = find_references(unicodedata.normalize("NFC", question))
    named = dict.fromkeys((reference.number, reference.code) for reference in references)
    for number, code in islice(named, _MOST_REFERENCES):
        yield ReferenceLane(number, code, _PASSAGES_OF_AN_ARTICLE)
