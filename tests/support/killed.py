"""Runs of ingest, in processes of their own, that are killed with -9 at a moment of the build."""

import asyncio
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any, Literal, cast, get_args

from marianne_chassis.settings import load_settings
from marianne_corpus.index import Generation, IndexWriter
from marianne_corpus.store import Location, open_writer
from marianne_ingest.build import build
from marianne_ingest.catalog import load_catalog
from marianne_ingest.config import IngestSettings
from marianne_ingest.dense import DenseWriter
from marianne_ingest.discovery import from_directory
from marianne_ingest.plan import Options, load_served, make_plan
from marianne_ingest.progress import TerminalProgress
from marianne_ingest.run import Request, run

Moment = Literal["begin", "upsert", "optimize", "attach", "count", "seal"]
"""The step of a build right after which the process ends; nothing is switched by then."""
MOMENTS = get_args(Moment)
LEASE_S = 0.5


def killed_run(location: Location, data: Path, moment: Moment, *, anew: bool) -> int:
    """How the process ended."""
    # Forked from a server that has imported everything: a start takes milliseconds instead of seconds.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["support.killed"])
    process = processes.Process(target=_build, args=(location, data, moment, anew))
    process.start()
    process.join(60)
    return process.exitcode or 0


async def whole_run(location: Location, data: Path) -> None:
    request = Request(action="build", sources=None, directory=data, sample=None, rebuild=False, vectors=False)
    await run(request, location, load_settings(IngestSettings), load_catalog())


def _build(location: Location, data: Path, moment: Moment, anew: bool) -> None:
    asyncio.run(_build_until(location, data, moment, anew=anew))


async def _build_until(location: Location, data: Path, moment: Moment, *, anew: bool) -> None:
    catalog, writer = load_catalog(), cast(IndexWriter, _Dying(open_writer(location), moment))
    async with writer.lease("killed", LEASE_S):
        options = Options(max_shrink_ratio=0.1, vectors=False, anew=anew)
        plan = make_plan(from_directory(data, catalog.default), await load_served(writer), options)
        with TerminalProgress() as progress:
            await build(plan, writer, catalog, DenseWriter("", 0, None), progress, 0.1)


class _Dying:
    """A writer, or a generation of it, whose process ends when a step is done."""

    def __init__(self, inner: object, moment: Moment) -> None:
        self._inner = inner
        self._moment = moment

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name in ("begin", "begin_from_current"):
            return lambda *arguments: self._begun(found, *arguments)
        return (lambda *a, **k: self._last(found, *a, **k)) if name == self._moment else found

    async def _begun(self, begin: Any, *arguments: object) -> Generation:
        generation = await (self._last(begin, *arguments) if self._moment == "begin" else begin(*arguments))
        return cast(Generation, _Dying(generation, self._moment))

    async def _last(self, step: Any, *arguments: object, **named: object) -> Any:
        await step(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)
