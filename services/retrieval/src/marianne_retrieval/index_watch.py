"""Opens the index before the first question and notices when another one is served, or none."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from marianne_corpus.index import IndexReader, StoreUnavailableError
from marianne_corpus.lexicon import Lexicon
from marianne_corpus.manifest import Manifest

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Served:
    """The index that serves, its words and places, and how many seconds it took to open them."""

    manifest: Manifest
    lexicon: Lexicon
    opened_in_s: float


async def watch_index(
    index: IndexReader,
    changed: Callable[[Served | None], Awaitable[None]],
    stop: asyncio.Event,
    *,
    every_s: float,
    timeout_s: float,
) -> None:
    """Tells `changed` of the index that serves, at once and after each change; returns after `stop`."""
    last: str | None = None
    while not stop.is_set():
        served, state = await _look(index, last, timeout_s)
        if state != last:
            last = state
            await changed(served)
            _log(served, state)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every_s)


async def _look(index: IndexReader, last: str | None, timeout_s: float) -> tuple[Served | None, str]:
    """What serves and what tells it from another; without its words when it is the one that was seen `last`."""
    started = time.perf_counter()
    try:
        manifest = await index.manifest(timeout_s=timeout_s)
        new = manifest.generation != last
        lexicon = await index.lexicon(timeout_s=timeout_s) if new else Lexicon({}, {})
    except StoreUnavailableError as error:
        return None, str(error)
    return Served(manifest, lexicon, time.perf_counter() - started), manifest.generation


def _log(served: Served | None, state: str) -> None:
    if served is None:
        log.warning("index_unavailable", reason=state)
    else:
        manifest = served.manifest
        log.info(
            "index_serves",
            generation=state,
            chunks=manifest.chunks,
            snapshot_at=manifest.snapshot_at,
            seconds=round(served.opened_in_s, 3),
        )
