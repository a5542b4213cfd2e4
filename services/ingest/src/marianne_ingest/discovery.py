"""Finds the parquet files of a data set in a directory or on the hub, and refuses early what cannot be read.

A directory holds `<name>-latest/`, with parquet files at any depth and optionally a `dataset.json`:

    {"dataset": "sample", "official": false, "snapshot_at": "2025-06-01"}

names the data set that the chunks are of, says whether the texts are the administration's own and which day they
describe. Without it they are official, of the source's own name, and as old as their newest file.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from huggingface_hub import HfApi, HfFileSystem
from pydantic import BaseModel, ConfigDict, ValidationError

from marianne_ingest.catalog import Column, Source
from marianne_ingest.errors import HubUnavailableError, SourceError, first_problem, reported_as
from marianne_ingest.sources import HASH_COLUMN, HUB, Snapshot

_MARKER: Final = "dataset.json"

Opener = Callable[[str], AbstractContextManager[BinaryIO]]


def from_directory(directory: Path, sources: Sequence[Source]) -> list[Snapshot]:
    """The snapshots of those sources that have a folder in the directory. Raises SourceError."""
    found = [(source, folder) for source in sources if (folder := _folder(directory, source.name))]
    if not found:
        names = ", ".join(f"{source.name}-latest" for source in sources)
        raise SourceError(f"{directory}: holds none of {names}")
    return [_local_snapshot(source, folder) for source, folder in found]


def from_hub(sources: Sequence[Source]) -> list[Snapshot]:
    """The snapshots of the sources' revisions, each pinned to one commit. Raises HubUnavailableError, SourceError."""
    return [_hub_snapshot(source) for source in sources]


def _folder(directory: Path, name: str) -> Path | None:
    spellings = (f"{name}-latest", f"{name.replace('-', '_')}-latest")
    return next((directory / spelling for spelling in spellings if (directory / spelling).is_dir()), None)


def _local_snapshot(source: Source, folder: Path) -> Snapshot:
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise SourceError(f"{folder}: no parquet file")
    marker = _marker(folder / _MARKER)
    newest = datetime.fromtimestamp(max(file.stat().st_mtime for file in files), UTC).date()
    return _inspected(
        source,
        [str(file) for file in files],
        _open_local,
        dataset=marker.dataset or source.name,
        official=marker.official,
        revision="",
        snapshot_at=(marker.snapshot_at or newest).isoformat(),
        folders=_folders(str(file.relative_to(folder)) for file in files),
    )


