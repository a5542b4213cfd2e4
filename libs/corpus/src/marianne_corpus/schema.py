"""What ingest writes and retrieval reads: one chunk of one document."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Final, get_origin
from uuid import UUID

from marianne_corpus.branches import branches_of

SCHEMA_VERSION: Final = 3
"""Raised whenever a stored field changes its meaning; an index of another version is refused."""

COLLECTION: Final = "marianne"
"""The name under which the served index is known, whichever store holds it."""

PASSAGE_VECTOR: Final = "bm25"
"""Sparse, of every chunk: its title, headings and text."""
TITLE_VECTOR: Final = "title"
"""Sparse, of the first chunk of each document, its lead: the document's title alone."""
DOCUMENT_VECTOR: Final = "document"
"""Sparse, of each lead: the whole text of its document, title included."""
SPARSE_VECTORS: Final = (PASSAGE_VECTOR, TITLE_VECTOR, DOCUMENT_VECTOR)
DENSE_VECTOR: Final = "dense"
"""Of every chunk of an index that has an embedding model."""

BRANCHES: Final = "branches"
"""Stored beside the fields of a chunk: the branches of industry for which alone its document answers."""
KEYWORD_FIELDS: Final = (
    *("dataset", "kind", "code_slug", "number", "status", "audience", "theme", "departments"),
    BRANCHES,
)
DATE_FIELDS: Final = ("start_date", "end_date")
OPEN_END: Final = "2999-01-01"
"""The end date that LEGI gives to texts without a known end."""

Payload = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A passage of one document, as it is stored.

    Dates are ISO 8601 days, empty when the source gives none. `sentences` were split once, at ingest. `number` and
    `code_slug` are spelt as in `marianne_language` ("L421-1", "ceseda"), `code` is the code's title. `replaced_by`
    names the articles that followed a repealed one as "<code_slug>:<number>". `kind` is the type of an office in the
    directory ("prefecture"). The date of the data's revision is no part of a chunk: it belongs to the data set and
    stands in the manifest, so that an unchanged chunk need not be written again.
    """

    chunk_id: str
    doc_id: str
    dataset: str
    title: str
    url: str
    sentences: tuple[str, ...]
    context: tuple[str, ...] = ()
    surtitle: str = ""
    status: str = ""
    start_date: str = ""
    end_date: str = ""
    updated_at: str = ""
    number: str = ""
    code: str = ""
    code_slug: str = ""
    audience: tuple[str, ...] = ()
    theme: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    replaced_by: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    lang: str = "fr"
    official: bool = True

    @property
    def point_id(self) -> UUID:
        """The same for the same chunk of the same data set, whenever and wherever it is indexed.

        Its first half is the same for all chunks of a document (`document_of`), so that hits can be brought together by
        document without their payloads, whose reading costs many times the search itself.
        """
        return point_id(self.dataset, self.doc_id, self.chunk_id)

    @property
    def search_text(self) -> str:
        """What the lexical lane reads: title, then headings, then text."""
        return "\n".join((self.title, *self.context, *self.sentences))


def point_id(dataset: str, doc_id: str, chunk_id: str) -> UUID:
    """The id of a chunk's point, see `Chunk.point_id`."""
    return UUID(bytes=_half(dataset, doc_id) + _half(dataset, chunk_id))


def document_of(point_id: UUID) -> int:
    """What the ids of a document's chunks have in common and those of other documents have not."""
    return point_id.int >> 64


def _half(dataset: str, key: str) -> bytes:
    return blake2b(f"{dataset}:{key}".encode(), digest_size=8).digest()


_FIELDS: Final = tuple(field.name for field in fields(Chunk))
_STORED: Final = tuple(name for name in _FIELDS if name != "sentences")
_DEFAULTS: Final = {field.name: field.default for field in fields(Chunk)}
_LISTS: Final = frozenset(field.name for field in fields(Chunk) if get_origin(field.type) is tuple)


def to_payload(chunk: Chunk) -> Payload:
    """The stored form of a chunk. What every chunk starts with is left out, so that "is empty" filters see it missing.

    The sentences are one text of a line each: both stores take as long for each value of a list as for a whole text.
    """
    payload: Payload = {"sentences": "\n".join(chunk.sentences)}
    for name in _STORED:
        value = getattr(chunk, name)
        if value != _DEFAULTS[name]:
            payload[name] = list(value) if name in _LISTS else value
    if branches := branches_of(chunk.title):
        payload[BRANCHES] = list(branches)
    return payload


def from_payload(payload: Mapping[str, object]) -> Chunk:
    """The chunk of a stored payload. Raises TypeError when a field that every chunk has is missing."""
    values: dict[str, object] = {name: payload[name] for name in _FIELDS if name in payload}
    for name in _LISTS & values.keys():
        value = values[name]
        values[name] = tuple(value) if isinstance(value, list) else value
    if isinstance(sentences := values.get("sentences"), str):
        values["sentences"] = tuple(sentences.split("\n"))
    return Chunk(**values)  # type: ignore[arg-type]  # the payload was written by to_payload
