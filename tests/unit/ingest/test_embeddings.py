"""Embeddings from an endpoint that answers well, is busy, fails, and lies."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from marianne_ingest.embeddings import Embedder, Endpoint
from marianne_ingest.errors import EmbeddingsUnavailableError
from support.embeddings import EmbeddingsServer, Reply, embeddings_server
from support.processes import free_port


@pytest_asyncio.fixture
async def server() -> AsyncIterator[EmbeddingsServer]:
    async with embeddings_server(dimension=3) as running:
        yield running


def embedder(url: str, api_key: str = "") -> Embedder:
    return Embedder(Endpoint(url, "BAAI/bge-m3", 3, api_key, pause_s=0.001))


async def embed(server: EmbeddingsServer, *texts: str) -> list[list[float]]:
    asking = embedder(server.url, "secret")
    try:
        return await asking.embed(texts)
    finally:
        await asking.close()


async def test_each_text_gets_its_vector_in_order(server: EmbeddingsServer) -> None:
    texts = [f"{'x' * n}" for n in range(100)]
    assert await embed(server, *texts) == [[float(n), 1.0, 0.0] for n in range(100)]
    assert [len(request["input"]) for request in server.requests] == [32, 32, 32, 4]
    assert {request["model"] for request in server.requests} == {"BAAI/bge-m3"}
    assert server.keys == ["Bearer secret"] * 4


@pytest.mark.parametrize("reply", [Reply(429), Reply(500), Reply(503), Reply(None)])
async def test_what_may_pass_is_asked_again(server: EmbeddingsServer, reply: Reply) -> None:
    server.replies = [reply, reply]
    assert await embed(server, "abc") == [[3.0, 1.0, 0.0]]
    assert len(server.requests) == 3


async def test_an_endpoint_that_stays_away_is_given_up_by_name(server: EmbeddingsServer) -> None:
    server.replies = [Reply(503)] * 10
    with pytest.raises(EmbeddingsUnavailableError, match=rf"EMBEDDINGS_BASE_URL={server.url}: HTTP 503, 6 times"):
        await embed(server, "abc")


def cut(answer: dict[str, Any]) -> None:
    answer["data"].pop()


def shorten(answer: dict[str, Any]) -> None:
    answer["data"][0]["embedding"].pop()


def rename(answer: dict[str, Any]) -> None:
    answer["vectors"] = answer.pop("data")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        pytest.param(cut, "1 embeddings for 2 texts", id="one is missing"),
        pytest.param(shorten, "embeddings of 2 numbers, EMBEDDINGS_DIM is 3", id="wrong dimension"),
        pytest.param(rename, "no embeddings in the answer: data: Field required", id="another form"),
    ],
)
async def test_an_answer_of_no_use_is_named(
    server: EmbeddingsServer, spoil: Callable[[dict[str, Any]], None], complaint: str
) -> None:
    server.spoil = spoil
    with pytest.raises(EmbeddingsUnavailableError, match=complaint):
        await embed(server, "a", "b")


async def test_a_refusal_is_not_asked_again(server: EmbeddingsServer) -> None:
    server.replies = [Reply(401)]
    with pytest.raises(EmbeddingsUnavailableError, match="HTTP 401"):
        await embed(server, "a")
    assert len(server.requests) == 1


async def test_no_endpoint_at_all_is_named() -> None:
    asking = embedder(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(EmbeddingsUnavailableError, match=r"ConnectError: .*, 6 times"):
        await asking.embed(["a"])
    await asking.close()
