"""What an index holds of each source, small enough to be compared without opening the index.

One entry for each row that has ids, in the order of the files: its point, and a key over everything that makes its
chunk. It is kept beside the index as parquet.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

LEDGER: Final = "ledger.parquet"


@dataclass(frozen=True, slots=True)
class Entry:
    """`point` is a point id of 16 bytes; `rejected` says why the row is no chunk, empty when it is one."""

    point: bytes
    key: int
    status: str = ""
    rejected: str = ""


Documents = dict[str, tuple[Entry, ...]]
"""The entries of a source by document."""

_SCHEMA: Final = pa.schema([
    ("source", pa.dictionary(pa.int32(), pa.string())),
    ("document", pa.string()),
    ("point", pa.binary(16)),
    ("key", pa.uint64()),
    ("status", pa.dictionary(pa.int32(), pa.string())),
    ("rejected", pa.dictionary(pa.int32(), pa.string())),
])  # fmt: skip


def to_parquet(sources: Mapping[str, Documents]) -> bytes:
    rows = [
        (source, document, entry.point, entry.key, entry.status, entry.rejected)
        for source, documents in sources.items()
        for document, entries in documents.items()
        for entry in entries
    ]
    columns = zip(*rows, strict=True) if rows else [()] * len(_SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA), sink, compression="zstd")
    return bytes(sink.getvalue())


def from_parquet(content: bytes) -> dict[str, Documents]:
    """Empty for an index that keeps none."""
    if not content:
        return {}
    table = pq.read_table(pa.BufferReader(content), schema=_SCHEMA)
    rows = zip(*(table.column(name).to_pylist() for name in _SCHEMA.names), strict=True)
    sources: dict[str, Documents] = {}
    for (source, document), entries in groupby(rows, key=lambda row: row[:2]):
        sources.setdefault(source, {})[document] = tuple(Entry(*row[2:]) for row in entries)
    return sources


def kept(documents: Iterable[tuple[Entry, ...]]) -> list[Entry]:
    """The entries of chunks that are in the index."""
    return [entry for entries in documents for entry in entries if not entry.rejected]
