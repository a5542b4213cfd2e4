"""One run of the command: what it does for each of its actions."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from uuid import uuid4

from marianne_corpus.index import IndexWriter, NoIndexError
from marianne_corpus.store import Location, open_reader, open_writer
from marianne_corpus.store.server_writer import ServerWriter
from marianne_ingest.build import build
from marianne_ingest.catalog import Catalog, Source
from marianne_ingest.config import IngestSettings
from marianne_ingest.dense import DenseWriter
from marianne_ingest.discovery import from_directory, from_hub
from marianne_ingest.embeddings import Embedder
from marianne_ingest.errors import SettingError, SourceError
from marianne_ingest.plan import Options, Plan, Served, is_unchanged, load_served, make_plan
from marianne_ingest.progress import TerminalProgress
from marianne_ingest.report import describe_difference, describe_index, describe_plan
from marianne_ingest.sample import write_sample
from marianne_ingest.shards import join, missing, serve_whole, write_share
from marianne_ingest.share import Share
from marianne_ingest.sources import Snapshot

Action = Literal["build", "plan", "dry-run", "status", "rollback"]

_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`sources` are those that were named; None for the default ones."""

    action: Action
    sources: list[Source] | None
    directory: Path | None
    sample: Path | None
    rebuild: bool
    vectors: bool
    share: Share | None = None
    keep_official: bool = False


async def run(request: Request, location: Location, settings: IngestSettings, catalog: Catalog) -> list[str]:
    """What there is to say. Raises all that the command has an exit code for."""
    async with AsyncExitStack() as stack:
        if request.action == "status":
            return await _status(location)
        writer = open_writer(location)
        stack.push_async_callback(writer.close)
        if request.action == "rollback":
            await stack.enter_async_context(writer.lease(str(uuid4()), settings.lease_s))
            return [f"rolled back to index {(await writer.roll_back()).generation}"]
        if request.keep_official and (kept := await writer.current()) and kept.official:
            return [f"kept: index {kept.generation} holds {kept.chunks} chunks of official texts"]
        snapshots = stack.enter_context(_snapshots(request, catalog))
        if request.share:
            return await _build_share(request, request.share, snapshots, writer, settings, catalog)
        return await _act(request, snapshots, writer, settings, catalog)


async def _status(location: Location) -> list[str]:
    reader = open_reader(location)
    try:
        return [*describe_index(await reader.manifest(timeout_s=_TIMEOUT_S))]
    except NoIndexError:
        return [f"{_spoken(location)}: no index"]
    finally:
        await reader.close()


async def _act(
    request: Request, snapshots: list[Snapshot], writer: IndexWriter, settings: IngestSettings, catalog: Catalog
) -> list[str]:
    if request.action == "plan":
        remote = not (request.directory or request.sample)
        return [*describe_plan(snapshots, await writer.current(), remote=remote)]
    options = _options(request, settings)
    if request.action == "dry-run":
        return [*describe_difference(_plan(request, snapshots, await load_served(writer), options))]
    async with writer.lease(str(uuid4()), settings.lease_s):
        served = await load_served(writer)
        _require_whole(request, _others(snapshots, served, options))
        if served and not request.rebuild and is_unchanged(snapshots, served, options):
            return [_unchanged(served)]
        plan = _plan(request, snapshots, served, options)
        async with _dense(plan, settings) as dense:
            with TerminalProgress() as progress:
                manifest = await build(plan, writer, catalog, dense, progress, settings.max_shrink_ratio)
        return [*describe_difference(plan), *describe_index(manifest)]


async def _build_share(
    request: Request,
    share: Share,
    snapshots: list[Snapshot],
    writer: IndexWriter,
    settings: IngestSettings,
    catalog: Catalog,
) -> list[str]:
    """Writes the share; when that was the last one, checks the whole and serves it, under the lease."""
    if not isinstance(writer, ServerWriter):
        raise SettingError("QDRANT_URL: not set, and only on a server can several processes build one index")
    options = _options(request, settings)
    served = await load_served(writer)
    if served and is_unchanged(snapshots, served, options):
        return [_unchanged(served)]
    plan = _plan(request, snapshots, served, options)
    generation = await join(plan, share.count, writer)
    async with _dense(plan, settings) as dense:
        with TerminalProgress() as progress:
            await write_share(plan, share, generation, catalog, dense, progress)
    if awaited := await missing(generation, share.count):
        return [f"share {share} is written, still to come: {', '.join(map(str, awaited))}"]
    async with writer.lease(str(uuid4()), settings.lease_s):
        served = await load_served(writer)
        if served and is_unchanged(snapshots, served, options):
            return [_unchanged(served)]
        return [*describe_index(await serve_whole(plan, share.count, generation, catalog, settings.max_shrink_ratio))]


def _options(request: Request, settings: IngestSettings) -> Options:
    return Options(
        max_shrink_ratio=settings.max_shrink_ratio,
        endpoint=settings.endpoint,
        vectors=request.vectors,
        exact=request.rebuild or request.sample is not None,
        anew=request.share is not None,
    )


def _unchanged(served: Served) -> str:
    return f"unchanged: index {served.manifest.generation} already holds these {served.manifest.chunks} chunks"


def _plan(request: Request, snapshots: list[Snapshot], served: Served | None, options: Options) -> Plan:
    """Raises SourceError when a directory has lost a whole source, or a partial run would lose the others."""
    others = _others(snapshots, served, options)
    _require_whole(request, others)
    plan = make_plan(snapshots, served, options)
    if others and plan.served is None:
        raise SourceError(f"the index must be built anew, with {others} too; --rebuild does without")
    return plan


def _require_whole(request: Request, others: str) -> None:
    """Raises SourceError when a directory, of which all is to be read, has lost a source that the index holds."""
    if others and request.directory and request.sources is None:
        raise SourceError(
            f"{request.directory}: no folder for {others}, which the index holds; "
            f"--sources names what to refresh, --rebuild does without"
        )


def _others(snapshots: list[Snapshot], served: Served | None, options: Options) -> str:
    """The sources of an index of the same kind that this run does not read."""
    if not served or options.exact or served.manifest.official != all(snapshot.official for snapshot in snapshots):
        return ""
    read = {snapshot.source.name for snapshot in snapshots}
    return ", ".join(record.name for record in served.manifest.sources if record.name not in read)


@contextmanager
def _snapshots(request: Request, catalog: Catalog) -> Iterator[list[Snapshot]]:
    sources = catalog.default if request.sources is None else request.sources
    if request.sample:
        with tempfile.TemporaryDirectory(prefix="marianne-sample-") as parquet:
            write_sample(request.sample, Path(parquet))
            yield from_directory(Path(parquet), sources)
    else:
        yield from_directory(request.directory, sources) if request.directory else from_hub(sources)


@asynccontextmanager
async def _dense(plan: Plan, settings: IngestSettings) -> AsyncIterator[DenseWriter]:
    embedder = Embedder(settings.endpoint) if plan.model and settings.endpoint else None
    try:
        yield DenseWriter(plan.model, plan.dimension, embedder)
    finally:
        if embedder:
            await embedder.close()


def _spoken(location: Location) -> str:
    return str(location) if isinstance(location, Path) else f"QDRANT_URL={location.url}"
