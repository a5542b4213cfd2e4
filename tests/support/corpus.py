"""Chunks and indexes small enough to reason about."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Final

from marianne_corpus.analyzer import Analyzer
from marianne_corpus.encoder import Encoder
from marianne_corpus.index import IndexWriter, Point, Scope, SparseLane
from marianne_corpus.manifest import Manifest, SourceRecord
from marianne_corpus.schema import DOCUMENT_VECTOR, OPEN_END, PASSAGE_VECTOR, TITLE_VECTOR, Chunk

TODAY: Final = date(2026, 11, 22)
LENGTHS: Final = {PASSAGE_VECTOR: 12.0, TITLE_VECTOR: 6.0, DOCUMENT_VECTOR: 20.0}


@contextmanager
def index_directory() -> Iterator[Path]:
    """A directory in memory where there is one: Edge syncs each of its many files, which a busy disk makes slow."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        yield Path(directory) / "index"


def sheet(chunk_id: str, *sentences: str, **fields: object) -> Chunk:
    """A chunk of a sheet without legal status."""
    chunk = Chunk(
        chunk_id=chunk_id,
        doc_id=chunk_id.rpartition("_")[0],
        dataset="service-public",
        title=sentences[0],
        url=f"https://www.service-public.gouv.fr/particuliers/vosdroits/{chunk_id}",
        sentences=sentences,
    )
    return replace(chunk, **fields)  # type: ignore[arg-type]  # a wrong field fails the test at once


def article(number: str, *sentences: str, code: str = "Code du travail", **fields: object) -> Chunk:
    """An article in force since 2020."""
    chunk = Chunk(
        chunk_id=f"LEGIARTI{code}{number}_1",
        doc_id=f"LEGIARTI{code}{number}",
        dataset="legi",
        title=f"{code}, article {number}",
        url="https://www.legifrance.gouv.fr/codes/article_lc/LEGIARTI",
        sentences=sentences,
        status="VIGUEUR",
        start_date="2020-01-01",
        end_date=OPEN_END,
        number=number,
        code=code,
        code_slug="code-du-travail",
    )
    return replace(chunk, **fields)  # type: ignore[arg-type]  # as above


def scope(as_of: date = TODAY, filters: Mapping[str, tuple[str, ...]] | None = None) -> Scope:
    return replace(Scope(as_of=as_of, today=TODAY), **filters or {})  # type: ignore[arg-type]  # as above


def sparse_lane(query: str, limit: int = 10, using: str = PASSAGE_VECTOR) -> SparseLane:
    return SparseLane(Analyzer().query(query), limit, using)


def points(chunks: Sequence[Chunk]) -> list[Point]:
    """The points of chunks in documents, whose chunks follow each other."""
    encoder = Encoder(Analyzer(), LENGTHS)
    documents = groupby(chunks, key=lambda chunk: chunk.doc_id)
    return [point for _, document in documents for point in encoder.encode([*document])]


def manifest_of(chunks: Sequence[Chunk], snapshot_at: str, generation: str = "generation") -> Manifest:
    return Manifest(
        generation=generation,
        created_at=datetime.now(UTC).isoformat(),
        lengths=LENGTHS,
        chunks=len(chunks),
        sources=tuple(
            _record(dataset, snapshot_at, official=dataset != "sample")
            for dataset in sorted({chunk.dataset for chunk in chunks})
        ),
    )


async def build(
    writer: IndexWriter,
    contents: Sequence[Chunk] | Sequence[Point],
    snapshot_at: str = "2026-11-20",
    dimension: int = 0,
) -> Manifest:
    """Indexes chunks, or points that were made of some, and serves them."""
    chunks = [content for content in contents if isinstance(content, Chunk)]
    made = [content for content in contents if isinstance(content, Point)]
    generation = await writer.begin(dimension)
    await generation.upsert(made or points(chunks))
    written = manifest_of(chunks or [point.chunk for point in made], snapshot_at, generation.name)
    written = replace(written, embedding_model="model" if dimension else "", embedding_dim=dimension)
    await generation.seal(written)
    await generation.switch()
    return written


def _record(dataset: str, snapshot_at: str, *, official: bool) -> SourceRecord:
    return SourceRecord(
        name=dataset,
        dataset=dataset,
        fingerprint="fingerprint",
        folders=[],
        official=official,
        revision="0" * 40,
        snapshot_at=snapshot_at,
        rows=1,
        chunks=1,
        documents=1,
        duplicates=0,
        rejected={},
        statuses={},
        seconds=0.1,
    )
