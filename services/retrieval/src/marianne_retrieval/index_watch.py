"""Opens the index before the first question and notices when another one is served, or none."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from marianne_corpus.index import IndexReader, StoreUnavailableError
from marianne_corpus.manifest import Manifest

log = structlog.get_logger()


async def watch_index(
    index: IndexReader,
    changed: Callable[[Manifest | None], None],
    stop: asyncio.Event,
    *,
    every_s: float,
    timeout_s: float,
) -> None:
    """Tells `changed` of the index that serves, at once and after each change; returns after `stop`."""
    last: str | None = None
    while not stop.is_set():
        manifest, state = await _look(index, timeout_s)
        if state != last:
            last = state
            changed(manifest)
            _log(manifest, state)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every_s)


async def _look(index: IndexReader, timeout_s: float) -> tuple[Manifest | None, str]:
    try:
        manifest = await index.manifest(timeout_s=timeout_s)
    except StoreUnavailableError as error:
        return None, str(error)
    return manifest, manifest.generation


def _log(manifest: Manifest | None, state: str) -> None:
    if manifest is None:
        log.warning("index_unavailable", reason=state)
    else:
        log.info("index_serves", generation=state, chunks=manifest.chunks, snapshot_at=manifest.snapshot_at)
