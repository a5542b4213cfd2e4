"""Reads the rows of a data set, from a directory or from the hub, with the same code and in bounded memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import datasets
import orjson
import pyarrow as pa
import pyarrow.dataset as ds
import xxhash

from marianne_ingest.catalog import Source
from marianne_ingest.errors import SourceError, reported_as

HASH_COLUMN: Final = "chunk_xxh64"
VECTOR: Final = "vector"

_KEY_ROWS: Final = 4_096
_TEXT_ROWS: Final = 256
_HASH_SEED: Final = 2025
"""That of the data sets' own producer."""
_SCAN: Final = ds.ParquetFragmentScanOptions(use_buffered_stream=True, buffer_size=1 << 20, pre_buffer=False)
"""A row group of vectors written as text is larger than the memory of a small machine."""

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
        names = [self.columns[field] for field in fields]
        stream = datasets.load_dataset(
            "parquet",
            data_files={"train": list(self.files)},
            split="train",
            streaming=True,
            columns=names,
            features=datasets.Features.from_arrow_schema(pa.schema([self.schema.field(name) for name in names])),
            filters=None if doc_ids is None else ds.field(self.columns["doc_id"]).isin(list(doc_ids)),
            batch_size=rows,
            fragment_scan_options=_SCAN,
        )
        known = {self.columns[field]: field for field in fields}
        with reported_as(SourceError, self.source.name):
            for table in stream.with_format("arrow").iter(batch_size=rows):
                yield table.rename_columns([known[name] for name in table.column_names])

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


def _bytes(text: object) -> bytes:
    return text if isinstance(text, bytes) else str(text or "").encode()
