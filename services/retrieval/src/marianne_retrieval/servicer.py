"""Translates between the contract and the search."""

from collections.abc import Callable
from datetime import date, datetime
from time import perf_counter
from typing import Any, Final, NoReturn
from zoneinfo import ZoneInfo

import grpc
import structlog

from marianne_chassis.grpc_client import remaining
from marianne_corpus.index import IndexReader, Scope, StoreUnavailableError
from marianne_corpus.manifest import Manifest
from marianne_proto.retrieval.v1 import retrieval_pb2 as pb
from marianne_proto.retrieval.v1.retrieval_pb2_grpc import RetrievalServiceServicer
from marianne_retrieval.metrics import RETRIEVAL_SECONDS
from marianne_retrieval.question import Reference
from marianne_retrieval.search import Found, Passage, Searcher

log = structlog.get_logger()

DEFAULT_LIMIT: Final = 8
MOST_PASSAGES: Final = 50
LONGEST_QUERY: Final = 2_000
DEPENDENCY: Final = (("marianne-dependency", "qdrant"),)
"""Tells the caller that the index is away, not this service."""

_ANSWER_S: Final = 0.02
"""Kept of the caller's time for the way back."""


class InvalidRequestError(ValueError):
    """A field of a request is not what the contract says; the message begins with its name."""


def french_today() -> date:
    """The day in France, where the law changes at midnight."""
    return datetime.now(ZoneInfo("Europe/Paris")).date()


class RetrievalServicer(RetrievalServiceServicer):
    """`timeout_s`: the longest that a call waits for the index, if its caller waits that long."""

    def __init__(
        self, searcher: Searcher, index: IndexReader, *, timeout_s: float, today: Callable[[], date] = french_today
    ) -> None:
        self._searcher = searcher
        self._index = index
        self._timeout_s = timeout_s
        self._today = today

    async def Search(
        self, request: pb.SearchRequest, context: grpc.aio.ServicerContext[pb.SearchRequest, pb.SearchResponse]
    ) -> pb.SearchResponse:
        started = perf_counter()
        try:
            scope, limit = _scope(request, self._today()), _limit(request)
            found = await self._searcher.search(
                request.query, scope, limit, timeout_s=self._time_left(context), may_leave=request.redacted
            )
        except InvalidRequestError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except StoreUnavailableError as error:
            await _abort_unavailable(context, error)
        RETRIEVAL_SECONDS.observe(perf_counter() - started)
        return _response(found)

    async def DescribeCorpus(
        self,
        request: pb.DescribeCorpusRequest,
        context: grpc.aio.ServicerContext[pb.DescribeCorpusRequest, pb.DescribeCorpusResponse],
    ) -> pb.DescribeCorpusResponse:
        try:
            manifest = await self._index.manifest(timeout_s=self._time_left(context))
        except StoreUnavailableError as error:
            await _abort_unavailable(context, error)
        return pb.DescribeCorpusResponse(corpus=_corpus(manifest))

    def _time_left(self, context: grpc.aio.ServicerContext[Any, Any]) -> float:
        return max(0.0, remaining(context, self._timeout_s + _ANSWER_S) - _ANSWER_S)


async def _abort_unavailable(context: grpc.aio.ServicerContext[Any, Any], error: StoreUnavailableError) -> NoReturn:
    log.warning("index_unavailable", reason=str(error))
    await context.abort(grpc.StatusCode.UNAVAILABLE, "the legal texts cannot be searched right now", DEPENDENCY)


def _scope(request: pb.SearchRequest, today: date) -> Scope:
    """Raises InvalidRequestError."""
    if not request.query.strip():
        raise InvalidRequestError("query: must not be empty")
    if len(request.query) > LONGEST_QUERY:
        raise InvalidRequestError(f"query: must not be longer than {LONGEST_QUERY} characters")
    try:
        as_of = date.fromisoformat(request.as_of) if request.as_of else today
    except ValueError as error:
        raise InvalidRequestError(f"as_of: must be an ISO 8601 day such as {today.isoformat()}") from error
    return Scope(
        as_of=as_of,
        today=today,
        datasets=tuple(request.filters.datasets),
        audiences=tuple(request.filters.audiences),
        themes=tuple(request.filters.themes),
        departments=tuple(request.filters.departments),
    )


def _limit(request: pb.SearchRequest) -> int:
    """Raises InvalidRequestError."""
    if request.limit > MOST_PASSAGES:
        raise InvalidRequestError(f"limit: must not be more than {MOST_PASSAGES}")
    return request.limit or DEFAULT_LIMIT


def _response(found: Found) -> pb.SearchResponse:
    return pb.SearchResponse(
        passages=[_passage(passage) for passage in found.passages],
        degraded=[pb.Degradation(dependency=one.dependency, consequence=one.consequence) for one in found.degraded],
        corpus=_corpus(found.manifest),
        not_found=[
            pb.UnknownArticle(article=_article(one.article), replaced_by=map(_article, one.replaced_by))
            for one in found.unknown
        ],
    )


def _article(reference: Reference) -> pb.Article:
    number, code = reference
    return pb.Article(number=number, code=code or "")


def _corpus(manifest: Manifest) -> pb.Corpus:
    return pb.Corpus(name=manifest.name, snapshot_at=manifest.snapshot_at)


def _passage(passage: Passage) -> pb.Passage:
    chunk = passage.chunk
    return pb.Passage(
        chunk_id=chunk.chunk_id,
        doc_id=chunk.doc_id,
        title=chunk.title,
        url=chunk.url,
        dataset=chunk.dataset,
        context=chunk.context,
        sentences=chunk.sentences,
        status=chunk.status,
        start_date=chunk.start_date,
        end_date=chunk.end_date,
        updated_at=chunk.updated_at,
        snapshot_at=passage.snapshot_at,
        lang=chunk.lang,
        score=passage.score,
        number=chunk.number,
        code=chunk.code,
        official=chunk.official,
        changes_on=passage.changes_on,
        replaced_by=map(_article, passage.replaced_by),
    )
