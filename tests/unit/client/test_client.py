import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import pytest

from marianne_client import (
    ConnectionLostError,
    Done,
    Error,
    InvalidRequestError,
    MarianneClient,
    Meta,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    Sources,
    Token,
    UnauthorizedError,
    UnavailableError,
    UnreachableError,
)
from marianne_gateway import sse
from support.gateway import RunningGateway, running_gateway
from support.orchestrator import FakeOrchestrator, done, error, meta, source, sources, status, token

META = {
    "thread_id": "t_1",
    "message_id": "m_1",
    "trace_id": "",
    "trace_sampled": False,
    "model": "",
    "language": "fr",
    "memory": "new",
    "resumable": True,
    "corpus": {"name": "", "snapshot_at": None},
}
TOKEN = {"text": "Une phrase.", "lang": "fr", "citations": [], "verdict": "no_claim"}
DONE = {"finish_reason": "stop", "usage": {"prompt_tokens": 0, "completion_tokens": 0}, "grounding": {}, "timings": {}}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

Exchange = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(*exchanges: Exchange) -> AsyncIterator[tuple[str, list[str]]]:
    """Answers the first request as the first of `exchanges` says, and so on; yields its address and what it heard."""
    left = iter(exchanges)
    heard: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heard.append(head.decode())
        await next(left)(head, writer)
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", heard


def saying(*parts: bytes) -> Exchange:
    """Says this, then closes the connection."""

    async def exchange(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(parts))
        await writer.drain()

    return exchange


def response(status: str, body: bytes, *headers: str) -> Exchange:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return saying("\r\n".join(lines).encode() + body)


async def answered(client: MarianneClient, query: str = "Une question ?", **options: Any) -> list[Any]:
    return [event async for event in client.ask(query, **options)]


async def test_an_answer_comes_as_typed_events(client: MarianneClient, orchestrator: FakeOrchestrator) -> None:
    orchestrator.play(
        meta(),
        status("answering"),
        sources(source(1, "Un.", "Deux.")),
        token("Deux.", "1.2"),
        done(timings={"total": 2}),
    )

    events = await answered(client)

    begun, stage, rests_on, said, ended = events
    assert isinstance(begun, Meta)
    assert begun.resumable is True
    assert stage.stage == "answering"
    assert isinstance(rests_on, Sources)
    assert rests_on.sources[0].sentences == ("Un.", "Deux.")
    assert said == Token("Deux.", "fr", ("1.2",), "supported")
    assert isinstance(ended, Done)
    assert ended.timings == {"total": 2.0}


async def test_all_that_may_be_asked_reaches_the_orchestrator(
    client: MarianneClient, orchestrator: FakeOrchestrator
) -> None:
    first = (await answered(client))[0]
    day = dt.date(2026, 1, 15)

    await answered(
        client, thread_id=first.thread_id, language="en", user_nationality="MA", as_of=day, model="extractive"
    )

    asked = orchestrator.asked[1]
    assert asked.thread_id == first.thread_id
    assert (asked.language, asked.user_nationality, asked.as_of, asked.model) == (
        "en",
        "MA",
        "2026-01-15",
        "extractive",
    )


async def test_what_the_turn_reports_is_an_event_and_no_exception(
    client: MarianneClient, orchestrator: FakeOrchestrator
) -> None:
    orchestrator.play(meta(), error("llm", "Le modèle ne répond pas."), done("error"))

    events = await answered(client)

    assert events[1] == Error("llm", "Le modèle ne répond pas.", retryable=True)


async def test_stopping_ends_the_answer(client: MarianneClient, orchestrator: FakeOrchestrator) -> None:
    orchestrator.play(meta(), asyncio.Event())

    async with aclosing(client.ask("Une question ?")) as events:
        begun = await anext(events)
        assert isinstance(begun, Meta)
        await client.stop(begun.message_id)
        ended = await anext(events)

    assert isinstance(ended, Done)
    assert ended.finish_reason == "cancelled"


async def test_a_lost_connection_is_taken_up_after_the_last_event() -> None:
    first = saying(HEAD, sse.frame("meta", META, 1), sse.frame("token", TOKEN, 2), b"id: 3\nevent: tok")
    second = saying(HEAD, sse.frame("token", TOKEN, 3), sse.frame("done", DONE, 4))

    async with server(first, second) as (url, heard), MarianneClient(url) as client:
        events = await answered(client)

    assert [type(event).__name__ for event in events] == ["Meta", "Token", "Token", "Done"]
    assert heard[1].startswith("GET /chat/stream/m_1 ")
    assert "last-event-id: 2\r\n" in heard[1].lower()


async def test_a_question_whose_answer_never_began_is_asked_again_under_the_same_key() -> None:
    second = saying(HEAD, sse.frame("meta", META, 1), sse.frame("done", DONE, 2))

    async with server(saying(b""), second) as (url, heard), MarianneClient(url) as client:
        await answered(client)

    keys = [line for head in heard for line in head.split("\r\n") if line.lower().startswith("idempotency-key")]
    assert len(keys) == 2
    assert keys[0] == keys[1]


