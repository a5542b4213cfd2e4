"""Models over HTTP, and a Qdrant that hangs, as retrieval meets them."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from marianne_corpus.index import StoreUnavailableError
from marianne_corpus.store import open_reader
from marianne_retrieval.breaker import Breaker
from marianne_retrieval.guarded_index import GuardedIndex
from marianne_retrieval.http_models import Endpoint, HttpEmbedder, HttpReranker
from marianne_retrieval.models import ModelUnavailableError
from support.corpus import index_directory, scope, sparse_lane
from support.model_server import model_server
from support.qdrant import hung_qdrant_server


@asynccontextmanager
async def endpoint(url: str, key: str | None = None, breaker: Breaker | None = None) -> AsyncIterator[Endpoint]:
    opened = Endpoint(url, key, limit_s=0.2, breaker=breaker or Breaker())
    try:
        yield opened
    finally:
        await opened.close()


async def test_an_embedding_is_asked_for_in_the_openai_form() -> None:
    answer = {"data": [{"index": 0, "embedding": [0.5, -1, 0.25]}], "model": "bge"}
    async with model_server(embeddings=answer) as server, endpoint(f"{server.url}/v1", "secret") as opened:
        assert await HttpEmbedder(opened, "bge").embed("carte", 1.0) == [0.5, -1.0, 0.25]
    body = {"model": "bge", "input": ["carte"], "encoding_format": "float"}
    assert server.requests == [("/v1/embeddings", body, "Bearer secret")]


async def test_texts_are_scored_in_the_form_of_text_embeddings_inference() -> None:
    answer = [{"index": 1, "score": 0.9}, {"index": 0, "score": 0.1}]
    async with model_server(rerank=answer) as server, endpoint(server.url) as opened:
        assert await HttpReranker(opened).score("carte", ["a", "b"], 1.0) == [0.1, 0.9]
    assert server.requests == [("/rerank", {"query": "carte", "texts": ["a", "b"], "truncate": True}, "")]


@pytest.mark.parametrize(
    "answer", [{}, [], {"data": []}, {"data": [{"embedding": []}]}, {"data": [{"embedding": ["a"]}]}, None]
)
async def test_an_answer_without_a_vector_is_no_vector(answer: object) -> None:
    async with model_server(embeddings=answer) as server, endpoint(f"{server.url}/v1") as opened:
        with pytest.raises(ModelUnavailableError, match="embedding"):
            await HttpEmbedder(opened, "bge").embed("carte", 1.0)


@pytest.mark.parametrize(
    "answer", [{}, [], [{"index": 0, "score": 0.1}], [{"index": 0}], [{"index": 0, "score": "high"}]]
)
async def test_scores_that_are_missing_are_no_scores(answer: object) -> None:
    async with model_server(rerank=answer) as server, endpoint(server.url) as opened:
        with pytest.raises(ModelUnavailableError, match="rerank"):
            await HttpReranker(opened).score("carte", ["a", "b"], 1.0)


async def test_a_model_that_hangs_costs_its_limit_and_then_nothing() -> None:
    breaker = Breaker(failures=2)
    async with model_server() as server, endpoint(f"{server.url}/v1", breaker=breaker) as opened:
        started = time.monotonic()
        for _ in range(20):
            with pytest.raises(ModelUnavailableError):
                await HttpEmbedder(opened, "bge").embed("carte", 60.0)
        assert 0.4 <= time.monotonic() - started < 3.0
    assert len(server.requests) == 2


async def test_an_error_of_the_model_is_told_without_the_text() -> None:
    async with model_server(embeddings={}) as server, endpoint(f"{server.url}/v1") as opened:
        server.status = 500
        with pytest.raises(ModelUnavailableError, match="500") as raised:
            await HttpEmbedder(opened, "bge").embed("je m'appelle Marianne", 1.0)
    assert "Marianne" not in str(raised.value)


async def test_a_qdrant_that_hangs_costs_some_questions_their_time_and_the_next_ones_nothing() -> None:
    async with hung_qdrant_server() as address:
        index = GuardedIndex(open_reader(address), Breaker(failures=2))
        started = time.monotonic()
        for _ in range(20):
            with pytest.raises(StoreUnavailableError):
                await index.rank([sparse_lane("carte")], scope(), timeout_s=0.3)
        assert 0.6 <= time.monotonic() - started < 4.0
        await index.close()


async def test_an_index_that_is_not_there_yet_is_looked_for_each_time() -> None:
    breaker = Breaker(failures=2)
    with index_directory() as directory:
        index = GuardedIndex(open_reader(directory), breaker)
        for _ in range(5):
            with pytest.raises(StoreUnavailableError, match="nothing is indexed"):
                await index.manifest(timeout_s=1)
        assert breaker.allows()
