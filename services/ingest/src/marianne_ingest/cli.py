"""The command line: which data, into which index, and what the exit code says.

0 done, or nothing to do · 2 wrong usage · 65 data that cannot be used · 69 hub or index out of reach · 70 the new index
failed its check · 78 a bad setting · 130 interrupted. After any other code than 0 the index is what it was before.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from marianne_chassis.settings import load_settings
from marianne_corpus.index import StoreUnavailableError
from marianne_corpus.store import Location, open_writer
from marianne_ingest.build import build, fingerprint
from marianne_ingest.catalog import Catalog, Source, load_catalog
from marianne_ingest.config import IngestSettings
from marianne_ingest.errors import CheckFailedError, HubUnavailableError, SourceError
from marianne_ingest.progress import TerminalProgress
from marianne_ingest.report import describe_index, describe_plan
from marianne_ingest.sample import write_sample
from marianne_ingest.sources import Snapshot, from_directory, from_hub


def main(arguments: Sequence[str] | None = None) -> int:
    catalog = load_catalog()
    options = _parser(catalog).parse_args(arguments)
    location = options.index_dir or load_settings(IngestSettings).location
    try:
        asyncio.run(_run(options, location, catalog))
    except SourceError as error:
        return _failed(error, 65)
    except (HubUnavailableError, StoreUnavailableError) as error:
        return _failed(error, 69)
    except CheckFailedError as error:
        return _failed(error, 70)
    except KeyboardInterrupt:
        return _failed("interrupted; the index is as it was", 130)
    return 0


def _failed(reason: object, code: int) -> int:
    print(f"marianne-ingest: {reason}", file=sys.stderr)
    return code


async def _run(options: argparse.Namespace, location: Location, catalog: Catalog) -> None:
    writer = open_writer(location)
    try:
        current = await writer.current()
        if options.status:
            lines = describe_index(current) if current else iter([f"{location}: no index"])
            print(*lines, sep="\n")
            return
        with ExitStack() as stack:
            snapshots = _snapshots(options, catalog, stack)
            if options.plan:
                print(*describe_plan(snapshots, current, remote=not (options.directory or options.sample)), sep="\n")
            elif current and current.fingerprint == fingerprint(snapshots, catalog) and not options.rebuild:
                print(f"unchanged: index {current.generation} already holds these {current.chunks} chunks")
            else:
                with TerminalProgress() as progress:
                    manifest = await build(snapshots, writer, catalog, progress)
                print(*describe_index(manifest), sep="\n")
    finally:
        await writer.close()


def _snapshots(options: argparse.Namespace, catalog: Catalog, stack: ExitStack) -> list[Snapshot]:
    sources: list[Source] = options.sources or list(catalog.sources.values())
    if options.sample:
        parquet = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="marianne-sample-")))
        write_sample(options.sample, parquet)
        return from_directory(parquet, sources)
    return from_directory(options.directory, sources) if options.directory else from_hub(sources)


def _parser(catalog: Catalog) -> argparse.ArgumentParser:
    def sources(written: str) -> list[Source]:
        return [_source(catalog, name) for name in written.split(",")]

    parser = argparse.ArgumentParser(
        prog="marianne-ingest",
        description="Builds the index that retrieval serves, from the official data sets.",
        epilog=" ".join(str(__doc__).split("\n\n")[1].split()),
    )
    data = parser.add_mutually_exclusive_group()
    data.add_argument(
        "--from", dest="directory", metavar="DIR", type=Path, help="a directory of <name>-latest/*.parquet"
    )
    data.add_argument("--sample", metavar="DIR", type=Path, help="the sample corpus as text")
    parser.add_argument(
        "--sources",
        metavar="NAME[@REVISION],…",
        type=sources,
        help=f"only these of {', '.join(catalog.sources)}; without --from or --sample they are read from the hub",
    )
    parser.add_argument("--index-dir", metavar="DIR", type=Path, help="instead of QDRANT_URL or INDEX_DIR")
    parser.add_argument("--rebuild", action="store_true", help="build even if nothing changed")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--plan", action="store_true", help="say what would be read and how long it would take")
    action.add_argument("--status", action="store_true", help="say what the index holds")
    return parser


def _source(catalog: Catalog, written: str) -> Source:
    name, _, revision = written.partition("@")
    if name not in catalog.sources:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(catalog.sources)}")
    source = catalog.sources[name]
    return replace(source, revision=revision) if revision else source