async def test_while_resuming_an_overloaded_gateway_is_given_time() -> None:
    first = saying(HEAD, sse.frame("meta", META, 1))
    busy = response("503 Service Unavailable", b"")
    last = saying(HEAD, sse.frame("done", DONE, 2))

    async with server(first, busy, last) as (url, _), MarianneClient(url) as client:
        events = await answered(client)

    assert isinstance(events[-1], Done)


async def test_a_turn_that_cannot_be_resumed_is_lost_with_its_connection() -> None:
    first = saying(HEAD, sse.frame("meta", META | {"resumable": False}, 1))

    async with server(first) as (url, heard), MarianneClient(url) as client:
        with pytest.raises(ConnectionLostError):
            await answered(client)

    assert len(heard) == 1


async def test_a_turn_that_expired_meanwhile_is_not_found() -> None:
    first = saying(HEAD, sse.frame("meta", META, 1))
    gone = response("404 Not Found", b'{"error": {"code": "not_found", "message": "Parti."}}')

    async with server(first, gone) as (url, _), MarianneClient(url) as client:
        with pytest.raises(NotFoundError, match="Parti"):
            await answered(client)


async def test_nothing_is_read_after_done() -> None:
    stream = saying(HEAD, sse.frame("done", DONE, 1), sse.frame("token", TOKEN, 2))

    async with server(stream) as (url, _), MarianneClient(url) as client:
        assert [type(event) for event in await answered(client)] == [Done]


async def test_events_and_fields_of_later_versions_are_passed_over() -> None:
    stream = saying(
        HEAD, sse.frame("novelty", {}, 1), sse.frame("token", TOKEN | {"shade": "blue"}, 2), sse.frame("done", DONE, 3)
    )

    async with server(stream) as (url, _), MarianneClient(url) as client:
        events = await answered(client)

    assert [type(event) for event in events] == [Token, Done]


@pytest.mark.parametrize(
    "stream",
    [
        saying(HEAD, b"event: token\ndata: {\n\n"),
        saying(HEAD, b'event: token\ndata: {"text": "Une phrase."}\n\n'),
        saying(HEAD, b"event: meta\ndata: []\n\n"),
        response("200 OK", b"<html>", "Content-Type: text/html"),
    ],
    ids=["no JSON", "a field missing", "no object", "another kind of page"],
)
async def test_what_is_no_marianne_is_said_to_be_none(stream: Exchange) -> None:
    async with server(stream) as (url, _), MarianneClient(url) as client:
        with pytest.raises(ProtocolError):
            await answered(client)


@pytest.mark.parametrize("url", ["localhost:8080", "http://127.0.0.1:1", "http://[", "ftp://127.0.0.1"])
async def test_an_address_where_nobody_answers_is_told_at_once(url: str) -> None:
    async with MarianneClient(url) as client:
        with pytest.raises(UnreachableError):
            await answered(client)


async def test_a_value_that_is_refused_is_named(client: MarianneClient) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await answered(client, language="de")

    assert (caught.value.status, caught.value.code, caught.value.field) == (422, "invalid_request", "language")


async def test_an_unknown_thread_is_not_found(client: MarianneClient) -> None:
    with pytest.raises(NotFoundError):
        await answered(client, thread_id="t_1")


async def test_too_many_requests_say_when_to_come_back(orchestrator: FakeOrchestrator) -> None:
    async with (
        orchestrator.running() as address,
        running_gateway(address, requests_per_minute=1) as gateway,
        MarianneClient(gateway.url) as client,
    ):
        await answered(client)
        with pytest.raises(RateLimitedError) as caught:
            await answered(client)

    assert 1 <= caught.value.retry_after_s <= 60


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("401 Unauthorized", UnauthorizedError),
        ("502 Bad Gateway", UnavailableError),
        ("418 Teapot", InvalidRequestError),
    ],
)
@pytest.mark.parametrize("body", [b"<html>nginx</html>", b"[]", b'{"error": "text"}', b""])
async def test_errors_of_proxies_are_errors_too(status: str, kind: type[Exception], body: bytes) -> None:
    async with server(response(status, body)) as (url, _), MarianneClient(url) as client:
        with pytest.raises(kind):
            await answered(client)


async def test_the_key_is_sent_as_a_bearer() -> None:
    stream = saying(HEAD, sse.frame("done", DONE, 1))

    async with server(stream) as (url, heard), MarianneClient(url, api_key="a-key") as client:
        await answered(client)

    assert "authorization: bearer a-key\r\n" in heard[0].lower()


async def test_a_client_of_ones_own_stays_open(gateway: RunningGateway) -> None:
    async with httpx.AsyncClient() as http:
        async with MarianneClient(gateway.url, http=http) as client:
            await answered(client)

        assert not http.is_closed
