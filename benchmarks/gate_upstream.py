"""A language model that keeps time: it answers, understands and judges with set delays and notes when it wrote."""

import asyncio
import json
import re
import time
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_SOURCE = re.compile(r"^\[(\d+\.\d+)\] (.+)$", re.MULTILINE)
_CLAIM = re.compile(r'^\{"claim":.+\}$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds."""

    first_token_s: float
    token_s: float
    understand_s: float
    judge_s: float


class TimedModel:
    """Every answer is two sentences that cite the first source. `first_sentence_at` is when the first was whole."""

    def __init__(self, pace: Pace, sentence: str) -> None:
        self.pace = pace
        self._sentence = sentence
        self.first_sentence_at = 0.0
        self.calls: dict[str, int] = {}

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    def close(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader)) is not None:
                await self._answer(request, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()

    async def _answer(self, request: Json, writer: asyncio.StreamWriter) -> None:
        content = request["messages"][-1]["content"]
        kind = "judge" if "response_format" in request else "answer" if _SOURCE.search(content) else "understand"
        self.calls[kind] = self.calls.get(kind, 0) + 1
        if kind == "answer":
            await self._write(content, writer)
        elif kind == "judge":
            await asyncio.sleep(self.pace.judge_s)
            await _whole(writer, _supports_all(request))
        else:
            await asyncio.sleep(self.pace.understand_s)
            await _whole(writer, "Comment renouveler un titre de séjour ?")

    async def _write(self, prompt: str, writer: asyncio.StreamWriter) -> None:
        first, *_ = _SOURCE.findall(prompt)
        text = f"{self._sentence or first[1].removesuffix('.')} [{first[0]}]."
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(self.pace.first_token_s)
        for sentence in (text, f" {text}"):
            for token in re.findall(r"\s*\S+", sentence):
                _write_chunk(writer, _frame({"index": 0, "delta": {"content": token}, "finish_reason": None}))
                await writer.drain()
                if sentence is text:
                    self.first_sentence_at = time.monotonic()
                await asyncio.sleep(self.pace.token_s)
        _write_chunk(writer, _frame({"index": 0, "delta": {}, "finish_reason": "stop"}) + b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _read_request(reader: asyncio.StreamReader) -> Json | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
    body: Json = json.loads(await reader.readexactly(int(length[1]) if length else 0) or b"{}")
    return body


def _supports_all(request: Json) -> str:
    content = request["messages"][-1]["content"]
    sources = dict(_SOURCE.findall(content))
    claims = [json.loads(line) for line in _CLAIM.findall(content)]
    judgements = [
        {
            "claim": claim["claim"],
            "entailment": "SUPPORTED",
            "source": claim["cites"][0],
            "words": " ".join(sources[claim["cites"][0]].split()[:4]),
        }
        for claim in claims
    ]
    return json.dumps({"judgements": judgements})


async def _whole(writer: asyncio.StreamWriter, content: str) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    body = json.dumps({"object": "chat.completion", "model": "timed", "choices": [choice]}).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


def _frame(choice: Json) -> bytes:
    return (
        b"data: "
        + json.dumps({"object": "chat.completion.chunk", "model": "timed", "choices": [choice]}).encode()
        + b"\n\n"
    )


def _write_chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%b\r\n" % (len(data), data))
