"""Reads answers of the chat completions API: bytes in, text out, with usage and finish reason at the end. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from marianne_orchestrator.llm.errors import LLMProtocolError, LLMUnavailable

MAX_HELD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Completion:
    """What is known about an answer beside its text; None where the server does not say."""

    model: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None


class AnswerReader(Protocol):
    """Turns the body of one response into text."""

    @property
    def done(self) -> bool:
        """Nothing that matters can follow."""

    @property
    def completion(self) -> Completion: ...

    def feed(self, data: bytes) -> str:
        """The text that these bytes complete, perhaps none."""

    def close(self) -> str:
        """The text that the end of the body completes.

        Raises LLMUnavailable when the answer has no end, and like `feed` LLMProtocolError when it is no answer.
        """


class _Answer:
    """The fields that streams and whole answers share."""

    def __init__(self) -> None:
        self._model: str | None = None
        self._finish_reason: str | None = None
        self._usage: Usage | None = None

    @property
    def completion(self) -> Completion:
        return Completion(self._model, self._finish_reason, self._usage)

    def _read(self, value: Any, message_key: str) -> str:
        """The text of one JSON value; `message_key` is `delta` in a stream and `message` in a whole answer."""
        try:
            return self._fields(value, message_key)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise LLMProtocolError("a field has another type than the API gives it") from None

    def _fields(self, value: Any, message_key: str) -> str:
        if value.get("error"):
            raise LLMUnavailable("it reported an error in its answer")
        self._model = str(value.get("model") or "") or self._model
        self._usage = _usage(value.get("usage")) or self._usage
        return "".join([self._choice(choice, message_key) for choice in value.get("choices") or ()])

    def _choice(self, choice: Any, message_key: str) -> str:
        if choice.get("index", 0):
            return ""
        self._finish_reason = str(choice.get("finish_reason") or "") or self._finish_reason
        return _text((choice.get(message_key) or {}).get("content"))


class StreamReader(_Answer):
    """Reads server-sent events whose data lines hold one JSON value each, as every known server writes them.

    Lines end in LF or CRLF, at any border of the network. Other fields and comments are passed over, and so are
    reasoning and tool calls: neither is text for a reader. Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
    """

    def __init__(self) -> None:
        super().__init__()
        self._held = b""
        self.done = False

    def feed(self, data: bytes) -> str:
        *lines, self._held = (self._held + data).split(b"\n")
        if len(self._held) > MAX_HELD_BYTES:
            raise LLMProtocolError("a line is longer than 1 MiB")
        return self._lines(lines)

    def close(self) -> str:
        text = self._lines([self._held])
        if not self.done and self._finish_reason is None:
            raise LLMUnavailable("its answer has no end")
        return text

    def _lines(self, lines: Iterable[bytes]) -> str:
        return "".join([self._data(line[5:].strip()) for line in lines if line.startswith(b"data:")])

    def _data(self, data: bytes) -> str:
        if data == b"[DONE]":
            self.done = True
        if self.done or not data:
            return ""
        return self._read(_json(data), "delta")


class WholeReader(_Answer):
    """Reads an answer that comes as one JSON document."""

    done = False

    def __init__(self) -> None:
        super().__init__()
        self._body = bytearray()

    def feed(self, data: bytes) -> str:
        self._body += data
        if len(self._body) > MAX_HELD_BYTES:
            raise LLMProtocolError("the answer is longer than 1 MiB")
        return ""

    def close(self) -> str:
        text = self._read(_json(self._body), "message")
        if self._finish_reason is None:
            raise LLMProtocolError("the answer has no finish reason")
        return text


def reader_of(content_type: str) -> AnswerReader:
    """The reader for a response; the server decides, for some answer a streaming request with one document.

    Raises LLMProtocolError for a web page, which is what a wrong address most often gives.
    """
    if content_type.startswith("text/html"):
        raise LLMProtocolError("a web page")
    return WholeReader() if content_type.startswith("application/json") else StreamReader()


def _json(data: bytes | bytearray) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        # The decoder's error carries the document, and with it a user's text.
        raise LLMProtocolError("invalid JSON") from None


def _text(content: Any) -> str:
    """Content is text, null, or a list of parts of which those of type `text` are for the reader."""
    if isinstance(content, list):
        return "".join([part["text"] for part in content if part["type"] == "text"])
    return content or ""


def _usage(counted: Any) -> Usage | None:
    if not counted:
        return None
    return Usage(int(counted.get("prompt_tokens") or 0), int(counted.get("completion_tokens") or 0))
