"""An OpenAI-compatible upstream that a test scripts: a real HTTP/1.1 server on a free loopback port.

It runs in the test's event loop, so a client may live in the same process or in a service started by the test:

    async with FakeLLM(text="Bonjour. Au revoir.") as fake:
        fake.script(misbehaviour("rate_limited"), reply_text("Bonjour."))      # the next two requests
        ...
        await fake.closed(0)                                                   # the client let go of request 0
"""

import asyncio
import contextlib
import gzip
import json
import re
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Send:
    """Writes these bytes as one HTTP chunk."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Goes on when the test sets the event."""

    event: asyncio.Event


@dataclass(frozen=True, slots=True)
class Hang:
    """Sends nothing more until the client lets go."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Drops the connection without ending the answer."""


Step = Send | Wait | Hang | Cut


@dataclass(frozen=True, slots=True)
class Reply:
    """A status line, then steps. With `hold_head` the steps come first, so that the client waits for the head."""

    steps: tuple[Step, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})
    hold_head: bool = False


@dataclass(slots=True)
class RecordedRequest:
    """One request as it arrived; `closed` is set when its client let go, before or after the answer's end."""

    method: str
    path: str
    headers: dict[str, str]
    raw_body: bytes
    connection: int
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def body(self) -> Json:
        parsed: Json = json.loads(self.raw_body)
        return parsed


Responder = Callable[[RecordedRequest], Reply]


