"""A stack with two gateways and two orchestrators; each gateway knows both orchestrators."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from support.processes import Program, free_port, python
from support.stack import Stack

PAIRED = ("orchestrator", "gateway")
KEYS = {"maya": "la-cle-de-maya", "omar": "la-cle-d-omar"}


def second(service: str) -> str:
    return f"{service}_2"


class Replicas(Stack):
    """The second gateway and orchestrator are called `gateway_2` and `orchestrator_2`."""

    def __init__(self, folder: Path, index_dir: Path, **environment: str) -> None:
        keys = folder / "keys"
        keys.write_text("".join(f"{name} {hashlib.sha256(key.encode()).hexdigest()}\n" for name, key in KEYS.items()))
        twin = free_port()
        super().__init__(
            folder,
            index_dir,
            {"GATEWAY_API_KEYS_FILE": str(keys), "GATEWAY_SIGNING_KEY": "k" * 32} | environment,
        )
        self.ports[second("orchestrator")] = twin
        addresses = f"ipv4:{self.address('orchestrator')},127.0.0.1:{twin}"
        for service in PAIRED:
            self._add(service, addresses)

    def _add(self, service: str, orchestrators: str) -> None:
        name, prefix = second(service), service.upper()
        self.ports.setdefault(name, free_port())
        self.metrics_ports[name] = free_port()
        common = self.environment | {"GATEWAY_ORCHESTRATOR_ADDR": orchestrators}
        own = {f"{prefix}_PORT": str(self.ports[name]), f"{prefix}_METRICS_PORT": str(self.metrics_ports[name])}
        self.programs[service] = Program(service, python(f"marianne_{service}"), common, self.folder)
        self.programs[name] = Program(name, python(f"marianne_{service}"), common | own, self.folder)

    def url_of(self, gateway: str) -> str:
        return f"http://127.0.0.1:{self.ports[gateway]}"

    async def orchestrators_with_turns(self) -> list[str]:
        return [
            name
            for name in ("orchestrator", second("orchestrator"))
            if await self.metric(name, "chat_active_streams") > 0
        ]

    async def owner(self) -> str:
        """The orchestrator that runs the one turn there is."""
        [name] = await self.orchestrators_with_turns()
        return name

    async def other(self) -> str:
        """The one that does not."""
        return "orchestrator" if await self.owner() == second("orchestrator") else second("orchestrator")

    async def _ready(self, service: str) -> None:
        if service == second("gateway"):
            await self._answers_at(self.url_of(service))
        else:
            await super()._ready(service)

    async def _answers_at(self, url: str) -> None:
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=20)) as http:
            while not (await http.get(f"{url}/readyz")).is_success:
                self._still_running(second("gateway"))


@asynccontextmanager
async def running_replicas(folder: Path, index_dir: Path, **environment: str) -> AsyncIterator[Replicas]:
    replicas = Replicas(folder, index_dir, **environment)
    try:
        await replicas.start(*replicas.programs)
        yield replicas
    finally:
        await replicas.end()
