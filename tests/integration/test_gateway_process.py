"""The gateway as a process of its own."""

import asyncio
import hashlib
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from support.gateway import free_address, next_chunk
from support.orchestrator import FakeOrchestrator, done, meta, token

SECRET = "mon-secret-a-moi"
LINE_LIMIT = 2**20


@pytest.fixture(name="orchestrator")
async def _orchestrator() -> FakeOrchestrator:
    return FakeOrchestrator()


@pytest.fixture(name="address")
async def _address(orchestrator: FakeOrchestrator) -> AsyncIterator[str]:
    async with orchestrator.running() as address:
        yield address


class GatewayProcess:
    def __init__(self, process: Process) -> None:
        self.process = process
        self.printed = ""
        self.url = ""

    async def until(self, event: str) -> dict[str, Any]:
        """The log line of this event; everything before is kept in `printed`."""
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            while line := (await self.process.stdout.readline()).decode():
                self.printed += line
                told: dict[str, Any] = json.loads(line)
                if told["event"] == event:
                    return told
        raise AssertionError(f"ended without {event}: {self.printed}")

    async def end(self) -> int:
        async with asyncio.timeout(60):
            out, err = await self.process.communicate()
            self.printed += out.decode() + err.decode()
            return await self.process.wait()


async def start(**variables: str) -> GatewayProcess:
    ours = ("GATEWAY_", "OTEL_", "LOG_", "ENVIRONMENT")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}  # noqa: TID251
    environment = {"GATEWAY_PORT": "0", "GATEWAY_METRICS_PORT": "0", "ENVIRONMENT": "production"} | variables
    return GatewayProcess(
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "marianne_gateway",
            env=inherited | environment,
            stdout=PIPE,
            stderr=PIPE,
            limit=LINE_LIMIT,
        )
    )


@asynccontextmanager
async def running(address: str, **variables: str) -> AsyncIterator[tuple[GatewayProcess, httpx.AsyncClient]]:
    gateway = await start(GATEWAY_ORCHESTRATOR_ADDR=address, **variables)
    try:
        port = (await gateway.until("gateway_listening"))["port"]
        await gateway.until("orchestrator_reached")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            yield gateway, http
    finally:
        if gateway.process.returncode is None:
            gateway.process.kill()
            await gateway.process.communicate()


async def test_on_sigterm_it_says_it_is_not_ready_ends_what_it_began_and_leaves_with_0(
    orchestrator: FakeOrchestrator, address: str
) -> None:
    go_on = asyncio.Event()
    orchestrator.play(meta(), go_on, token("Une phrase."), done())

    async with running(address) as (gateway, http):
        assert (await http.get("/readyz")).status_code == 200
        async with http.stream("POST", "/chat/stream", json={"query": "?"}) as response:
            chunks = response.aiter_raw()
            await next_chunk(chunks)
            gateway.process.send_signal(signal.SIGTERM)
            await gateway.until("gateway_draining")
            assert (await http.get("/readyz")).status_code == 503
            assert (await http.post("/chat/stream", json={"query": "?"})).status_code == 503
            go_on.set()
            rest = b"".join([chunk async for chunk in chunks])

        assert b"Une phrase." in rest
        assert b"event: done" in rest
        assert await gateway.end() == 0
    assert "Traceback" not in gateway.printed


async def test_what_does_not_end_within_the_drain_is_cut(orchestrator: FakeOrchestrator, address: str) -> None:
    orchestrator.play(meta(), asyncio.Event())

    async with running(address, GATEWAY_DRAIN_S="0.1") as (gateway, http):
        async with http.stream("POST", "/chat/stream", json={"query": "?"}) as response:
            chunks = response.aiter_raw()
            await next_chunk(chunks)
            gateway.process.send_signal(signal.SIGTERM)
            assert await gateway.end() == 0
        await asyncio.wait_for(orchestrator.left.wait(), 10)


async def test_an_idle_gateway_leaves_at_once(address: str) -> None:
    async with running(address) as (gateway, _):
        gateway.process.send_signal(signal.SIGTERM)

        assert await gateway.end() == 0


async def test_nothing_that_was_typed_is_printed(orchestrator: FakeOrchestrator, address: str) -> None:
    orchestrator.play(meta())  # an error for the gateway to log

    async with running(address, LOG_LEVEL="DEBUG") as (gateway, http):
        await http.post(f"/chat?q={SECRET}", json={"query": SECRET, SECRET: SECRET})
        await http.post("/chat", json={"query": SECRET})
        await http.get(f"/threads/{SECRET}", headers={"X-API-Key": SECRET})
        gateway.process.send_signal(signal.SIGTERM)
        await gateway.end()

    assert "turn_without_done" in gateway.printed
    assert SECRET not in gateway.printed


async def test_a_huge_body_does_not_end_up_in_memory(address: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(800):
            yield b" " * 65_536

    headers = {"Content-Type": "application/json"}
    async with running(address) as (gateway, http):
        await http.post("/chat", json={"query": "?"})
        process = psutil.Process(gateway.process.pid)
        before = process.memory_info().rss
        refused = [await http.post("/chat", content=body(), headers=headers) for _ in range(2)]
        grown = process.memory_info().rss - before

    assert [answer.status_code for answer in refused] == [413, 413]
    assert grown < 20 * 2**20  # of 100 MiB sent


@pytest.mark.parametrize("bind", ["0.0.0.0", "::"])  # noqa: S104  refused
async def test_without_keys_it_refuses_to_open_to_others(bind: str) -> None:
    gateway = await start(GATEWAY_BIND=bind)

    assert await gateway.end() == 78
    assert "GATEWAY_API_KEYS_FILE: " in gateway.printed
    assert "GATEWAY_SIGNING_KEY: " in gateway.printed
    assert "Traceback" not in gateway.printed


async def test_with_keys_it_opens_and_says_how_many(tmp_path: Path) -> None:
    keys, signing_key = tmp_path / "keys", tmp_path / "signing-key"
    keys.write_text(f"maya {hashlib.sha256(b'key-of-maya').hexdigest()}")
    signing_key.write_text("0123456789abcdef" * 2)

    gateway = await start(
        GATEWAY_BIND="0.0.0.0",  # noqa: S104  as in a pod; nobody is told the port
        GATEWAY_API_KEYS_FILE=str(keys),
        GATEWAY_SIGNING_KEY_FILE=str(signing_key),
        GATEWAY_ORCHESTRATOR_ADDR=free_address(),
    )
    told = await gateway.until("gateway_listening")
    gateway.process.send_signal(signal.SIGTERM)

    assert told["keys"] == 1
    assert await gateway.end() == 0


async def test_a_port_in_use_is_named(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        gateway = await start(GATEWAY_PORT=str(taken.getsockname()[1]), GATEWAY_ORCHESTRATOR_ADDR=address)

        assert await gateway.end() == 1
    assert "GATEWAY_PORT: cannot listen" in gateway.printed
