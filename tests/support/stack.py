"""The whole product for tests: every service a process of its own, on free ports, started and stopped by pid."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import httpx
from grpc_health.v1 import health_pb2

from marianne_client.client import MarianneClient
from support.processes import START_TIMEOUT_S, Program, free_port, python

StartStack = Callable[..., Awaitable["Stack"]]

SERVICES = ("guardrails", "retrieval", "orchestrator", "gateway")
_SAMPLE = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>[^}]*)\})? (?P<value>\S+)", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


class Stack:
    """`environment` is added to that of every service."""

    def __init__(self, folder: Path, index_dir: Path, environment: Mapping[str, str]) -> None:
        self.ports = {name: free_port() for name in SERVICES}
        self.metrics_ports = {name: free_port() for name in SERVICES}
        self.folder = folder
        self.environment = {
            **_inherited(),
            "INDEX_DIR": str(index_dir),
            # A fake model that writes answers judges none, unless its test says so.
            "GUARDRAILS_JUDGE": "off",
            "ORCHESTRATOR_AUDIT_DIR": str(folder / "audit"),
            "GATEWAY_ORCHESTRATOR_ADDR": self.address("orchestrator"),
            "ORCHESTRATOR_RETRIEVAL_ADDR": self.address("retrieval"),
            "ORCHESTRATOR_GUARDRAILS_ADDR": self.address("guardrails"),
            **{f"{name.upper()}_PORT": str(port) for name, port in self.ports.items()},
            **{f"{name.upper()}_METRICS_PORT": str(port) for name, port in self.metrics_ports.items()},
            **environment,
        }
        self.programs = {name: Program(name, python(f"marianne_{name}"), self.environment, folder) for name in SERVICES}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['gateway']}"

    def address(self, service: str) -> str:
        return f"127.0.0.1:{self.ports[service]}"

    async def start(self, *services: str) -> None:
        for name in services:
            await self.programs[name].start()
        await self.ready(*services)

    async def ready(self, *services: str) -> None:
        try:
            await asyncio.wait_for(asyncio.gather(*(self._ready(name) for name in services)), START_TIMEOUT_S)
        except TimeoutError:
            raise AssertionError(f"not ready:\n{self.output()}") from None

    async def stop(self, service: str, number: signal.Signals = signal.SIGTERM) -> int:
        return await self.programs[service].stop(number)

    async def end(self) -> None:
        """Everything stops, however the test went; a continued process can be ended, a stopped one cannot."""
        for program in self.programs.values():
            program.send(signal.SIGCONT)
            await program.end()

    def client(self, api_key: str | None = None) -> MarianneClient:
        return MarianneClient(self.url, api_key=api_key)

    async def metric(self, service: str, name: str, **labels: str) -> float:
        """The sum of the samples of that name that carry these labels; 0 when there is none."""
        async with httpx.AsyncClient() as http:
            text = (await http.get(f"http://127.0.0.1:{self.metrics_ports[service]}/metrics")).text
        return sum(
            float(sample["value"])
            for sample in _SAMPLE.finditer(text)
            if sample["name"] == name and labels.items() <= dict(_LABEL.findall(sample["labels"] or "")).items()
        )

    def output(self) -> str:
        return "\n".join(f"--- {name}\n{program.output()}" for name, program in self.programs.items())

    async def _ready(self, service: str) -> None:
        if service == "gateway":
            await self._http_ready()
        else:
            await self._grpc_serving(service)

    async def _http_ready(self) -> None:
        async with httpx.AsyncClient() as http:
            while not await _answers(http, f"{self.url}/readyz"):
                self._still_running("gateway")

    async def _grpc_serving(self, service: str) -> None:
        async with grpc.aio.insecure_channel(self.address(service)) as channel:
            check = channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
                response_deserializer=health_pb2.HealthCheckResponse.FromString,
            )
            response = await check(health_pb2.HealthCheckRequest(), wait_for_ready=True)
            assert response.status == health_pb2.HealthCheckResponse.SERVING
            self._still_running(service)

    def _still_running(self, service: str) -> None:
        program = self.programs[service]
        assert program.returncode is None, f"{service} ended with {program.returncode}:\n{program.output()}"


async def _answers(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).is_success
    except httpx.TransportError:
        # Nothing tells when a port starts to listen.
        await asyncio.sleep(0.02)
        return False


def _inherited() -> dict[str, str]:
    """The test process's environment without what would configure a service."""
    ours = re.compile(
        r"(LLM|EMBEDDINGS|RERANK|QDRANT|REDIS|INDEX|OTEL|GATEWAY|ORCHESTRATOR|RETRIEVAL|GUARDRAILS|INGEST)_"
    )
    return {name: value for name, value in os.environ.items() if not ours.match(name)}  # noqa: TID251


@asynccontextmanager
async def running_stack(folder: Path, index_dir: Path, **environment: str) -> AsyncIterator[Stack]:
    stack = Stack(folder, index_dir, environment)
    try:
        await stack.start(*SERVICES)
        yield stack
    finally:
        await stack.end()
