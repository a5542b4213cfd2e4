"""Stacks of real processes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from support.sample import shared_index
from support.stack import Stack, StartStack, running_stack


@pytest.fixture(scope="session")
def sample_index(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    base = tmp_path_factory.getbasetemp()
    return shared_index(base if worker_id == "master" else base.parent)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(sample_index: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """One stack for the tests of a module that leave it as it was: no language model, no Redis, no collector."""
    async with running_stack(tmp_path_factory.mktemp("stack"), sample_index) as running:
        yield running


@pytest_asyncio.fixture
async def start_stack(sample_index: Path, tmp_path: Path) -> AsyncIterator[StartStack]:
    """Starts a stack of the test's own, with these variables added to its environment."""
    async with AsyncExitStack() as stacks:

        async def start(**environment: str) -> Stack:
            return await stacks.enter_async_context(running_stack(tmp_path, sample_index, **environment))

        yield start
