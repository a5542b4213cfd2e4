"""A run that is killed at any moment leaves the old index serving, and the next run succeeds."""

import asyncio
import signal
from pathlib import Path

import pytest

from marianne_corpus.index import IndexReader, LeaseHeldError
from marianne_corpus.store import Location, open_reader
from support.corpus import index_directory, scope, sparse_lane
from support.killed import MOMENTS, Moment, killed_run, whole_run
from support.parquet import sheet_row, write_data_set
from support.qdrant import qdrant_server

SHEETS, CHANGED = 120, 30


def write_sheets(data: Path, *, changed: int) -> None:
    rows = [sheet_row(f"F{n}_1", **({"text": f"Zanzibar {n}."} if n < changed else {})) for n in range(SHEETS)]
    write_data_set(data, "service-public", rows)


async def found(reader: IndexReader, query: str) -> int:
    [hits] = (await reader.search([sparse_lane(query, limit=SHEETS)], scope(), timeout_s=5)).lanes
    assert await reader.count(timeout_s=5) == SHEETS
    return len(hits)


async def survives(location: Location, data: Path, moment: Moment, *, anew: bool) -> None:
    write_sheets(data, changed=0)
    await whole_run(location, data)
    reader = open_reader(location)
    served = await reader.manifest(timeout_s=5)
    write_sheets(data, changed=CHANGED)
    ended = await asyncio.to_thread(killed_run, location, data, moment, anew=anew)
    assert ended == -signal.SIGKILL, "it was killed at its moment"
    assert await reader.manifest(timeout_s=5) == served
    assert await found(reader, "Zanzibar") == 0
    await run_when_the_lease_has_lapsed(location, data)
    assert (await reader.manifest(timeout_s=5)).generation != served.generation
    assert await found(reader, "Zanzibar") == CHANGED
    await reader.close()


async def run_when_the_lease_has_lapsed(location: Location, data: Path) -> None:
    while True:
        try:
            return await whole_run(location, data)
        except LeaseHeldError:
            await asyncio.sleep(0)


@pytest.mark.parametrize("anew", [pytest.param(False, id="refresh"), pytest.param(True, id="rebuild")])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_directory_serves_on_when_a_run_is_killed(tmp_path: Path, moment: Moment, anew: bool) -> None:
    with index_directory() as index_dir:
        await survives(index_dir, tmp_path, moment, anew=anew)
        assert len([path for path in index_dir.iterdir() if path.is_dir()]) == 2


@pytest.mark.parametrize("moment", ["begin", "upsert", "attach", "seal"])
async def test_a_server_serves_on_when_a_run_is_killed(
    tmp_path: Path, moment: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGEST_LEASE_S", "0.5")
    async with qdrant_server() as server:
        await survives(server.address, tmp_path, moment, anew=False)
        names = {collection.name for collection in server.engine.get_collections().collections}
        assert len(names) == 4, "two generations with their files, and no lease"
