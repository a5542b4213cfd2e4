"""A turn as an HTTP response: streamed, or whole. Both end the turn's call as soon as their reader leaves."""

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing

from opentelemetry import trace
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from marianne_gateway import sse
from marianne_gateway.answer import answer_of, status_of
from marianne_gateway.events import Event, PeerError, PeerRefusalError
from marianne_gateway.relay import FINISH_REASON, observed, settled, with_silences

# How long the start of a stream waits for the turn's first event, so that an unknown turn gets a 404 and not a stream.
_CONTACT_S = 0.25


class FrameStream(StreamingResponse):
    """Server-sent events, whose frames stop being made as soon as their reader leaves."""

    media_type = "text/event-stream"

    def __init__(self, frames: AsyncGenerator[bytes]) -> None:
        self._frames = frames
        super().__init__(frames, headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Not the parent's way: its task group would cancel again and again, and on servers that announce ASGI 2.4 it
        # learns only from a failing send that the reader has left.
        await _unless_left(receive, self.stream_response(send))

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._frames) as frames:
            first = await anext(frames)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": first, "more_body": True})
            async for frame in frames:
                await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class TurnStream(FrameStream):
    """The events of a turn, and a comment whenever none came for `heartbeat_s`.

    Raises PeerRefusalError, before anything is sent, when the orchestrator refuses at once.
    """

    def __init__(
        self, events: AsyncGenerator[Event], language: str | None, heartbeat_s: float, *, resumed: bool = False
    ) -> None:
        turn = observed(settled(events, language), None if resumed else time.perf_counter())
        super().__init__(_frames(with_silences(turn, _CONTACT_S, heartbeat_s)))


class WholeAnswer(Response):
    """The turn as one JSON object, once it has ended. Raises like TurnStream."""

    def __init__(self, events: AsyncGenerator[Event], language: str | None) -> None:
        super().__init__()
        self._turn = observed(settled(events, language), time.perf_counter())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _unless_left(receive, self._respond(scope, receive, send))

    def rendered(self, events: Sequence[Event]) -> Response:
        answer = answer_of(events)
        return JSONResponse(answer, status_of(answer))

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        events: list[Event] = []
        async with aclosing(self._turn):
            async for event in self._turn:
                if not events:
                    _raise_if_refused(event)
                events.append(event)
        await self.rendered(events)(scope, receive, send)


def raise_if_failed(first: Event) -> None:
    """A turn that begins with an error has not begun."""
    _raise_if_refused(first)
    if first.name == "error":
        raise PeerError(first.payload["code"])


async def _frames(turn: AsyncGenerator[Event | None]) -> AsyncGenerator[bytes]:
    async with aclosing(turn):
        started = False
        async for event in turn:
            if not started:
                _raise_if_refused(event)
                started = True
            yield sse.HEARTBEAT if event is None else sse.frame(event.name, event.payload, event.sequence)


def _raise_if_refused(first: Event | None) -> None:
    if first is not None and first.name == "error":
        match first.payload["code"]:
            case "not_found" | "invalid_request" as code:
                raise PeerRefusalError(code, first.payload.get("field"))


async def _unless_left(receive: Receive, responding: Coroutine[None, None, None]) -> None:
    """Runs `responding` in a task of its own; cancels it, once, when the reader leaves or this one is cancelled."""
    response = asyncio.create_task(responding)
    leaving = asyncio.create_task(_until_left(receive))
    try:
        await asyncio.wait((response, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not response.done():
            trace.get_current_span().set_attribute(FINISH_REASON, "cancelled")
    finally:
        response.cancel()
        leaving.cancel()
        await asyncio.wait((response, leaving))
    if not response.cancelled():
        response.result()


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
