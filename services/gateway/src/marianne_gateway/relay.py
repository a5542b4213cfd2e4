"""A turn on its way to the reader: whatever happens to the peer, it ends with exactly one `done`."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

from marianne_gateway import metrics
from marianne_gateway.errors import failure
from marianne_gateway.events import GROUNDING, Event, PeerError, PeerRefusalError

log = structlog.get_logger()

ERROR_TYPE = "error.type"
FINISH_REASON = "marianne.finish_reason"


async def settled(events: AsyncGenerator[Event], language: str | None) -> AsyncGenerator[Event]:
    """The events up to `done`. A turn that breaks off gets an `error` and a `done` of the gateway's, in `language`, or
    in that of the answer once `meta` has told it.
    """
    field: str | None = None
    try:
        async with aclosing(events):
            async for event in events:
                if event.name == "meta":
                    language = event.payload["language"] or language
                yield event
                if event.name == "done":
                    return
        code: str = "internal"
        log.error("turn_without_done")
    except PeerError as error:
        code = error.code
        log.warning("turn_broken_off", code=code)
    except PeerRefusalError as error:
        code, field = error.code, error.field
    except Exception:
        code = "internal"
        log.exception("turn_relay_failed")
    yield Event("error", failure(code, language, field=field))
    yield Event("done", _nothing_done())


async def observed(events: AsyncGenerator[Event], asked_at: float | None) -> AsyncGenerator[Event]:
    """The same events, told to the metrics and to the request's span. `asked_at` is of `time.perf_counter`, None for
    the rest of a turn that was asked for earlier.
    """
    span = trace.get_current_span()
    async with aclosing(events):
        async for event in events:
            match event.name:
                case "token" if asked_at is not None:
                    metrics.TIME_TO_FIRST_TOKEN.observe(time.perf_counter() - asked_at)
                    asked_at = None
                case "error":
                    span.set_status(Status(StatusCode.ERROR, event.payload["code"]))
                    span.set_attribute(ERROR_TYPE, event.payload["code"])
                case "done":
                    span.set_attribute(FINISH_REASON, event.payload["finish_reason"])
            yield event


async def with_silences(events: AsyncGenerator[Event], first_s: float, every_s: float) -> AsyncGenerator[Event | None]:
    """The same events, and None for each silence: when nothing came for `first_s`, then for each `every_s` more."""
    reading: asyncio.Future[Event | None] | None = None
    wait_s = first_s
    try:
        while True:
            reading = reading or asyncio.ensure_future(anext(events, None))
            await asyncio.wait((reading,), timeout=wait_s)
            wait_s = every_s
            if not reading.done():
                yield None
            elif (event := reading.result()) is None:
                return
            else:
                reading = None
                yield event
    finally:
        if reading is not None:
            reading.cancel()
            await asyncio.wait((reading,))
        await events.aclose()


def _nothing_done() -> dict[str, object]:
    return {
        "finish_reason": "error",
        "usage": {"prompt_tokens": 0, "completion_tokens": 0},
        "grounding": dict.fromkeys(GROUNDING, 0),
        "timings": {},
    }
