"""A run that is killed at any moment leaves the old index serving, and the next run succeeds."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marianne_corpus.store.edge_reader import EdgeReader
from marianne_corpus.store.server_reader import ServerReader
from marianne_ingest import cli
from support.corpus import index_directory, scope, sparse_lane
from support.parquet import sheet_row, write_data_set
from support.qdrant import QdrantSubstitute, qdrant_server

Moment = Callable[[Path], bool]
SHEETS = 1_000
FEW = 600


@pytest.fixture
def index_dir() -> Iterator[Path]:
    with index_directory() as directory:
        yield directory


def write_sheets(data: Path, *, changed: int, count: int = SHEETS) -> None:
    rows = [sheet_row(f"F{n}_1", **({"text": f"Zanzibar {n}."} if n < changed else {})) for n in range(count)]
    write_data_set(data, "service-public", rows)


def under_construction(index_dir: Path) -> list[Path]:
    """The directories of generations that are not served."""
    served = (index_dir / "CURRENT").read_text(encoding="ascii").strip()
    return [path for path in index_dir.iterdir() if path.is_dir() and path.name != served]


def the_copy_has_begun(index_dir: Path) -> bool:
    return bool(under_construction(index_dir))


def points_are_written(index_dir: Path) -> bool:
    return any((path / "shard" / "segments").exists() for path in under_construction(index_dir))


def files_lie_beside_it(index_dir: Path) -> bool:
    return any((path / "ledger.parquet").exists() for path in under_construction(index_dir))


def it_is_sealed(index_dir: Path) -> bool:
    return any((path / "manifest.json").exists() for path in under_construction(index_dir))


async def kill_when(moment: Moment, data: Path, index_dir: Path, *arguments: str) -> None:
    """Starts a run and kills it at once when the moment has come; a run that was faster did succeed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "marianne_ingest", "--from", str(data), "--index-dir", str(index_dir), *arguments),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    while process.returncode is None and not moment(index_dir):  # noqa: ASYNC110  nothing tells when a file appears
        await asyncio.sleep(0)
    if process.returncode is None:
        os.kill(process.pid, signal.SIGKILL)
    await process.wait()


async def found(index_dir: Path, query: str) -> int:
    reader = EdgeReader(index_dir)
    [hits] = (await reader.search([sparse_lane(query)], scope(), timeout_s=1)).lanes
    assert await reader.count(timeout_s=1) == SHEETS
    await reader.close()
    return len(hits)


@pytest.mark.parametrize("arguments", [pytest.param((), id="refresh"), pytest.param(("--rebuild",), id="rebuild")])
@pytest.mark.parametrize("moment", [the_copy_has_begun, points_are_written, files_lie_beside_it, it_is_sealed])
async def test_a_killed_run_changes_nothing_and_the_next_one_succeeds(
    tmp_path: Path, index_dir: Path, moment: Moment, arguments: tuple[str, ...]
) -> None:
    write_sheets(tmp_path, changed=0)
    command = ["--from", str(tmp_path), "--index-dir", str(index_dir)]
    assert await asyncio.to_thread(cli.main, command) == 0
    served = (index_dir / "CURRENT").read_text(encoding="ascii")
    write_sheets(tmp_path, changed=150)
    await kill_when(moment, tmp_path, index_dir, *arguments)
    switched = (index_dir / "CURRENT").read_text(encoding="ascii") != served
    assert await found(index_dir, "Zanzibar") == (10 if switched else 0)
    assert await asyncio.to_thread(cli.main, command) == 0
    assert await found(index_dir, "Zanzibar") == 10
    assert len(under_construction(index_dir)) == 1


@pytest.mark.parametrize("calls", [2, 25, 33])
async def test_a_server_serves_on_when_a_run_is_killed(tmp_path: Path, calls: int) -> None:
    write_sheets(tmp_path, changed=0, count=FEW)
    async with qdrant_server() as server:
        assert await ingest_on(server, tmp_path) == 0
        write_sheets(tmp_path, changed=100, count=FEW)
        await ingest_on(server, tmp_path, killed_after=calls)
        reader = ServerReader(server.address)
        assert await reader.count(timeout_s=5) == FEW
        codes = [await ingest_on(server, tmp_path)]
        while codes[-1] == 75:  # until the dead run's lease has lapsed
            codes.append(await ingest_on(server, tmp_path))
        assert codes[-1] == 0
        [hits] = (await reader.search([sparse_lane("Zanzibar")], scope(), timeout_s=5)).lanes
        assert len(hits) == 10
        names = {collection.name for collection in server.engine.get_collections().collections}
        assert len(names) == 4, "two generations with their files, and no lease"
        await reader.close()


async def ingest_on(server: QdrantSubstitute, data: Path, *, killed_after: int | None = None) -> int:
    """Runs ingest on the server; it is killed when it has sent so many requests."""
    environment = {
        "PATH": os.defpath,
        "QDRANT_URL": server.address.url,
        "QDRANT_GRPC_PORT": str(server.address.grpc_port),
        "INGEST_LEASE_S": "1",
    }
    before = server.requests.count
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "marianne_ingest", "--from", str(data)),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
    )
    if killed_after is not None:
        ended = asyncio.create_task(process.wait())
        reached = asyncio.create_task(server.requests.reach(before + killed_after))
        await asyncio.wait([ended, reached], return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        assert process.returncode is None, "it was killed while it worked"
        os.kill(process.pid, signal.SIGKILL)
    return await process.wait()
