"""From the hits of several lanes to documents, and from documents to passages. Pure, without texts."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Final
from uuid import UUID

from marianne_corpus.index import Ranked

PASSAGES_OF_A_DOCUMENT: Final = 2

_BEST_PASSAGE: Final = 0.6
_BEST_PASSAGES: Final = 0.4
_WHOLE_DOCUMENT: Final = 0.5
_TITLE: Final = 0.4
_MEANING: Final = 0.6
_SEVERAL: Final = 3
_SECOND_PASSAGE: Final = 0.8
"""How much of its document's score the second passage of a document keeps, beside its own distance to the first."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The hits of one question by lane. Those of `titles` and `documents` are leads and stand for their documents."""

    passages: Sequence[Ranked] = ()
    titles: Sequence[Ranked] = ()
    documents: Sequence[Ranked] = ()
    meanings: Sequence[Ranked] = ()


@dataclass(frozen=True, slots=True)
class RankedDocument:
    """A document with its score (0 to 1) and its best passages, best first; none when only its lead was found."""

    document: int
    score: float
    passages: tuple[Ranked, ...]
    lead: UUID | None = None


def fuse(evidence: Evidence, limit: int) -> list[RankedDocument]:
    """The `limit` best documents, best first, equal ones in a fixed order.

    A lane counts by the share that a document has of the lane's best, so that lanes of other scales can be added. A
    document that speaks of the question in several passages, as a whole and in its title is the likelier answer.
    """
    passages = _by_document(evidence.passages)
    meanings = _by_document(_from_zero(evidence.meanings))
    lanes = [
        (_BEST_PASSAGE, {document: hits[0].score for document, hits in passages.items()}),
        (_BEST_PASSAGES, {document: sum(hit.score for hit in hits[:_SEVERAL]) for document, hits in passages.items()}),
        (_WHOLE_DOCUMENT, _scores(evidence.documents)),
        (_TITLE, _scores(evidence.titles)),
        (_MEANING, {document: hits[0].score for document, hits in meanings.items()}),
    ]
    leads = {hit.document: hit.point_id for hit in (*evidence.titles, *evidence.documents)}
    best = nsmallest(limit, _shares(lanes).items(), key=lambda found: (-found[1], found[0]))
    return [
        RankedDocument(document, score, _best(passages.get(document), meanings.get(document)), leads.get(document))
        for document, score in best
    ]


def passages_of(documents: Iterable[RankedDocument]) -> list[Ranked]:
    """At most two passages of each document, best first; for a document without passages, its lead."""
    return sorted((hit for document in documents for hit in _passages(document)), key=_rank)


def _passages(document: RankedDocument) -> Iterator[Ranked]:
    if not document.passages and document.lead:
        yield Ranked(document.lead, document.score)
        return
    best = document.passages[0].score
    for place, hit in enumerate(document.passages):
        own = _SECOND_PASSAGE * (hit.score / best if best else 1.0) if place else 1.0
        yield Ranked(hit.point_id, document.score * own)


def _by_document(hits: Iterable[Ranked]) -> dict[int, list[Ranked]]:
    """The hits of each document, best first."""
    documents: defaultdict[int, list[Ranked]] = defaultdict(list)
    for hit in sorted(hits, key=_rank):
        documents[hit.document].append(hit)
    return documents


def _best(passages: Sequence[Ranked] | None, meanings: Sequence[Ranked] | None) -> tuple[Ranked, ...]:
    return tuple((passages or meanings or ())[:PASSAGES_OF_A_DOCUMENT])


def _from_zero(hits: Sequence[Ranked]) -> list[Ranked]:
    """Similarities of embeddings lie close together: what counts is how far they are above the lane's last one."""
    last = min((hit.score for hit in hits), default=0.0)
    return [Ranked(hit.point_id, hit.score - last) for hit in hits]


def _scores(hits: Iterable[Ranked]) -> dict[int, float]:
    return {hit.document: hit.score for hit in hits}


def _shares(lanes: Iterable[tuple[float, Mapping[int, float]]]) -> dict[int, float]:
    """The weighted mean of each document's shares of the best, over the lanes that found something."""
    found = [(weight, scores, max(scores.values())) for weight, scores in lanes if scores]
    found = [(weight, scores, best) for weight, scores, best in found if best > 0]
    total = sum(weight for weight, _, _ in found)
    shares: defaultdict[int, float] = defaultdict(float)
    for weight, scores, best in found:
        for document, score in scores.items():
            shares[document] += weight * score / best / total
    return shares


def _rank(hit: Ranked) -> tuple[float, int]:
    return -hit.score, hit.point_id.int
