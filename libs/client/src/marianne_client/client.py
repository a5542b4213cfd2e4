"""Asks questions over HTTP; a lost connection is taken up where it broke off."""

import asyncio
import contextlib
import datetime as dt
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from marianne_client.errors import (
    ConnectionLostError,
    ProtocolError,
    RateLimitedError,
    UnavailableError,
    UnreachableError,
    refusal,
)
from marianne_client.events import Done, Event, Meta, decode
from marianne_client.sse import SseParser

# Three heartbeats of silence are a dead connection.
_TIMEOUT = httpx.Timeout(10.0, read=45.0)
_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0)


# A gateway that has said `done` ends its response at once; leaving before that would look like a reader who left.
_END_OF_BODY_S = 0.5


class _LostError(Exception):
    """A connection broke off."""


@dataclass(slots=True)
class _Turn:
    """One question, and how much of its answer has come."""

    body: Mapping[str, Any]
    idempotency_key: str = field(default_factory=lambda: uuid.uuid4().hex)
    meta: Meta | None = None
    last_event_id: str = ""


class MarianneClient:
    """`http` brings a client of one's own, which stays open; otherwise leaving the context closes it."""

    def __init__(self, base_url: str, api_key: str | None = None, http: httpx.AsyncClient | None = None) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = http or httpx.AsyncClient()
        self._owns_http = http is None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        if self._owns_http:
            await self._http.aclose()

    async def ask(
        self,
        query: str,
        *,
        thread_id: str | None = None,
        language: str | None = None,
        user_nationality: str | None = None,
        as_of: dt.date | None = None,
        model: str | None = None,
    ) -> AsyncGenerator[Event]:
        """The events of the turn up to `Done`, each once, across lost connections.

        Raises UnreachableError, ConnectionLostError, ProtocolError and the kinds of RequestRefusedError.
        """
        fields = {
            "query": query,
            "thread_id": thread_id,
            "language": language,
            "user_nationality": user_nationality,
            "as_of": as_of.isoformat() if as_of else None,
            "model": model,
        }
        turn = _Turn({name: value for name, value in fields.items() if value is not None})
        pauses = iter(_PAUSES_S)
        while True:
            try:
                async with aclosing(self._read(turn)) as events:
                    async for event in events:
                        pauses = iter(_PAUSES_S)
                        if isinstance(event, Done):
                            await _to_the_end(events)
                            yield event
                            return
                        yield event
                lost = _LostError("the stream ended without its last event")
            except _LostError as error:
                lost = error
            pause_s = next(pauses, None)
            if pause_s is None or (turn.meta and not turn.meta.resumable):
                raise ConnectionLostError(str(lost)) from lost
            await asyncio.sleep(pause_s)

    async def stop(self, message_id: str) -> None:
        """Ends a running turn, whose stream closes with finish_reason "cancelled"."""
        try:
            response = await self._http.delete(self._url_of(message_id), headers=self._headers, timeout=_TIMEOUT)
        except httpx.TransportError as error:
            raise UnreachableError(f"nobody answers at {self._base_url}") from error
        _raise_if_refused(response)

    async def _read(self, turn: _Turn) -> AsyncGenerator[Event]:
        """One connection's worth of events. Raises _LostError when another may bring the rest."""
        try:
            async with self._open(turn) as response:
                if response.status_code >= 400:
                    await response.aread()
                    _raise_if_refused(response)
                async for event in _events(response, turn):
                    yield event
        except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            if turn.meta is None:
                raise UnreachableError(f"nobody answers at {self._base_url}") from error
            raise _LostError(str(error)) from error
        except httpx.TransportError as error:
            raise _LostError(str(error) or type(error).__name__) from error
        except (RateLimitedError, UnavailableError) as error:
            if turn.meta is None:
                raise
            raise _LostError(str(error)) from error

    def _open(self, turn: _Turn) -> AbstractAsyncContextManager[httpx.Response]:
        """Asks, or asks again under the same key, which starts no second turn; resumes once the turn has a name."""
        if turn.meta is None:
            headers = self._headers | {"Idempotency-Key": turn.idempotency_key}
            url = f"{self._base_url}/chat/stream"
            return self._http.stream("POST", url, json=turn.body, headers=headers, timeout=_TIMEOUT)
        headers = self._headers | ({"Last-Event-ID": turn.last_event_id} if turn.last_event_id else {})
        return self._http.stream("GET", self._url_of(turn.meta.message_id), headers=headers, timeout=_TIMEOUT)

    def _url_of(self, message_id: str) -> str:
        return f"{self._base_url}/chat/stream/{message_id}"


async def _events(response: httpx.Response, turn: _Turn) -> AsyncGenerator[Event]:
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        raise ProtocolError("expected a stream of events")
    parser = SseParser()
    async for chunk in response.aiter_bytes():
        for message in parser.feed(chunk):
            turn.last_event_id = message.id or turn.last_event_id
            if event := decode(message):
                if isinstance(event, Meta):
                    turn.meta = event
                yield event


def _raise_if_refused(response: httpx.Response) -> None:
    if response.status_code >= 400:
        try:
            body = orjson.loads(response.content)
        except ValueError:
            body = None
        raise refusal(response.status_code, body, response.headers.get("retry-after"))


async def _to_the_end(events: AsyncGenerator[Event]) -> None:
    with contextlib.suppress(TimeoutError, _LostError):
        async with asyncio.timeout(_END_OF_BODY_S):
            async for _ in events:
                pass
