from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from support.gateway import RunningGateway, bare_gateway, running_gateway
from support.orchestrator import FakeOrchestrator

# What one example may take depends on who else uses the machine.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(name="orchestrator")
async def _orchestrator() -> FakeOrchestrator:
    return FakeOrchestrator()


@pytest.fixture(name="address")
async def _address(orchestrator: FakeOrchestrator) -> AsyncIterator[str]:
    async with orchestrator.running() as address:
        yield address


@pytest.fixture(name="gateway")
async def _gateway(address: str) -> AsyncIterator[RunningGateway]:
    async with running_gateway(address) as gateway:
        yield gateway


@pytest.fixture(name="bare")
async def _bare(address: str) -> AsyncIterator[RunningGateway]:
    async with bare_gateway(address) as gateway:
        yield gateway
