"""Reads the parquet files of a data set, from a directory or from the hub, with the same code.

A directory holds `<name>-latest/`, with parquet files at any depth and optionally a `dataset.json`:

    {"dataset": "sample", "official": false, "snapshot_at": "2025-06-01"}

names the data set that the chunks are of, says whether the texts are the administration's own and which day they
describe. Without it they are official, of the source's own name, and as old as their newest file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from huggingface_hub import HfApi, HfFileSystem
from pydantic import BaseModel, ConfigDict, ValidationError

from marianne_ingest.catalog import Column, Source
from marianne_ingest.errors import HubUnavailableError, SourceError, first_problem

_BATCH_ROWS: Final = 256
_MARKER: Final = "dataset.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A source's files at one revision. `columns` gives each field's name in the files, `wanted_bytes` is their size
    in those columns alone, compressed, which is what is read.
    """

    source: Source
    dataset: str
    official: bool
    revision: str
    snapshot_at: str
    files: tuple[str, ...]
    rows: int
    wanted_bytes: int
    columns: Mapping[str, str]
    schema: pa.Schema

    def read(self) -> Iterator[dict[str, object]]:
        """Streams the rows under our field names. Raises SourceError."""
        stream = datasets.load_dataset(
            "parquet",
            data_files={"train": list(self.files)},
            split="train",
            streaming=True,
            columns=list(self.columns.values()),
            features=datasets.Features.from_arrow_schema(self.schema),
        )
        fields = {column: field for field, column in self.columns.items()}
        with _reported_as(SourceError, self.source.name):
            for table in stream.with_format("arrow").iter(batch_size=_BATCH_ROWS):
                yield from table.rename_columns([fields[name] for name in table.column_names]).to_pylist()


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
        lambda file: Path(file).open("rb"),
        dataset=marker.dataset or source.name,
        official=marker.official,
        revision=_content_hash(folder, [*files, folder / _MARKER]),
        snapshot_at=(marker.snapshot_at or newest).isoformat(),
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


def _content_hash(folder: Path, files: Sequence[Path]) -> str:
    digest = xxhash.xxh3_128()
    for file in filter(Path.exists, files):
        digest.update(f"{file.relative_to(folder)}\n".encode())
        with file.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _hub_snapshot(source: Source) -> Snapshot:
    api, hub = HfApi(), HfFileSystem()
    with _reported_as(HubUnavailableError, f"{source.hub} at {source.revision}"):
        commit = api.dataset_info(source.hub, revision=source.revision).sha
        root = f"datasets/{source.hub}@{commit}"
        paths = [path for pattern in source.files for path in sorted(map(str, hub.glob(f"{root}/{pattern}")))]
        inside = [path.removeprefix(f"{root}/") for path in paths]
        entries = api.get_paths_info(source.hub, inside, revision=commit, repo_type="dataset", expand=True)
        written = [entry.last_commit.date.date() for entry in entries if entry.last_commit]
    _require_every_pattern(source, inside)
    return _inspected(
        source,
        [f"hf://{path}" for path in paths],
        lambda file: hub.open(file, "rb"),
        dataset=source.name,
        official=True,
        revision=str(commit),
        snapshot_at=max(written).isoformat(),
    )


def _require_every_pattern(source: Source, paths: Sequence[str]) -> None:
    """The hub's folders are written one commit after the other: a missing one is an upload under way."""
    for pattern in source.files:
        if not any(path.startswith(pattern.removesuffix("*.parquet")) for path in paths):
            raise SourceError(f"{source.hub}: no file matches {pattern}")


def _inspected(
    source: Source, files: Sequence[str], opened: Callable[[str], AbstractContextManager[BinaryIO]], **facts: Any
) -> Snapshot:
    """Reads the files' footers: enough to refuse what cannot be read before anything is written."""
    columns: dict[str, str] = {}
    schemas: list[pa.Schema] = []
    rows = wanted_bytes = 0
    for file in files:
        with _reported_as(SourceError, file), opened(file) as content:
            footer = pq.ParquetFile(content)
        columns = columns or _columns(file, source.layout.columns, footer.schema_arrow)
        schemas.append(_projected(file, footer.schema_arrow, list(columns.values())))
        rows += footer.metadata.num_rows
        wanted_bytes += _size(footer.metadata, set(columns.values()))
    if rows == 0:
        raise SourceError(f"{source.name}: its {len(files)} parquet files hold no row")
    with _reported_as(SourceError, source.name):
        schema = pa.unify_schemas(schemas, promote_options="permissive")
    return Snapshot(
        source=source,
        files=tuple(files),
        rows=rows,
        wanted_bytes=wanted_bytes,
        columns=columns,
        schema=schema.remove_metadata(),
        **facts,
    )


def _columns(file: str, wanted: Mapping[str, Column], schema: pa.Schema) -> dict[str, str]:
    columns = {}
    for field, column in wanted.items():
        name = next((name for name in column.names if name in schema.names), None)
        if name is None:
            raise SourceError(f"{file}: no column {' or '.join(map(repr, column.names))}")
        columns[field] = name
    return columns


def _projected(file: str, schema: pa.Schema, names: Sequence[str]) -> pa.Schema:
    missing = [name for name in names if name not in schema.names]
    if missing:
        raise SourceError(f"{file}: no column {missing[0]!r}, which the files before it have")
    return pa.schema([schema.field(name) for name in names])


def _size(metadata: pq.FileMetaData, names: set[str]) -> int:
    chunks = (
        metadata.row_group(group).column(column)
        for group in range(metadata.num_row_groups)
        for column in range(metadata.num_columns)
    )
    return sum(chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema.split(".")[0] in names)


@contextmanager
def _reported_as(kind: type[Exception], subject: str) -> Iterator[None]:
    """The readers' and the hub client's errors have many types and no common one."""
    try:
        yield
    except (SourceError, HubUnavailableError):
        raise
    except Exception as error:
        first_line = str(error).strip().partition("\n")[0]
        raise kind(f"{subject}: {type(error).__name__}: {first_line}") from error
