"""Reads the rows of a data set, from a directory or from the hub, with the same code and in bounded memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash
from datasets import Dataset
from datasets.distributed import split_dataset_by_node
from huggingface_hub import HfFileSystem

from marianne_ingest.catalog import Source
from marianne_ingest.errors import SourceError, reported_as

HASH_COLUMN: Final = "chunk_xxh64"
VECTOR: Final = "vector"

_KEY_ROWS: Final = 4_096
_TEXT_ROWS: Final = 256
_HASH_SEED: Final = 2025
"""That of the data sets' own producer."""
_BUFFER: Final = 4 << 20
"""Bytes of a column chunk that are read at once."""
HUB: Final = "hf://"
"""How the address of a file on the hub begins."""

Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A source's files at one revision.

    `columns` gives each field's name in the files, `wanted_bytes` is their size in those columns alone, compressed.
    """

    source: Source
    dataset: str
    official: bool
    revision: str
    snapshot_at: str
    files: tuple[str, ...]
    folders: tuple[str, ...]
    rows: int
    wanted_bytes: int
    columns: Mapping[str, str]
    schema: pa.Schema

    @property
    def vector_model(self) -> str:
        """The model of the files' own vectors; empty when they carry none."""
        vectors = self.source.layout.vectors
        return vectors.model if vectors and VECTOR in self.columns else ""

    def keys(self) -> Iterator[Columns]:
        """Streams all fields but vectors and what the files' own hashes stand for, a batch of rows in columns each.

        A hash that the files lack is computed. Raises SourceError.
        """
        left_out = {VECTOR} | ({self.source.layout.hashed} if HASH_COLUMN in self.columns else set())
        for table in self._tables([field for field in self.columns if field not in left_out], _KEY_ROWS):
            batch = {name: table.column(name).to_pylist() for name in table.column_names}
            if self.source.layout.hashed and HASH_COLUMN not in batch:
                texts = batch.pop(self.source.layout.hashed)
                batch[HASH_COLUMN] = [xxhash.xxh64_hexdigest(_bytes(text), seed=_HASH_SEED) for text in texts]
            yield batch

    def read(self, doc_ids: Sequence[str] | None = None, *, vectors: bool = False) -> Iterator[dict[str, Any]]:
        """Streams the rows of these documents, or of all, under our field names. Raises SourceError."""
        fields = [field for field in self.columns if field != HASH_COLUMN and (vectors or field != VECTOR)]
        for table in self._tables(fields, _TEXT_ROWS, doc_ids):
            rows = table.select([field for field in fields if field != VECTOR]).to_pylist()
            if VECTOR in fields:
                for row, vector in zip(rows, self._vectors(table.column(VECTOR)), strict=True):
                    row[VECTOR] = vector
            yield from rows

    def _tables(self, fields: Sequence[str], rows: int, doc_ids: Sequence[str] | None = None) -> Iterator[pa.Table]:
        schema = pa.schema([self.schema.field(self.columns[field]) for field in fields])
        wanted = None if doc_ids is None else pa.array(doc_ids, pa.string())
        for file in self.files:
            with reported_as(SourceError, self.source.name), _open(file) as stream:
                for table in _read(stream, schema, rows, self.columns["doc_id"], wanted):
                    yield table.rename_columns(list(fields))

    def _vectors(self, column: pa.ChunkedArray) -> Iterator[list[float] | None]:
        """From lists of numbers, or from texts of JSON as the data sets' producer writes them."""
        for chunk in column.chunks:
            if pa.types.is_list(chunk.type) or pa.types.is_large_list(chunk.type):
                numbers, ends = chunk.flatten().to_numpy(zero_copy_only=False), 0
                for length in chunk.value_lengths().to_pylist():
                    yield None if length is None else numbers[ends : ends + length].tolist()
                    ends += length or 0
            elif pa.types.is_fixed_size_list(chunk.type):
                yield from chunk.to_pylist()
            else:
                yield from map(self._parsed, chunk.to_pylist())

    def _parsed(self, written: object) -> list[float] | None:
        if not isinstance(written, str | bytes):
            return list(written) if isinstance(written, Sequence) else None
        try:
            found = orjson.loads(written) if written else None
        except orjson.JSONDecodeError as error:
            raise SourceError(
                f"{self.source.name}: column {self.columns[VECTOR]!r} holds no vector: {error}"
            ) from error
        return found if isinstance(found, list) else None


def part_of(documents: Sequence[str], rank: int, world_size: int) -> list[str]:
    """The documents of one node of a cluster, in terms of `datasets`; none for nodes that are too many."""
    if rank >= len(documents):
        return []
    whole = Dataset.from_dict({"document": list(documents)})
    return list(split_dataset_by_node(whole, rank=rank, world_size=world_size)["document"])


def _open(file: str) -> BinaryIO:
    """Of a file on the hub every buffer is one request; what the file system would read ahead is of other columns."""
    if file.startswith(HUB):
        return cast("BinaryIO", HfFileSystem().open(file.removeprefix(HUB), "rb", cache_type="none"))
    return Path(file).open("rb")


def _read(stream: BinaryIO, schema: pa.Schema, rows: int, key: str, wanted: pa.Array | None) -> Iterator[pa.Table]:
    """The rows whose key is wanted, or all; page by page, for a row group may be larger than the memory."""
    with pq.ParquetFile(stream, buffer_size=_BUFFER, pre_buffer=False) as file:
        groups = [group for group in range(file.num_row_groups) if wanted is None or _holds(file, group, key, wanted)]
        batches = file.iter_batches(rows, groups, columns=schema.names, use_threads=False) if groups else ()
        for batch in batches:
            table = pa.Table.from_batches([batch]).select(schema.names).cast(schema)
            yield table if wanted is None else table.filter(_among(table.column(key), wanted))


def _holds(file: pq.ParquetFile, group: int, key: str, wanted: pa.Array) -> bool:
    return bool(
        pc.any(_among(file.read_row_group(group, columns=[key], use_threads=False).column(key), wanted)).as_py()
    )


def _among(keys: pa.ChunkedArray, wanted: pa.Array) -> pa.ChunkedArray:
    return pc.is_in(keys, value_set=wanted.cast(keys.type))


def _bytes(text: object) -> bytes:
    return text if isinstance(text, bytes) else str(text or "").encode()
