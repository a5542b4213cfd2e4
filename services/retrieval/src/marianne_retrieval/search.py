"""From a question to the passages that may answer it."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from marianne_corpus.analyzer import Analyzer
from marianne_corpus.index import Hit, IndexReader, Lane, ReferenceLane, Scope, SparseLane
from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import Chunk
from marianne_language.references import find_references

PASSAGES_OF_A_DOCUMENT: Final = 2

_CANDIDATES: Final = 40
_NEIGHBOURS_COUNT: Final = 0.2
_NAMED: Final = 2.0
"""Above everything that matching words can reach."""
_MOST_REFERENCES: Final = 4
_PASSAGES_OF_AN_ARTICLE: Final = 8


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk with its score, which is comparable within one reply, and the day of its data set's revision."""

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
        references = [lane for reference in _references(question) for lane in _versions(*reference)]
        vector = self._analyzer.query(question)
        lanes: list[Lane] = [*references]
        if vector:
            lanes.append(SparseLane(vector, max(_CANDIDATES, PASSAGES_OF_A_DOCUMENT * limit)))
        if not lanes:
            return Found((), await self._index.manifest(timeout_s=timeout_s))
        reply = await self._index.search(lanes, scope, timeout_s=timeout_s)
        named = list(_best_versions(reply.lanes[: len(references)]))
        matching = [hit for hits in reply.lanes[len(references) :] for hit in hits]
        ranked = islice(_few_of_each_document(fuse(named, matching)), limit)
        snapshots = reply.manifest.snapshots
        passages = (Passage(hit.chunk, hit.score, snapshots.get(hit.chunk.dataset, "")) for hit in ranked)
        return Found(tuple(passages), reply.manifest)


def fuse(named: Sequence[Hit], matching: Sequence[Hit]) -> list[Hit]:
    """Puts the articles that the question names first, then what matches its words; each chunk once, best first.

    Scores are shares of the best one, so that lanes of other scales can be added. The best chunk of a document gains
    from the document's next two: a sheet that speaks of the question in several sections is the likelier answer.
    """
    best = max((hit.score for hit in matching), default=1.0)
    scores = {hit.chunk: hit.score / best for hit in matching}
    for document in _by_document(scores):
        scores[document[0]] += _NEIGHBOURS_COUNT * sum(scores[chunk] for chunk in document[1:3])
    scores |= {hit.chunk: _NAMED + scores.get(hit.chunk, 0.0) for hit in named}
    return sorted((Hit(chunk, score) for chunk, score in scores.items()), key=_rank)


def _by_document(scores: Mapping[Chunk, float]) -> Iterable[list[Chunk]]:
    """The chunks of each document, best first."""
    documents: defaultdict[tuple[str, str], list[Chunk]] = defaultdict(list)
    for hit in sorted((Hit(chunk, score) for chunk, score in scores.items()), key=_rank):
        documents[hit.chunk.dataset, hit.chunk.doc_id].append(hit.chunk)
    return documents.values()


def _rank(hit: Hit) -> tuple[float, str, str]:
    return -hit.score, hit.chunk.dataset, hit.chunk.chunk_id


def _few_of_each_document(hits: Iterable[Hit]) -> Iterator[Hit]:
    taken: Counter[tuple[str, str]] = Counter()
    for hit in hits:
        document = (hit.chunk.dataset, hit.chunk.doc_id)
        taken[document] += 1
        if taken[document] <= PASSAGES_OF_A_DOCUMENT:
            yield hit


def _references(question: str) -> Iterable[tuple[str, str | None]]:
    """The articles that a question names, by number and code, each once."""
    references = find_references(unicodedata.normalize("NFC", question))
    return islice(dict.fromkeys((reference.number, reference.code) for reference in references), _MOST_REFERENCES)


def _versions(number: str, code: str | None) -> tuple[ReferenceLane, ReferenceLane]:
    return (
        ReferenceLane(number, code, _PASSAGES_OF_AN_ARTICLE),
        ReferenceLane(number, code, _PASSAGES_OF_AN_ARTICLE, ended=True),
    )


def _best_versions(lanes: Sequence[Sequence[Hit]]) -> Iterator[Hit]:
    """Of each article what is in force; of a repealed one the version that ended last, whose title says so."""
    for in_force, ended in zip(lanes[::2], lanes[1::2], strict=True):
        last = max((hit.chunk.end_date for hit in ended), default="")
        yield from in_force or (hit for hit in ended if hit.chunk.end_date == last)
