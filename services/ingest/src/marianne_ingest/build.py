"""Builds a generation of the index, checks it and switches to it. Until the switch the old index serves."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, groupby
from typing import Final, Protocol

import xxhash

from marianne_corpus.analyzer import ANALYZER_VERSION, Analyzer
from marianne_corpus.encoder import Encoder, measure
from marianne_corpus.index import Generation, IndexWriter
from marianne_corpus.lexicon import LEXICON, Lexicon
from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import PASSAGE_VECTOR, SCHEMA_VERSION, SPARSE_VECTORS, Chunk
from marianne_ingest.catalog import Catalog
from marianne_ingest.checks import check, choose_probes
from marianne_ingest.chunking import Chunker
from marianne_ingest.sources import Snapshot
from marianne_ingest.streams import ChunkStream

Document = list[Chunk]

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
    documents = [_timed(stream) for stream in streams]
    heads = [_head(source) for source in documents]
    encoder = Encoder(analyzer, _lengths(snapshots, heads, analyzer))
    generation = await writer.begin()
    try:
        for stream, head, rest in zip(streams, heads, documents, strict=True):
            progress.start(stream.snapshot.source.name, stream.snapshot.rows)
            await _write(stream, chain(head, rest), encoder, generation, progress)
        manifest = Manifest(
            generation=generation.name,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            fingerprint=fingerprint(snapshots, catalog),
            lengths=dict(encoder.lengths),
            chunks=sum(stream.chunks for stream in streams),
            sources=tuple(stream.record() for stream in streams),
        )
        await generation.attach(LEXICON, Lexicon(encoder.vocabulary, {}).to_json())
        await generation.seal(manifest)
        probes = [probe for head in heads for probe in choose_probes([*chain(*head)])]
        await check(generation, manifest, probes, analyzer)
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


def _timed(stream: ChunkStream) -> Iterator[Document]:
    """The documents of a stream; the time of reading and cutting them counts on the stream's account."""
    documents = groupby(stream.read(), key=lambda chunk: chunk.doc_id)
    while True:
        started = time.perf_counter()
        document = next(([*chunks] for _, chunks in documents), None)
        stream.seconds += time.perf_counter() - started
        if document is None:
            return
        yield document


def _head(documents: Iterator[Document]) -> list[Document]:
    head, chunks = [], 0
    for document in documents:
        head.append(document)
        chunks += len(document)
        if chunks >= _HEAD:
            break
    return head


def _lengths(
    snapshots: Sequence[Snapshot], heads: Sequence[Sequence[Document]], analyzer: Analyzer
) -> Mapping[str, float]:
    """The average lengths over all sources, of which each counts for as many vectors as its head lets expect."""
    totals = dict.fromkeys(SPARSE_VECTORS, 0.0)
    vectors = dict.fromkeys(SPARSE_VECTORS, 0.0)
    for snapshot, head in zip(snapshots, heads, strict=True):
        documents = snapshot.rows * len(head) / sum(map(len, head))
        for name, length in measure(head, analyzer).items():
            expected = snapshot.rows if name == PASSAGE_VECTOR else documents
            totals[name] += length * expected
            vectors[name] += expected
    return {name: totals[name] / vectors[name] for name in SPARSE_VECTORS}


async def _write(
    stream: ChunkStream,
    documents: Iterable[Document],
    encoder: Encoder,
    generation: Generation,
    progress: Progress,
) -> None:
    for batch in _batches(documents):
        started = time.perf_counter()
        points = [point for document in batch for point in encoder.encode(document)]
        await generation.upsert(points)
        stream.seconds += time.perf_counter() - started
        progress.advance(stream.snapshot.source.name, len(points))


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Whole documents, about as many chunks at once as an upsert takes well."""
    batch: list[Document] = []
    chunks = 0
    for document in documents:
        batch.append(document)
        chunks += len(document)
        if chunks >= _BATCH:
            yield batch
            batch, chunks = [], 0
    if batch:
        yield batch
