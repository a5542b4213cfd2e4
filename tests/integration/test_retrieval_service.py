"""The service over real gRPC, on an index in a directory and on a server."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from prometheus_client import REGISTRY

from marianne_corpus.analyzer import Analyzer
from marianne_corpus.store import Location, open_reader, open_writer
from marianne_corpus.store.edge_writer import EdgeWriter
from marianne_proto.retrieval.v1 import retrieval_pb2 as pb
from marianne_proto.retrieval.v1.retrieval_pb2_grpc import (
    RetrievalServiceStub,
    add_RetrievalServiceServicer_to_server,
)
from marianne_retrieval.articles import Concordance
from marianne_retrieval.question import QuestionReader
from marianne_retrieval.search import Searcher
from marianne_retrieval.servicer import RetrievalServicer
from support.corpus import TODAY, article, build, index_directory, sheet
from support.qdrant import hung_qdrant_server, qdrant_server

if TYPE_CHECKING:
    from marianne_proto.retrieval.v1.retrieval_pb2_grpc import RetrievalServiceAsyncStub

SHEET = sheet(
    "F1_1",
    "Demander une carte de séjour.",
    "La demande se fait en ligne.",
    context=("Où s'adresser ?",),
    audience=("Particuliers",),
    theme=("Étranger",),
    updated_at="2024-03-01",
    official=False,
    dataset="sample",
)
ARTICLE = article("L1221-1", "Le contrat de travail est soumis au droit commun.")
OLD = article("L1", "Ancienne carte de séjour.", start_date="2015-01-01", end_date="2021-05-01", chunk_id="old_1")


@pytest.fixture
def index_dir() -> Iterator[Path]:
    with index_directory() as directory:
        yield directory


@asynccontextmanager
async def serving(location: Location, timeout_s: float = 1.5) -> AsyncIterator["RetrievalServiceAsyncStub"]:
    index, server = open_reader(location), grpc.aio.server()
    searcher = Searcher(index, QuestionReader(Analyzer()), concordance=Concordance.shipped())
    servicer = RetrievalServicer(searcher, index, timeout_s=timeout_s, today=lambda: TODAY)
    add_RetrievalServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield RetrievalServiceStub(channel)
    finally:
        await server.stop(grace=None)
        await index.close()


async def refusal(
    stub: "RetrievalServiceAsyncStub", request: pb.SearchRequest, timeout_s: float = 10
) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.Search(request, timeout=timeout_s)
    return refused.value


async def test_a_passage_carries_all_that_a_reader_verifies(index_dir: Path) -> None:
    await build(EdgeWriter(index_dir), [SHEET, ARTICLE], snapshot_at="2026-11-20")
    async with serving(index_dir) as stub:
        response = await stub.Search(pb.SearchRequest(query="carte de séjour"))
    [passage] = response.passages
    assert (passage.chunk_id, passage.doc_id, passage.dataset) == ("F1_1", "F1", "sample")
    assert (passage.title, passage.url) == (SHEET.title, SHEET.url)
    assert list(passage.sentences) == list(SHEET.sentences)
    assert list(passage.context) == ["Où s'adresser ?"]
    assert (passage.updated_at, passage.snapshot_at) == ("2024-03-01", "2026-11-20")
    assert (passage.lang, passage.official, passage.status) == ("fr", False, "")
    assert passage.score > 0
    assert (response.corpus.name, response.corpus.snapshot_at) == ("legi, sample", "2026-11-20")
    assert not response.degraded


async def test_an_article_carries_its_number_code_and_validity(index_dir: Path) -> None:
    await build(EdgeWriter(index_dir), [SHEET, ARTICLE])
    async with serving(index_dir) as stub:
        response = await stub.Search(pb.SearchRequest(query="article L. 1221-1 du code du travail"))
    passage = response.passages[0]
    assert (passage.number, passage.code, passage.status) == ("L1221-1", "Code du travail", "VIGUEUR")
    assert (passage.start_date, passage.end_date) == ("2020-01-01", "2999-01-01")


async def test_a_repealed_article_says_when_it_ended_and_what_followed(index_dir: Path) -> None:
    repealed = replace(OLD, number="L313-7", code="CESEDA", code_slug="ceseda", status="ABROGE")
    repealed = replace(repealed, replaced_by=("ceseda:L422-1",))
    await build(EdgeWriter(index_dir), [SHEET, repealed])
    async with serving(index_dir) as stub:
        response = await stub.Search(pb.SearchRequest(query="article L. 313-7 du CESEDA"))
    passage = response.passages[0]
    assert (passage.status, passage.end_date) == ("ABROGE", "2021-05-01")
    assert [(article.number, article.code) for article in passage.replaced_by] == [("L422-1", "ceseda")]


async def test_an_article_that_is_not_indexed_is_told(index_dir: Path) -> None:
    await build(EdgeWriter(index_dir), [SHEET, ARTICLE])
    async with serving(index_dir) as stub:
        response = await stub.Search(pb.SearchRequest(query="article L. 9999-9 du code du travail"))
    [unknown] = response.not_found
    assert (unknown.article.number, unknown.article.code) == ("L9999-9", "code-du-travail")


async def test_a_text_that_ends_soon_tells_the_day(index_dir: Path) -> None:
    await build(EdgeWriter(index_dir), [replace(ARTICLE, end_date="2027-01-01")])
    async with serving(index_dir) as stub:
        response = await stub.Search(pb.SearchRequest(query="contrat de travail"))
    assert response.passages[0].changes_on == "2027-01-01"


async def test_offices_answer_for_the_place_that_is_named(index_dir: Path) -> None:
    offices = [
        sheet("P69_1", "Préfecture du Rhône", departments=("69",)),
        sheet("P75_1", "Préfecture de police", departments=("75",)),
    ]
    await build(EdgeWriter(index_dir), offices)
    async with serving(index_dir) as stub:
        named = await stub.Search(pb.SearchRequest(query="quelle préfecture dans le Rhône ?"))
        nowhere = await stub.Search(pb.SearchRequest(query="quelle préfecture ?"))
    assert [passage.chunk_id for passage in named.passages] == ["P69_1"]
    assert not nowhere.passages


@pytest.mark.parametrize(("as_of", "found"), [("", ["F1_1"]), ("2018-06-01", ["old_1"]), ("2026-11-22", ["F1_1"])])
async def test_the_day_asked_for_decides_which_law_answers(index_dir: Path, as_of: str, found: list[str]) -> None:
    await build(EdgeWriter(index_dir), [SHEET, OLD])
    async with serving(index_dir) as stub:
        response = await stub.Search(pb.SearchRequest(query="carte de séjour", as_of=as_of))
    assert [passage.chunk_id for passage in response.passages] == found


async def test_filters_reach_the_index(index_dir: Path) -> None:
    await build(EdgeWriter(index_dir), [SHEET, sheet("F2_1", "Une carte de séjour.")])
    async with serving(index_dir) as stub:
        for filters in (pb.Filters(datasets=["sample"]), pb.Filters(audiences=["Particuliers"], themes=["Étranger"])):
            response = await stub.Search(pb.SearchRequest(query="carte", filters=filters))
            assert [passage.chunk_id for passage in response.passages] == ["F1_1"]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.SearchRequest(query=""), "query: must not be empty"),
        (pb.SearchRequest(query=" \n"), "query: must not be empty"),
        (pb.SearchRequest(query="é" * 2001), "query: must not be longer than 2000 characters"),
        (pb.SearchRequest(query="carte", as_of="hier"), "as_of: must be an ISO 8601 day such as 2026-11-22"),
        (pb.SearchRequest(query="carte", as_of="22/11/2026"), "as_of: must be an ISO 8601 day"),
        (pb.SearchRequest(query="carte", limit=51), "limit: must not be more than 50"),
    ],
)
async def test_a_bad_request_names_the_field(index_dir: Path, request_: pb.SearchRequest, field: str) -> None:
    async with serving(index_dir) as stub:
        refused = await refusal(stub, request_)
    assert refused.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert (refused.details() or "").startswith(field)


async def test_without_an_index_the_service_is_unavailable_until_there_is_one(index_dir: Path) -> None:
    async with serving(index_dir) as stub:
        refused = await refusal(stub, pb.SearchRequest(query="carte"))
        assert refused.code() == grpc.StatusCode.UNAVAILABLE
        assert refused.details() == "the legal texts cannot be searched right now"
        assert dict(refused.trailing_metadata() or ())["marianne-dependency"] == "qdrant"
        await build(EdgeWriter(index_dir), [SHEET])
        response = await stub.Search(pb.SearchRequest(query="carte"))
        assert [passage.chunk_id for passage in response.passages] == ["F1_1"]


async def test_a_new_index_is_served_without_a_restart(index_dir: Path) -> None:
    await build(EdgeWriter(index_dir), [SHEET])
    async with serving(index_dir) as stub:
        await stub.Search(pb.SearchRequest(query="carte"))
        await build(EdgeWriter(index_dir), [sheet("F9_1", "Une carte de séjour.")])
        response = await stub.Search(pb.SearchRequest(query="carte"))
    assert [passage.chunk_id for passage in response.passages] == ["F9_1"]


async def test_the_corpus_describes_itself(index_dir: Path) -> None:
    async with serving(index_dir) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.DescribeCorpus(pb.DescribeCorpusRequest())
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        await build(EdgeWriter(index_dir), [SHEET], snapshot_at="2025-06-01")
        response = await stub.DescribeCorpus(pb.DescribeCorpusRequest())
    assert (response.corpus.name, response.corpus.snapshot_at) == ("sample", "2025-06-01")


async def test_an_index_on_a_server_answers_alike() -> None:
    async with qdrant_server() as server:
        writer = open_writer(server.address)
        await build(writer, [SHEET, ARTICLE])
        await writer.close()
        async with serving(server.address) as stub:
            response = await stub.Search(pb.SearchRequest(query="que dit l'article L1221-1 sur la carte ?"))
    assert [passage.doc_id for passage in response.passages] == [ARTICLE.doc_id, "F1"]


async def test_a_hung_server_costs_the_services_own_limit() -> None:
    async with hung_qdrant_server() as address, serving(address, timeout_s=0.3) as stub:
        started = time.monotonic()
        refused = await refusal(stub, pb.SearchRequest(query="carte"))
        assert refused.code() == grpc.StatusCode.UNAVAILABLE
        assert 0.3 <= time.monotonic() - started < 2.0


async def test_a_hung_server_never_outlasts_the_callers_deadline() -> None:
    async with hung_qdrant_server() as address, serving(address, timeout_s=60) as stub:
        started = time.monotonic()
        refused = await refusal(stub, pb.SearchRequest(query="carte"), timeout_s=0.4)
        assert refused.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
        assert time.monotonic() - started < 2.0


async def test_the_time_of_each_search_is_measured(index_dir: Path) -> None:
    def searches() -> float:
        return REGISTRY.get_sample_value("rag_retrieval_latency_seconds_count") or 0.0

    await build(EdgeWriter(index_dir), [SHEET])
    before = searches()
    async with serving(index_dir) as stub:
        await stub.Search(pb.SearchRequest(query="carte"))
        await refusal(stub, pb.SearchRequest(query=""))
    assert searches() == before + 1
