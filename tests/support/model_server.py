"""Stands for an embedding and rerank endpoint: a real HTTP server on a free port."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class ModelServer:
    """`answers` by path; a path without one is never answered. `requests` are paths, bodies and authorisations."""

    url: str = ""
    status: int = 200
    answers: dict[str, object] = field(default_factory=dict)
    requests: list[tuple[str, object, str]] = field(default_factory=list)
    handlers: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.handlers.add(asyncio.create_task(self._handle(reader, writer)))

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path = head[0].split()[1]
        self.requests.append((path, json.loads(body), headers.get("authorization", "")))
        if path in self.answers:
            answer = json.dumps(self.answers[path]).encode()
            writer.write(f"HTTP/1.1 {self.status} Status\r\ncontent-length: {len(answer)}\r\n\r\n".encode() + answer)
        else:
            await reader.read()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def model_server(**answers: object) -> AsyncIterator[ModelServer]:
    """`answers`: of "/v1/embeddings" and "/rerank", by the last part of the path."""
    paths = {"embeddings": "/v1/embeddings", "rerank": "/rerank"}
    model = ModelServer(answers={paths[name]: answer for name, answer in answers.items()})
    server = await asyncio.start_server(model.accept, "127.0.0.1", 0)
    model.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield model
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.gather(*model.handlers)
