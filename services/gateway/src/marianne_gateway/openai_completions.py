"""Turns as chat completions, https://platform.openai.com/docs/api-reference/chat: whole, or in chunks."""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.responses import JSONResponse, Response

from marianne_gateway import openai_errors
from marianne_gateway.answer import answer_of, status_of
from marianne_gateway.events import Event
from marianne_gateway.prose import Prose
from marianne_gateway.relay import observed, settled, with_silences
from marianne_gateway.responses import FrameStream, WholeAnswer, raise_if_failed
from marianne_gateway.sse import HEARTBEAT

_DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Completion:
    """What all objects of one completion share."""

    id: str
    model: str
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, text: str, done: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text, "refusal": None},
            "logprobs": None,
            "finish_reason": _finish_reason(done),
        }
        return {**self._object("chat.completion", [choice]), "usage": _usage(done), **more}

    def chunk(self, delta: Mapping[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._object("chat.completion.chunk", [choice])

    def usage_chunk(self, done: Mapping[str, Any]) -> dict[str, Any]:
        return {**self._object("chat.completion.chunk", []), "usage": _usage(done)}

    def _object(self, name: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": self.id, "object": name, "created": self.created, "model": self.model, "choices": choices}


class WholeCompletion(WholeAnswer):
    """One JSON object, once the turn has ended; a turn that erred is an error, never half an answer."""

    def __init__(self, events: AsyncGenerator[Event], completion: Completion) -> None:
        super().__init__(events, None)
        self._completion = completion

    def rendered(self, events: Sequence[Event]) -> Response:
        answer = answer_of(events)
        if answer["error"]:
            status, error = openai_errors.translated(status_of(answer), answer["error"])
            return JSONResponse({"error": error}, status)
        prose = Prose()
        text = "".join(prose.of(event) for event in events)
        return JSONResponse(self._completion.whole(text, events[-1].payload, {"marianne": _more(events, prose)}))


class CompletionStream(FrameStream):
    """Chunks as server-sent events. Raises, before anything is sent, when the turn cannot begin."""

    def __init__(
        self, events: AsyncGenerator[Event], completion: Completion, heartbeat_s: float, *, include_usage: bool
    ) -> None:
        turn = observed(settled(events, None), time.perf_counter())
        frames = _Chunks(completion, include_usage=include_usage)
        super().__init__(frames.of(with_silences(turn, heartbeat_s, heartbeat_s)))


class FixedStream(FrameStream):
    """A completion whose text is known."""

    def __init__(self, text: str, completion: Completion, *, include_usage: bool) -> None:
        frames = _Chunks(completion, include_usage=include_usage)
        super().__init__(frames.of_text(text))


class _Chunks:
    def __init__(self, completion: Completion, *, include_usage: bool) -> None:
        self._completion = completion
        self._include_usage = include_usage
        self._prose = Prose()
        self._events: list[Event] = []

    async def of(self, turn: AsyncGenerator[Event | None]) -> AsyncGenerator[bytes]:
        async with aclosing(turn):
            async for event in turn:
                if event is None:
                    yield HEARTBEAT
                    continue
                if not self._events:
                    raise_if_failed(event)
                    yield self._frame(self._completion.chunk({"role": "assistant", "content": ""}))
                self._events.append(event)
                for frame in self._frames(event):
                    yield frame

    async def of_text(self, text: str) -> AsyncGenerator[bytes]:
        yield self._frame(self._completion.chunk({"role": "assistant", "content": text}))
        for frame in self._end(_NOTHING_USED, {}):
            yield frame

    def _frames(self, event: Event) -> list[bytes]:
        if event.name == "error":
            return [_data({"error": openai_errors.in_stream(event.payload)})]
        text = self._prose.of(event)
        said = [self._frame(self._completion.chunk({"content": text}))] if text else []
        if event.name != "done":
            return said
        return said + self._end(event.payload, {"marianne": _more(self._events, self._prose)})

    def _end(self, done: Mapping[str, Any], more: Mapping[str, Any]) -> list[bytes]:
        last = {**self._completion.chunk({}, _finish_reason(done)), **more}
        usage = [_data(self._completion.usage_chunk(done))] if self._include_usage else []
        return [self._frame(last), *usage, _DONE]

    def _frame(self, chunk: dict[str, Any]) -> bytes:
        # Where usage is asked for, OpenAI's chunks say that it is not known yet.
        return _data(chunk | {"usage": None} if self._include_usage else chunk)


_NOTHING_USED: Mapping[str, Any] = {"finish_reason": "stop", "usage": {"prompt_tokens": 0, "completion_tokens": 0}}


def fixed_answer(text: str, completion: Completion) -> JSONResponse:
    return JSONResponse(completion.whole(text, _NOTHING_USED, {}))


def _more(events: Sequence[Event], prose: Prose) -> dict[str, Any]:
    """What OpenAI's form has no place for."""
    meta = next((event.payload for event in events if event.name == "meta"), {})
    return {
        **{name: meta.get(name) for name in ("thread_id", "message_id", "trace_id")},
        "finish_reason": events[-1].payload["finish_reason"],
        "grounding": events[-1].payload["grounding"],
        "sources": list(prose.sources),
    }


def _finish_reason(done: Mapping[str, Any]) -> str:
    return "length" if done["finish_reason"] == "length" else "stop"


def _usage(done: Mapping[str, Any]) -> dict[str, int]:
    used = done["usage"]
    return {**used, "total_tokens": used["prompt_tokens"] + used["completion_tokens"]}


def _data(value: Mapping[str, Any]) -> bytes:
    return b"data: %s\n\n" % orjson.dumps(value)
