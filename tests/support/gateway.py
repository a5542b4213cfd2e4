"""A gateway for tests: the real application behind the real server, on a free port."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from marianne_gateway.app import create_app
from marianne_gateway.config import GatewaySettings
from marianne_gateway.gateway import Gateway
from marianne_gateway.server import listening, open_gateway, serving


@dataclass(frozen=True, slots=True)
class RunningGateway:
    url: str
    http: httpx.AsyncClient
    parts: Gateway


@dataclass(frozen=True, slots=True)
class Frame:
    name: str
    data: dict[str, Any]
    id: str | None


def settings(orchestrator_addr: str, **fields: Any) -> GatewaySettings:
    defaults: dict[str, Any] = {"port": 0, "metrics_port": 0, "orchestrator_addr": orchestrator_addr}
    return GatewaySettings(**(defaults | fields))


@asynccontextmanager
async def running_gateway(orchestrator_addr: str, **fields: Any) -> AsyncIterator[RunningGateway]:
    """Serves with these settings; `http` is a client of it."""
    given = settings(orchestrator_addr, **fields)
    listener = listening(given)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        open_gateway(given) as gateway,
        serving(create_app(gateway), listener),
        httpx.AsyncClient(base_url=url, timeout=10) as http,
    ):
        yield RunningGateway(url, http, gateway)


@asynccontextmanager
async def bare_gateway(orchestrator_addr: str, **fields: Any) -> AsyncIterator[RunningGateway]:
    """The same without a server: quicker to start, and for requests that are answered at once."""
    async with open_gateway(settings(orchestrator_addr, **fields)) as gateway:
        transport = httpx.ASGITransport(create_app(gateway))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield RunningGateway("http://gateway", http, gateway)


def free_address() -> str:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def frames(stream: str) -> list[Frame]:
    """The events of a whole stream, which ends with the blank line of its last event."""
    assert stream.endswith("\n\n")
    return [_frame(block) for block in stream.split("\n\n") if block and not block.startswith(":")]


def _frame(block: str) -> Frame:
    fields = dict(line.split(": ", 1) for line in block.split("\n"))
    return Frame(fields["event"], json.loads(fields["data"]), fields.get("id"))


async def ask(gateway: RunningGateway, query: str = "Une question ?", **options: Any) -> list[Frame]:
    """Asks and reads the stream to its end."""
    response = await gateway.http.post("/chat/stream", json={"query": query}, **options)
    assert response.status_code == 200, response.text
    return frames(response.text)


async def next_chunk(chunks: AsyncIterator[bytes]) -> bytes:
    async with asyncio.timeout(10):
        return await anext(chunks)
