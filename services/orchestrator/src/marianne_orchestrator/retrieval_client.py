"""Finds sources through the retrieval service."""

import time
from typing import Literal

import grpc

from marianne_orchestrator.events import Corpus, Dependency, Source
from marianne_orchestrator.sources import Found, SourcesUnavailableError, UnknownArticle
from marianne_proto.retrieval.v1 import retrieval_pb2 as pb
from marianne_proto.retrieval.v1.retrieval_pb2_grpc import RetrievalServiceStub

CORPUS_TTL_S = 30.0
CORPUS_TIMEOUT_S = 0.3
DEPENDENCY_KEY = "marianne-dependency"
MAX_QUERY_CHARS = 2000

_LANES: tuple[Dependency, ...] = ("embeddings", "rerank")


class RetrievalClient:
    """A SourceFinder over gRPC. Every search ends within `timeout_s` seconds.

    A search is not sent again: when the index is away it is so for every pod, and the reader waits.
    """

    def __init__(self, channel: grpc.aio.Channel, timeout_s: float) -> None:
        self._stub = RetrievalServiceStub(channel)
        self._timeout_s = timeout_s
        self._corpus: Corpus | None = None
        self._corpus_read_at = float("-inf")

    async def search(self, query: str, *, as_of: str, limit: int, redacted: bool) -> Found:
        # A query made whole from the conversation may be longer than the service takes; the question stands last.
        request = pb.SearchRequest(query=query[-MAX_QUERY_CHARS:], as_of=as_of, limit=limit, redacted=redacted)
        try:
            response = await self._stub.Search(request, timeout=self._timeout_s, wait_for_ready=True)
        except grpc.aio.AioRpcError as error:
            raise SourcesUnavailableError(_dependency(error)) from error
        self._remember(response.corpus)
        sources = tuple(_source(n, passage) for n, passage in enumerate(response.passages, start=1))
        away = {lane.dependency for lane in response.degraded}
        return Found(sources, tuple(lane for lane in _LANES if lane in away), _unknown(response))

    async def corpus(self) -> Corpus | None:
        if time.monotonic() - self._corpus_read_at > CORPUS_TTL_S:
            try:
                response = await self._stub.DescribeCorpus(pb.DescribeCorpusRequest(), timeout=CORPUS_TIMEOUT_S)
            except grpc.aio.AioRpcError:
                return self._corpus
            self._remember(response.corpus)
        return self._corpus

    def _remember(self, corpus: pb.Corpus) -> None:
        self._corpus = Corpus(corpus.name, corpus.snapshot_at)
        self._corpus_read_at = time.monotonic()


def _dependency(error: grpc.aio.AioRpcError) -> Literal["qdrant", "retrieval"]:
    trailing = dict(error.trailing_metadata() or ())
    return "qdrant" if trailing.get(DEPENDENCY_KEY) == "qdrant" else "retrieval"


def _unknown(response: pb.SearchResponse) -> tuple[UnknownArticle, ...]:
    return tuple(
        UnknownArticle(missing.article.number, tuple(following.number for following in missing.replaced_by))
        for missing in response.not_found
    )


def _source(n: int, passage: pb.Passage) -> Source:
    return Source(
        n=n,
        id=passage.chunk_id,
        title=passage.title,
        url=passage.url,
        dataset=passage.dataset,
        sentences=tuple(passage.sentences),
        context=tuple(passage.context),
        status=passage.status,
        start_date=passage.start_date,
        end_date=passage.end_date,
        updated_at=passage.updated_at,
        snapshot_at=passage.snapshot_at,
        lang=passage.lang,
        score=passage.score,
        official=passage.official,
    )
