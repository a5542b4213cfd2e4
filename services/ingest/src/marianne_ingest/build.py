"""Builds a generation of the index, checks it and switches to it. Until the switch the old index serves."""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Final, Protocol

import xxhash

from marianne_corpus.analyzer import ANALYZER_VERSION, Analyzer
from marianne_corpus.index import Generation, IndexWriter, Point
from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import SCHEMA_VERSION, Chunk
from marianne_ingest.catalog import Catalog
from marianne_ingest.checks import check, choose_probes
from marianne_ingest.chunking import Chunker
from marianne_ingest.sources import Snapshot
from marianne_ingest.streams import ChunkStream

_BATCH: Final = 256
_HEAD: Final = 1_000
"""Chunks of each source whose mean length stands for all of its chunks; exact for sources that have no more."""


class Progress(Protocol):
    def start(self, source: str, rows: int) -> None: ...

    def advance(self, source: str, rows: int) -> None: ...


async def build(snapshots: Sequence[Snapshot], writer: IndexWriter, catalog: Catalog, progress: Progress) -> Manifest:
    """Indexes the snapshots and serves them.

    Raises SourceError, CheckFailedError or StoreUnavailableError; then nothing has been switched.
    """
    seen: dict[int, int] = {}
    streams = [ChunkStream(snapshot, _chunker(snapshot, catalog), seen) for snapshot in snapshots]
    analyzer = Analyzer()
    chunks = [_timed(stream) for stream in streams]
    heads = [list(islice(source, _HEAD)) for source in chunks]
    average_length = _average_length(snapshots, heads, analyzer)
    generation = await writer.begin()
    try:
        for stream, head, rest in zip(streams, heads, chunks, strict=True):
            progress.start(stream.snapshot.source.name, stream.snapshot.rows)
            await _write(stream, chain(head, rest), analyzer, average_length, generation, progress)
        manifest = Manifest(
            generation=generation.name,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            fingerprint=fingerprint(snapshots, catalog),
            average_length=average_length,
            chunks=sum(stream.chunks for stream in streams),
            sources=tuple(stream.record() for stream in streams),
        )
        await generation.seal(manifest)
        await check(generation, manifest, [probe for head in heads for probe in choose_probes(head)], analyzer)
    except BaseException:
        await generation.discard()
        raise
    await generation.switch()
    return manifest


def fingerprint(snapshots: Sequence[Snapshot], catalog: Catalog) -> str:
    """The same for the same data read by the same rules: an index that has it need not be built again."""
    rules = f"{SCHEMA_VERSION} {ANALYZER_VERSION} {catalog.codes}"
    data = (
        f"{found.source.name} {found.dataset} {found.official} {found.revision} {found.source.layout}"
        for found in snapshots
    )
    return xxhash.xxh3_128_hexdigest("\n".join([rules, *data]).encode())


def _chunker(snapshot: Snapshot, catalog: Catalog) -> Chunker:
    return Chunker(snapshot.source.layout, catalog.codes, dataset=snapshot.dataset, official=snapshot.official)


def _timed(stream: ChunkStream) -> Iterator[Chunk]:
    """Counts the time of reading and cutting on the stream's account."""
    chunks = stream.read()
    while True:
        started = time.perf_counter()
        chunk = next(chunks, None)
        stream.seconds += time.perf_counter() - started
        if chunk is None:
            return
        yield chunk


def _average_length(snapshots: Sequence[Snapshot], heads: Sequence[Sequence[Chunk]], analyzer: Analyzer) -> float:
    terms = rows = 0.0
    for snapshot, head in zip(snapshots, heads, strict=True):
        mean = sum(analyzer.length(chunk.search_text) for chunk in head) / len(head)
        terms += mean * snapshot.rows
        rows += snapshot.rows
    return terms / rows


async def _write(
    stream: ChunkStream,
    chunks: Iterable[Chunk],
    analyzer: Analyzer,
    average_length: float,
    generation: Generation,
    progress: Progress,
) -> None:
    remaining = iter(chunks)
    while batch := list(islice(remaining, _BATCH)):
        started = time.perf_counter()
        points = [Point(chunk, analyzer.document(chunk.search_text, average_length)) for chunk in batch]
        await generation.upsert(points)
        stream.seconds += time.perf_counter() - started
        progress.advance(stream.snapshot.source.name, len(batch))