class _Marker(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str | None = None
    official: bool = True
    snapshot_at: date | None = None


def _marker(path: Path) -> _Marker:
    try:
        return _Marker.model_validate_json(path.read_bytes() if path.exists() else b"{}")
    except ValidationError as error:
        raise SourceError(f"{path}: {first_problem(error)}") from error


def _open_local(file: str) -> BinaryIO:
    return Path(file).open("rb")


def _hub_snapshot(source: Source) -> Snapshot:
    api, hub = HfApi(), HfFileSystem()
    with reported_as(HubUnavailableError, f"{source.hub} at {source.revision}"):
        commit = api.dataset_info(source.hub, revision=source.revision).sha
        root = f"datasets/{source.hub}@{commit}"
        paths = [path for pattern in source.files for path in sorted(map(str, hub.glob(f"{root}/{pattern}")))]
        inside = [path.removeprefix(f"{root}/") for path in paths]
        entries = api.get_paths_info(source.hub, inside, revision=commit, repo_type="dataset", expand=True)
        written = [entry.last_commit.date.date() for entry in entries if entry.last_commit]
    _require_every_pattern(source, inside)
    return _inspected(
        source,
        [f"{HUB}{path}" for path in paths],
        lambda file: hub.open(file, "rb"),
        dataset=source.name,
        official=True,
        revision=str(commit),
        snapshot_at=max(written).isoformat(),
        folders=_folders(inside),
    )


def _require_every_pattern(source: Source, paths: Sequence[str]) -> None:
    """The hub's folders are written one commit after the other: a missing one is an upload under way."""
    for pattern in source.files:
        if not any(path.startswith(pattern.removesuffix("*.parquet")) for path in paths):
            raise SourceError(f"{source.hub}: no file matches {pattern}")


def _folders(files: Iterator[str] | Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({PurePosixPath(file).parent.name for file in files}))


def _inspected(source: Source, files: Sequence[str], opened: Opener, *, revision: str, **facts: Any) -> Snapshot:
    """Reads the files' footers: enough to refuse what cannot be read before anything is written.

    Local files, which have no commit, get a revision made of the bytes of their columns, vectors left out.
    """
    columns: dict[str, str] = {}
    schemas: list[pa.Schema] = []
    rows = wanted_bytes = 0
    content = xxhash.xxh3_128()
    for file in files:
        with reported_as(SourceError, file), opened(file) as stream:
            footer = pq.ParquetFile(stream)
            columns = columns or _columns(file, source, footer.schema_arrow)
            schemas.append(_projected(file, footer.schema_arrow, list(columns.values())))
            rows += footer.metadata.num_rows
            spans = list(_spans(footer.metadata, set(columns.values())))
            wanted_bytes += sum(length for _, _, length in spans)
            if not revision:
                _hash_spans(stream, [span for span in spans if not _holds_vectors(source, span[0])], content)
    if rows == 0:
        raise SourceError(f"{source.name}: its {len(files)} parquet files hold no row")
    with reported_as(SourceError, source.name):
        schema = pa.unify_schemas(schemas, promote_options="permissive")
    return Snapshot(
        source=source,
        files=tuple(files),
        rows=rows,
        wanted_bytes=wanted_bytes,
        columns=columns,
        schema=schema.remove_metadata(),
        revision=revision or content.hexdigest(),
        **facts,
    )


def _columns(file: str, source: Source, schema: pa.Schema) -> dict[str, str]:
    columns = {field: _column(file, column, schema) for field, column in source.layout.columns.items()}
    vectors = source.layout.vectors
    if source.layout.hashed and HASH_COLUMN in schema.names:
        columns[HASH_COLUMN] = HASH_COLUMN
    if vectors and vectors.column in schema.names:
        columns["vector"] = vectors.column
    return columns


def _column(file: str, column: Column, schema: pa.Schema) -> str:
    name = next((name for name in column.names if name in schema.names), None)
    if name is None:
        raise SourceError(f"{file}: no column {' or '.join(map(repr, column.names))}")
    return name


def _projected(file: str, schema: pa.Schema, names: Sequence[str]) -> pa.Schema:
    missing = [name for name in names if name not in schema.names]
    if missing:
        raise SourceError(f"{file}: no column {missing[0]!r}, which the files before it have")
    return pa.schema([schema.field(name) for name in names])


def _holds_vectors(source: Source, column: str) -> bool:
    return source.layout.vectors is not None and column == source.layout.vectors.column


def _spans(metadata: pq.FileMetaData, names: set[str]) -> Iterator[tuple[str, int, int]]:
    """The columns' chunks: whose they are, where they begin in the file and how long they are there."""
    for group in range(metadata.num_row_groups):
        for position in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(position)
            name = chunk.path_in_schema.split(".")[0]
            if name in names:
                dictionary = chunk.dictionary_page_offset
                starts = [chunk.data_page_offset, *([dictionary] if dictionary else [])]
                yield name, min(starts), chunk.total_compressed_size


def _hash_spans(stream: BinaryIO, spans: Sequence[tuple[str, int, int]], digest: Any) -> None:
    for name, run in groupby(spans, key=lambda span: span[0]):
        digest.update(name.encode())
        for _, start, length in run:
            stream.seek(start)
            digest.update(stream.read(length))
