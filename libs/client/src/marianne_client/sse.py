"""Server-sent events off the wire, https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream."""

import codecs
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """`id` is that of the last message that had one; "" before."""

    event: str
    data: str
    id: str


class SseParser:
    """Takes bytes as they come, cut anywhere, and gives the messages that they complete."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._after_cr = False
        self._line = ""
        self._data: list[str] = []
        self._event = ""
        self._id = ""

    def feed(self, chunk: bytes) -> list[Message]:
        messages = []
        *ended, rest = self._lines(self._decoder.decode(chunk))
        for line in ended:
            if message := self._take(self._line + line):
                messages.append(message)
            self._line = ""
        self._line += rest
        return messages

    def _lines(self, text: str) -> list[str]:
        """Lines end with CR LF, LF or CR; a CR at the end of one chunk may have its LF in the next."""
        if self._after_cr and text:
            text = text.removeprefix("\n")
            self._after_cr = False
        self._after_cr = self._after_cr or text.endswith("\r")
        return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def _take(self, line: str) -> Message | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._event = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self._id = value
        return None

    def _dispatch(self) -> Message | None:
        event, data = self._event or "message", self._data
        self._event, self._data = "", []
        return Message(event, "\n".join(data), self._id) if data else None
