"""The ports of the index: how retrieval reads it and how ingest writes it, whichever store holds it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol
from uuid import UUID

from marianne_corpus.analyzer import SparseVector
from marianne_corpus.lexicon import Lexicon
from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import PASSAGE_VECTOR, Chunk, document_of


class StoreUnavailableError(Exception):
    """The index cannot be read or written now. The message names the setting and is meant for operators."""


class NoIndexError(StoreUnavailableError):
    """Nothing has been indexed yet."""


class LeaseHeldError(Exception):
    """Another run is writing the index; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which texts may answer. Each list is an OR, an empty list does not filter; texts of no département always count.

    A text without a legal status counts as long as the question is not about the past (`as_of` before `today`).
    `branches` is no filter but what the question names: the answer of one branch of industry counts only for it.
    Without `local` no text of a département counts as long as `departments` is empty.
    """

    as_of: date
    today: date
    datasets: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    local: bool = True


@dataclass(frozen=True, slots=True)
class SparseLane:
    """The chunks whose terms weigh most for a query vector; `using` names one of the schema's sparse vectors."""

    vector: SparseVector
    limit: int
    using: str = PASSAGE_VECTOR


@dataclass(frozen=True, slots=True)
class DenseLane:
    """The chunks whose embeddings are nearest to that of a query, made by the model that the manifest names.

    On an index without embeddings it is refused like a store that cannot be read.
    """

    vector: Sequence[float]
    limit: int


@dataclass(frozen=True, slots=True)
class ReferenceLane:
    """The articles of a number ("L421-1") in one code ("ceseda") or, when that is None, in any; all score the same.

    `ended` asks for the versions that are no longer in force instead of the one that is.
    """

    number: str
    code_slug: str | None
    limit: int
    ended: bool = False


Lane = SparseLane | DenseLane | ReferenceLane


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that a lane found; scores are comparable within one lane only."""

    chunk: Chunk
    score: float


class Ranked(NamedTuple):
    """A point that a lane found; scores are comparable within one lane only.

    A search makes hundreds of them, and a named tuple takes a quarter of the time of a frozen dataclass.
    """

    point_id: UUID
    score: float

    @property
    def document(self) -> int:
        return document_of(self.point_id)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The points of each lane in order, best first, and the manifest of the index that they come from."""

    lanes: list[list[Ranked]]
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Reply:
    """The hits of each lane in order, best first, and the manifest of the index that they come from."""

    lanes: list[list[Hit]]
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Point:
    """A chunk with its vectors, ready to be written; the sparse ones by the schema's names."""

    chunk: Chunk
    sparse: Mapping[str, SparseVector]
    dense: Sequence[float] | None = None


class IndexReader(Protocol):
    """The served index. Every method raises StoreUnavailableError, at the latest after `timeout_s` seconds."""

    async def search(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> Reply:
        """Asks all lanes in one round trip, texts included."""
        ...

    async def rank(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> Ranking:
        """Asks all lanes in one round trip, without texts, which many hits make expensive."""
        ...

    async def fetch(self, point_ids: Sequence[UUID], *, timeout_s: float) -> dict[UUID, Chunk]:
        """The chunks of points; those that are no longer there are left out."""
        ...

    async def count(self, *, timeout_s: float) -> int:
        """How many chunks the index holds."""
        ...

    async def manifest(self, *, timeout_s: float) -> Manifest:
        """The manifest of the index that is served now."""
        ...

    async def lexicon(self, *, timeout_s: float) -> Lexicon:
        """The words and places of the index that is served now."""
        ...

    async def close(self) -> None: ...


class Generation(Protocol):
    """An index under construction, unseen by readers until `switch`."""

    @property
    def name(self) -> str: ...

    async def upsert(self, points: Sequence[Point]) -> None:
        """Writes whole points; one of the same id is replaced."""
        ...

    async def retrieve(self, point_ids: Sequence[UUID]) -> list[Chunk]:
        """Those of these chunks that the generation holds, in no order."""
        ...

    async def delete(self, point_ids: Sequence[UUID]) -> None: ...

    async def lanes(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> list[list[Hit]]: ...

    async def count(self, *, timeout_s: float) -> int: ...

    async def optimize(self) -> None:
        """Builds what searches need to be fast; nothing is written to the points afterwards."""
        ...

    async def attach(self, name: str, content: bytes) -> None:
        """Keeps a small file beside the index, under a name of letters and dots."""
        ...

    async def seal(self, manifest: Manifest) -> None:
        """Stores the manifest, last of all: a generation without one is never served nor rolled back to."""
        ...

    async def switch(self) -> None:
        """Serves this generation, keeps the one before for a rollback and removes all others."""
        ...

    async def discard(self) -> None:
        """Removes what was written; allowed at any moment before `switch`."""
        ...


class IndexWriter(Protocol):
    """Where generations are built."""

    def lease(self, run_id: str, seconds: float) -> AbstractAsyncContextManager[None]:
        """The right to write, for one run at a time; it lapses with the process that holds it, on a server after
        `seconds` without a sign of life. Raises LeaseHeldError.
        """
        ...

    async def current(self) -> Manifest | None:
        """The manifest of the served index; None when there is none or another version wrote it."""
        ...

    async def attachment(self, name: str) -> bytes:
        """A small file beside the served index; empty when it has none of that name."""
        ...

    async def begin(self, dimension: int = 0) -> Generation:
        """An empty generation; `dimension` is that of its dense vectors, 0 for none."""
        ...

    async def begin_from_current(self) -> Generation:
        """A generation that holds the points of the served one. Raises NoIndexError."""
        ...

    async def roll_back(self) -> Manifest:
        """Serves the generation before again. Raises NoIndexError when none is kept."""
        ...

    async def close(self) -> None: ...
