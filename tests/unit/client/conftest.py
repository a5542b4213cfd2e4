from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from marianne_client import MarianneClient
from support.gateway import RunningGateway, running_gateway
from support.orchestrator import FakeOrchestrator

# What one example may take depends on who else uses the machine.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(name="orchestrator")
async def _orchestrator() -> FakeOrchestrator:
    return FakeOrchestrator()


@pytest.fixture(name="gateway")
async def _gateway(orchestrator: FakeOrchestrator) -> AsyncIterator[RunningGateway]:
    async with orchestrator.running() as address, running_gateway(address) as gateway:
        yield gateway


@pytest.fixture(name="client")
async def _client(gateway: RunningGateway) -> AsyncIterator[MarianneClient]:
    async with MarianneClient(gateway.url) as client:
        yield client
