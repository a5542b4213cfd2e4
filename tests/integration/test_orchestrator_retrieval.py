"""The client of retrieval over a real gRPC server that may misbehave."""

import asyncio
import time
from collections.abc import AsyncIterator

import grpc
import pytest

from marianne_chassis.grpc_client import open_channel
from marianne_orchestrator.events import Corpus, Source
from marianne_orchestrator.retrieval_client import MAX_QUERY_CHARS, RetrievalClient
from marianne_orchestrator.sources import SourcesUnavailableError, UnknownArticle
from marianne_proto.retrieval.v1 import retrieval_pb2 as pb
from support.fake_retrieval import FakeRetrieval
from support.processes import free_port

TIMEOUT_S = 5.0
PASSAGE = pb.Passage(
    chunk_id="LEGIARTI1-0",
    doc_id="LEGIARTI1",
    title="Article L423-23",
    url="https://www.legifrance.gouv.fr/codes/article_lc/LEGIARTI1",
    dataset="legi",
    context=["Titre II", "Chapitre III"],
    sentences=["L'étranger reçoit une carte.", "Elle dure un an."],
    status="VIGUEUR",
    start_date="2021-05-01",
    end_date="2999-01-01",
    updated_at="2024-02-03",
    snapshot_at="2026-01-31",
    lang="fr",
    score=0.5,
    official=True,
)


@pytest.fixture(name="retrieval")
async def _retrieval() -> FakeRetrieval:
    return FakeRetrieval()


@pytest.fixture(name="channel")
async def _channel(retrieval: FakeRetrieval) -> AsyncIterator[grpc.aio.Channel]:
    async with retrieval.running() as address, open_channel(address) as channel:
        yield channel


@pytest.fixture(name="client")
async def _client(channel: grpc.aio.Channel) -> RetrievalClient:
    return RetrievalClient(channel, TIMEOUT_S)


async def test_passages_become_numbered_sources(retrieval: FakeRetrieval, client: RetrievalClient) -> None:
    retrieval.found.passages.extend([PASSAGE, pb.Passage(chunk_id="F1-2", sentences=["Une phrase."])])
    first, second = (await client.search("Quelle carte ?", as_of="", limit=6, redacted=True)).sources
    assert first == Source(
        n=1,
        id="LEGIARTI1-0",
        title="Article L423-23",
        url="https://www.legifrance.gouv.fr/codes/article_lc/LEGIARTI1",
        dataset="legi",
        sentences=("L'étranger reçoit une carte.", "Elle dure un an."),
        context=("Titre II", "Chapitre III"),
        status="VIGUEUR",
        start_date="2021-05-01",
        end_date="2999-01-01",
        updated_at="2024-02-03",
        snapshot_at="2026-01-31",
        lang="fr",
        score=0.5,
        official=True,
    )
    assert (second.n, second.id, second.official) == (2, "F1-2", False)


async def test_the_search_is_asked_as_it_was_meant(retrieval: FakeRetrieval, client: RetrievalClient) -> None:
    await client.search("Quelle carte ?", as_of="2024-01-31", limit=6, redacted=True)
    assert retrieval.searched == [pb.SearchRequest(query="Quelle carte ?", as_of="2024-01-31", limit=6, redacted=True)]
    assert retrieval.seconds_left is not None
    assert retrieval.seconds_left <= TIMEOUT_S


async def test_only_a_redacted_query_may_leave_for_an_embedder(
    retrieval: FakeRetrieval, client: RetrievalClient
) -> None:
    for redacted in (True, False):
        await client.search("Quelle carte ?", as_of="", limit=6, redacted=redacted)

    assert [request.redacted for request in retrieval.searched] == [True, False]


async def test_articles_that_no_text_has_are_named_with_what_followed_them(
    retrieval: FakeRetrieval, client: RetrievalClient
) -> None:
    following = pb.Article(number="L423-23", code="ceseda")
    retrieval.found.not_found.add(article=pb.Article(number="L313-11", code="ceseda"), replaced_by=[following])

    found = await client.search("L313-11 du CESEDA", as_of="", limit=6, redacted=True)

    assert found.unknown == (UnknownArticle("L313-11", ("L423-23",)),)


async def test_of_a_query_that_is_too_long_the_question_is_kept(
    retrieval: FakeRetrieval, client: RetrievalClient
) -> None:
    await client.search("avant " * 400 + "Et combien ça coûte ?", as_of="", limit=6, redacted=True)
    [request] = retrieval.searched
    assert len(request.query) == MAX_QUERY_CHARS
    assert request.query.endswith(" Et combien ça coûte ?")


async def test_lanes_that_are_away_are_named(retrieval: FakeRetrieval, client: RetrievalClient) -> None:
    for name in ("rerank", "embeddings", "something else"):
        retrieval.found.degraded.add(dependency=name)
    assert (await client.search("Quelle carte ?", as_of="", limit=6, redacted=True)).degraded == (
        "embeddings",
        "rerank",
    )


async def test_an_index_that_is_away_is_told_from_the_service(
    retrieval: FakeRetrieval, client: RetrievalClient
) -> None:
    retrieval.index_away = True
    with pytest.raises(SourcesUnavailableError) as raised:
        await client.search("Quelle carte ?", as_of="", limit=6, redacted=True)
    assert raised.value.dependency == "qdrant"


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL])
async def test_any_other_failure_is_the_service_s(
    retrieval: FakeRetrieval, client: RetrievalClient, code: grpc.StatusCode
) -> None:
    retrieval.fault = code
    with pytest.raises(SourcesUnavailableError) as raised:
        await client.search("Quelle carte ?", as_of="", limit=6, redacted=True)
    assert raised.value.dependency == "retrieval"


async def test_a_search_that_hangs_ends_at_its_deadline(retrieval: FakeRetrieval, channel: grpc.aio.Channel) -> None:
    retrieval.hangs = True
    await channel.channel_ready()
    started = time.monotonic()
    with pytest.raises(SourcesUnavailableError):
        await RetrievalClient(channel, 0.1).search("Quelle carte ?", as_of="", limit=6, redacted=True)
    assert 0.09 <= time.monotonic() - started < 2


async def test_a_search_without_anybody_there_ends_at_its_deadline() -> None:
    async with open_channel(f"127.0.0.1:{free_port()}") as channel, asyncio.timeout(2):
        with pytest.raises(SourcesUnavailableError):
            await RetrievalClient(channel, 0.1).search("Quelle carte ?", as_of="", limit=6, redacted=True)


async def test_which_data_serve_is_asked_once_in_a_while(retrieval: FakeRetrieval, client: RetrievalClient) -> None:
    assert await client.corpus() == Corpus("sample", "2999-01-01")
    assert await client.corpus() == Corpus("sample", "2999-01-01")
    assert retrieval.described == 1


async def test_a_search_tells_which_data_serve(retrieval: FakeRetrieval, client: RetrievalClient) -> None:
    await client.search("Quelle carte ?", as_of="", limit=6, redacted=True)
    assert await client.corpus() == Corpus("sample", "2999-01-01")
    assert retrieval.described == 0


@pytest.mark.parametrize("hangs", [True, False])
async def test_nobody_waits_long_to_know_which_data_serve(
    retrieval: FakeRetrieval, client: RetrievalClient, hangs: bool
) -> None:
    retrieval.hangs, retrieval.fault = hangs, grpc.StatusCode.UNAVAILABLE
    async with asyncio.timeout(2):
        assert await client.corpus() is None