class FakeLLM:
    """Answers `text`, token by token where a stream is asked for, unless scripted otherwise."""

    def __init__(self, text: str = "Bonjour. Voici la réponse.", *, model: str = "fake-1") -> None:
        self.text = text
        self.model = model
        self.requests: list[RecordedRequest] = []
        self.connections: list[_Connection] = []
        self._script: deque[Reply] = deque()
        self._respond: Responder = self._default
        self._arrival = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._server.close()
        for connection in self.connections:
            connection.drop()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def script(self, *replies: Reply) -> None:
        """Answers the next requests with these, one each."""
        self._script.extend(replies)

    def respond_with(self, responder: Responder) -> None:
        """Lets the test choose the answer to every request that is not scripted."""
        self._respond = responder

    async def received(self, index: int) -> RecordedRequest:
        """Waits until request `index` (from 0) has arrived."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.requests) > index)
        return self.requests[index]

    async def closed(self, index: int) -> None:
        """Waits until the client of request `index` (from 0) has let go of its connection."""
        await (await self.received(index)).closed.wait()

    async def idle(self) -> None:
        """Waits until no request is being answered."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def start(self, connection: "_Connection", request: RecordedRequest) -> asyncio.Task[None]:
        task = asyncio.create_task(self._answer(connection, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _answer(self, connection: "_Connection", request: RecordedRequest) -> None:
        async with self._arrival:
            self.requests.append(request)
            self._arrival.notify_all()
        await connection.play(self._script.popleft() if self._script else self._respond(request))

    def _default(self, request: RecordedRequest) -> Reply:
        if not request.path.endswith("/chat/completions"):
            return reply_json({"object": "list", "data": [{"id": self.model, "object": "model"}]})
        if not request.body.get("stream"):
            return reply_whole(self.text, model=self.model)
        usage = bool((request.body.get("stream_options") or {}).get("include_usage"))
        return reply_text(self.text, model=self.model, usage=usage)


class _Connection(asyncio.Protocol):
    """One keep-alive connection; requests come one after another, never pipelined."""

    def __init__(self, fake: FakeLLM) -> None:
        self._fake = fake
        self._received = b""
        self._requests: list[RecordedRequest] = []
        self._answering: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._number = len(self._fake.connections)
        self._fake.connections.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        for request in self._requests:
            request.closed.set()
        if self._answering:
            self._answering.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._received = rest[length:]
        method, path, _ = first.split(" ", 2)
        request = RecordedRequest(method, path, headers, rest[:length], self._number)
        self._requests.append(request)
        self._answering = self._fake.start(self, request)

    async def play(self, reply: Reply) -> None:
        if not reply.hold_head:
            self._write(_head(reply))
        for step in reply.steps:
            match step:
                case Send(data):
                    self._write(b"%x\r\n%b\r\n" % (len(data), data))
                case Wait(event):
                    await event.wait()
                case Hang():
                    await asyncio.Event().wait()
                case Cut():
                    return self.drop()
        if reply.hold_head:
            self._write(_head(reply))
        return self._write(b"0\r\n\r\n")

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def drop(self) -> None:
        assert self._transport is not None
        self._transport.close()


def _head(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} Fake", *(f"{name}: {value}" for name, value in reply.headers.items())]
    return "\r\n".join([*lines, "transfer-encoding: chunked", "", ""]).encode("latin-1")


def frame(value: Json) -> bytes:
    """One server-sent event with a JSON value."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def chunk(delta: Json, *, finish_reason: str | None = None, model: str = "fake-1") -> Json:
    """A `chat.completion.chunk` with one choice."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": "chat-1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}


def usage_chunk(prompt: int, completion: int) -> Json:
    """The chunk without choices that ends a stream whose usage was asked for."""
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return {**chunk({}), "choices": [], "usage": usage}


def tokens(text: str) -> list[str]:
    """Words with the blanks after them; joined they are the text again."""
    return re.findall(r"\S+\s*|\s+", text)


def token_frames(text: str, *, model: str = "fake-1") -> list[bytes]:
    """The frames of a text, without the ones that end the stream."""
    return [frame(chunk({"content": token}, model=model)) for token in tokens(text)]


def end_frames(text: str, *, usage: bool = True) -> list[bytes]:
    """Finish reason, usage and `[DONE]`, as they follow a text."""
    counted = [frame(usage_chunk(7, len(tokens(text))))] if usage else []
    return [frame(chunk({}, finish_reason="stop")), *counted, DONE]


def reply_frames(*frames: bytes, end: tuple[Step, ...] = ()) -> Reply:
    """A stream of these bytes, one HTTP chunk each, then the steps of `end`."""
    return Reply((*(Send(data) for data in frames), *end))


def reply_text(text: str, *, model: str = "fake-1", usage: bool = True) -> Reply:
    """A well-behaved stream of the text."""
    role = frame(chunk({"role": "assistant", "content": ""}, model=model))
    return reply_frames(role, *token_frames(text, model=model), *end_frames(text, usage=usage))


def reply_json(value: Json, status: int = 200, **headers: str) -> Reply:
    return Reply(
        (Send(json.dumps(value).encode()),),
        status,
        {"content-type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}},
    )


def reply_whole(text: str, *, model: str = "fake-1") -> Reply:
    """A well-behaved answer to a request that asks for no stream."""
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 7, "completion_tokens": len(tokens(text)), "total_tokens": 7 + len(tokens(text))}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return reply_json({"object": "chat.completion", "model": model, "choices": [choice], "usage": usage})


def misbehaviour(name: str, text: str = "Déjà vu. Fin.") -> Reply:
    """A reply that says `text` in an odd way, or fails where a client must cope; the names are the keys at the end."""
    return _ODDITIES[name](text)


def _rewritten(old: bytes, new: bytes) -> Callable[[str], Reply]:
    return lambda text: Reply(tuple(Send(step.data.replace(old, new)) for step in _sends(text)))


def _sends(text: str) -> list[Send]:
    return [step for step in reply_text(text).steps if isinstance(step, Send)]


def _first_token_then(*end: Step) -> Callable[[str], Reply]:
    return lambda text: reply_frames(token_frames(text)[0], end=end)


def _failing(status: int, **headers: str) -> Callable[[str], Reply]:
    error = {"error": {"message": "no", "type": "fake"}}
    return lambda _text: reply_json(error, status, **headers)


def _byte_by_byte(text: str) -> Reply:
    joined = b"".join(send.data for send in _sends(text))
    return Reply(tuple(Send(joined[i : i + 1]) for i in range(len(joined))))


def _commented(text: str) -> Reply:
    return reply_frames(*(b": keep-alive\n\nevent: message\nid: 1\nretry: 5\n" + send.data for send in _sends(text)))


def _compressed(text: str) -> Reply:
    body = gzip.compress(b"".join(send.data for send in _sends(text)))
    headers = {"content-type": "text/event-stream", "content-encoding": "gzip"}
    return Reply((Send(body[:20]), Send(body[20:])), headers=headers)


def _tool_calls(_text: str) -> Reply:
    call = {"index": 0, "id": "call-1", "type": "function", "function": {"name": "search", "arguments": "{}"}}
    started = frame(chunk({"role": "assistant", "content": None, "tool_calls": [call]}))
    return reply_frames(started, frame(chunk({}, finish_reason="tool_calls")), DONE)


def _surrounded(*deltas: Json) -> Callable[[str], Reply]:
    before = [frame(chunk(delta)) for delta in deltas]
    return lambda text: reply_frames(*before, *token_frames(text), *end_frames(text))


def _parts(text: str) -> Reply:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": text}]
    return reply_frames(frame(chunk({"content": parts})), *end_frames(text))


_ODDITIES: Mapping[str, Callable[[str], Reply]] = {
    "crlf": _rewritten(b"\n", b"\r\n"),
    "no_space_after_data": _rewritten(b"data: ", b"data:"),
    "comments": _commented,
    "utf8_cut": _byte_by_byte,
    "role_only_first": _surrounded({"role": "assistant"}),
    "null_content": _surrounded({"role": "assistant", "content": None}, {"content": None}),
    "content_parts": _parts,
    "empty_choices_with_usage": lambda text: reply_frames(
        frame({**chunk({}), "choices": []}), *token_frames(text), *end_frames(text)
    ),
    "no_done": lambda text: reply_frames(*token_frames(text), *end_frames(text)[:-1]),
    "no_finish_reason": lambda text: reply_frames(*token_frames(text), DONE),
    "unauthorized": _failing(401),
    "not_found": _failing(404),
    "rate_limited": _failing(429, retry_after="1"),
    "server_error": _failing(500),
    "overloaded": _failing(503),
    "invalid_json": lambda text: reply_frames(token_frames(text)[0], b"data: {not json\n\n"),
    "error_frame": lambda _text: reply_frames(frame({"error": {"message": "out of memory", "code": 500}})),
    "cut_before_first_token": lambda _text: reply_frames(frame(chunk({"role": "assistant"})), end=(Cut(),)),
    "cut_mid_stream": _first_token_then(Cut()),
    "ends_mid_stream": _first_token_then(),
    "hang_before_head": lambda _text: Reply((Hang(),), hold_head=True),
    "hang_before_first_token": lambda _text: reply_frames(b": soon\n\n", end=(Hang(),)),
    "hang_mid_stream": _first_token_then(Hang()),
    "hang_after_done": lambda text: Reply((*reply_text(text).steps, Hang())),
    "zero_tokens": lambda _text: reply_frames(frame(chunk({"role": "assistant", "content": ""})), *end_frames("")),
    "tool_calls": _tool_calls,
    "reasoning": _surrounded({"reasoning_content": "Réfléchissons."}, {"reasoning": "Donc."}),
    "ignores_stream": reply_whole,
    "compressed": _compressed,
    "web_page": lambda _text: Reply((Send(b"<html>Bienvenue</html>"),), headers={"content-type": "text/html"}),
    "endless_line": lambda _text: reply_frames(*[b"x" * (1 << 16)] * 40),
}


@contextlib.contextmanager
def refusing_base_url() -> Iterator[str]:
    """An address at which every connection is refused: the port is taken, but nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/v1"
