import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from marianne_corpus.lexicon import LEXICON, Lexicon
from marianne_corpus.manifest import Manifest
from marianne_corpus.store.edge_reader import EdgeReader
from marianne_corpus.store.edge_writer import EdgeWriter
from marianne_retrieval.index_watch import Served, watch_index
from marianne_retrieval.metrics import show_index
from support.corpus import build, index_directory, manifest_of, points, sheet

SHEET = sheet("F1_1", "Une carte.")


@asynccontextmanager
async def watching(index: EdgeReader) -> AsyncIterator[asyncio.Queue[Served | None]]:
    seen: asyncio.Queue[Served | None] = asyncio.Queue()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch_index(index, seen.put, stop, every_s=0.01, timeout_s=1))
        yield seen
        stop.set()


def manifest_seen(served: Served | None) -> Manifest | None:
    return served.manifest if served else None


async def test_each_change_of_the_index_is_told_once() -> None:
    with index_directory() as index_dir, capture_logs() as logs:
        async with watching(EdgeReader(index_dir)) as seen:
            assert await seen.get() is None
            first = await build(EdgeWriter(index_dir), [SHEET])
            assert manifest_seen(await seen.get()) == first
            second = await build(EdgeWriter(index_dir), [SHEET])
            assert manifest_seen(await seen.get()) == second
        assert seen.empty()
    assert [entry["event"] for entry in logs] == ["index_unavailable", "index_serves", "index_serves"]
    assert str(index_dir) in logs[0]["reason"]


async def test_the_words_of_an_index_come_with_it() -> None:
    with index_directory() as index_dir:
        generation = await EdgeWriter(index_dir).begin()
        await generation.upsert(points([SHEET]))
        await generation.attach(LEXICON, Lexicon({"carte": 1}, {"75001": ("75",)}).to_json())
        await generation.seal(manifest_of([SHEET], "2026-11-20", generation.name))
        await generation.switch()
        async with watching(EdgeReader(index_dir)) as seen:
            told = await seen.get()
    assert told is not None
    assert told.lexicon == Lexicon({"carte": 1}, {"75001": ("75",)})
    assert 0 < told.opened_in_s < 10


def served(manifest: Manifest) -> Served:
    return Served(manifest, Lexicon({}, {}), opened_in_s=0.25)


def age(dataset: str) -> float | None:
    return REGISTRY.get_sample_value("legal_data_age_seconds", {"dataset": dataset})


def test_the_age_of_each_data_set_is_exported() -> None:
    day = datetime.now(UTC).date() - timedelta(days=10)
    show_index(served(manifest_of([SHEET], day.isoformat())))
    assert age("service-public") == pytest.approx(10.5 * 86_400, abs=0.5 * 86_400)
    assert REGISTRY.get_sample_value("retrieval_index_chunks") == 1.0
    assert REGISTRY.get_sample_value("retrieval_index_open_seconds") == 0.25


def test_a_data_set_that_left_the_index_leaves_the_metrics() -> None:
    show_index(served(manifest_of([SHEET], "2026-11-20")))
    show_index(served(manifest_of([sheet("F1_1", "Une carte.", dataset="sample")], "2026-11-20")))
    assert age("service-public") is None
    show_index(None)
    assert age("sample") is None
    assert REGISTRY.get_sample_value("retrieval_index_chunks") == 0.0
