"""The command line: which data, into which index, and what the exit code says.

0 done, or nothing to do · 2 wrong usage · 65 data that cannot be used · 69 hub, embeddings or index out of reach ·
70 the new index failed its check · 74 no room or no right to write · 75 another run is writing · 78 a bad setting ·
130 interrupted. After any other code than 0 the index is what it was before.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from marianne_chassis.settings import load_settings
from marianne_corpus.index import LeaseHeldError, StoreUnavailableError
from marianne_ingest.catalog import Catalog, Source, load_catalog
from marianne_ingest.config import IngestSettings
from marianne_ingest.errors import (
    CheckFailedError,
    EmbeddingsUnavailableError,
    HubUnavailableError,
    SettingError,
    SourceError,
)
from marianne_ingest.run import Action, Request, run
from marianne_ingest.share import read_share

_CODES: Final[dict[type[Exception], int]] = {
    SourceError: 65,
    HubUnavailableError: 69,
    EmbeddingsUnavailableError: 69,
    StoreUnavailableError: 69,
    CheckFailedError: 70,
    OSError: 74,
    LeaseHeldError: 75,
    SettingError: 78,
}


def main(arguments: Sequence[str] | None = None) -> int:
    catalog = load_catalog()
    options = _parser(catalog).parse_args(arguments)
    settings = load_settings(IngestSettings)
    try:
        said = asyncio.run(run(_request(options), options.index_dir or settings.location, settings, catalog))
    except tuple(_CODES) as error:
        return _failed(error, next(code for kind, code in _CODES.items() if isinstance(error, kind)))
    except KeyboardInterrupt:
        return _failed("interrupted; the index is as it was", 130)
    print(*said, sep="\n")
    return 0


def _failed(reason: object, code: int) -> int:
    print(f"marianne-ingest: {' '.join(str(reason).split())}", file=sys.stderr)
    return code


def _request(options: argparse.Namespace) -> Request:
    actions: tuple[Action, ...] = ("plan", "dry-run", "status", "rollback")
    return Request(
        action=next((action for action in actions if getattr(options, action.replace("-", "_"))), "build"),
        sources=options.sources,
        directory=options.directory,
        sample=options.sample,
        rebuild=options.rebuild,
        vectors=not options.no_vectors,
        share=options.shard,
        keep_official=options.keep_official,
    )


def _parser(catalog: Catalog) -> argparse.ArgumentParser:
    def sources(written: str) -> list[Source]:
        return [_source(catalog, name) for name in written.split(",")]

    parser = argparse.ArgumentParser(
        prog="marianne-ingest",
        description="Builds and refreshes the index that retrieval serves, from the official data sets.",
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
    parser.add_argument("--rebuild", action="store_true", help="build from nothing, with these sources alone")
    parser.add_argument("--no-vectors", action="store_true", help="leave embeddings out, for sparse search alone")
    parser.add_argument(
        "--keep-official", action="store_true", help="leave an index of official texts as it is, whatever was asked for"
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--plan", action="store_true", help="say what would be read and how long it would take")
    action.add_argument("--dry-run", action="store_true", help="say what would change, by source; write nothing")
    action.add_argument("--status", action="store_true", help="say what the index holds")
    action.add_argument(
        "--shard",
        metavar="I/N",
        type=read_share,
        help="build one of N parts of an index on a server, I from 0; whoever ends last checks it and switches to it",
    )
    action.add_argument("--rollback", action="store_true", help="serve the index before the current one again")
    return parser


def _source(catalog: Catalog, written: str) -> Source:
    name, _, revision = written.partition("@")
    if name not in catalog.sources:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(catalog.sources)}")
    source = catalog.sources[name]
    return replace(source, revision=revision) if revision else source
