"""Stands for an OpenAI-compatible embeddings endpoint, on a free port, which can be told to misbehave."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request gets instead of vectors: a status, or with None a connection that breaks."""

    status: int | None


@dataclass(slots=True)
class EmbeddingsServer:
    """A text's vector begins with its length. `replies` are used up first."""

    dimension: int
    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    spoil: Callable[[dict[str, Any]], None] = lambda answer: None
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        vectors = [[float(len(text)), 1.0, *[0.0] * (self.dimension - 2)] for text in request["input"]]
        data = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
        answer = {"object": "list", "model": request["model"], "data": list(reversed(data))}
        self.spoil(answer)
        return answer


@asynccontextmanager
async def embeddings_server(dimension: int) -> AsyncIterator[EmbeddingsServer]:
    served = EmbeddingsServer(dimension)
    connections: set[asyncio.StreamWriter] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        try:
            while await _answer_one(served, reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()
        for writer in connections:
            writer.close()
        await server.wait_closed()


async def _answer_one(served: EmbeddingsServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *fields = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (entry.partition(":") for entry in fields)}
    request = json.loads(await reader.readexactly(int(headers["content-length"])))
    assert line.startswith("POST /v1/embeddings "), line
    served.requests.append(request)
    served.keys.append(headers.get("authorization", ""))
    reply = served.replies.pop(0) if served.replies else Reply(200)
    if reply.status is None:
        writer.close()
        return False
    body = json.dumps(served.answer(request) if reply.status == 200 else {"error": "no"}).encode()
    writer.write(f"HTTP/1.1 {reply.status} X\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    return True
