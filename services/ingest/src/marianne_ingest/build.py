"""Builds a generation of the index, checks it and switches to it. Until the switch the old index serves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, islice
from time import perf_counter
from typing import Final, Protocol
from uuid import UUID

from marianne_corpus.analyzer import Analyzer
from marianne_corpus.encoder import Encoder, measure
from marianne_corpus.index import Generation, IndexWriter, Point
from marianne_corpus.lexicon import LEXICON, Lexicon
from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import PASSAGE_VECTOR, SPARSE_VECTORS
from marianne_ingest.catalog import Catalog
from marianne_ingest.checks import check
from marianne_ingest.chunking import Chunker
from marianne_ingest.dense import DenseWriter
from marianne_ingest.difference import Difference
from marianne_ingest.ledger import LEDGER, Documents, kept, to_parquet
from marianne_ingest.plan import Plan
from marianne_ingest.records import record_of, require_chunks
from marianne_ingest.share import Share
from marianne_ingest.streams import DocumentStream, Passage

Document = list[Passage]

_BATCH: Final = 256
_HEAD: Final = 1_000
"""Chunks of each source whose mean length stands for all of its chunks; exact for sources that have no more."""


class Progress(Protocol):
    def start(self, source: str, rows: int) -> None: ...

    def advance(self, source: str, rows: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Written:
    """What a build has read and written: the entries of its sources, and in how many documents each word stands."""

    ledger: dict[str, Documents]
    words: Mapping[str, int]


async def build(
    plan: Plan, writer: IndexWriter, catalog: Catalog, dense: DenseWriter, progress: Progress, max_shrink_ratio: float
) -> Manifest:
    """Carries the plan out and serves the result.

    Raises SourceError, EmbeddingsUnavailableError, CheckFailedError or StoreUnavailableError; then nothing has been
    switched.
    """
    streams = streams_of(plan, catalog, dense)
    encoder = encoder_of(plan, catalog)
    generation = await (writer.begin_from_current() if plan.served else writer.begin(plan.dimension))
    try:
        written = await fill(streams, encoder, dense, generation, progress)
        manifest = await finish(plan, written, encoder.lengths, generation, max_shrink_ratio)
    except BaseException:
        await generation.discard()
        raise
    await generation.switch()
    return manifest


def streams_of(plan: Plan, catalog: Catalog, dense: DenseWriter, share: Share | None = None) -> list[DocumentStream]:
    """What is to be read of each source. Raises SettingError."""
    return [
        DocumentStream(found, _chunker(found, catalog), dense.reads(found.snapshot), share)
        for found in plan.differences
    ]


def encoder_of(plan: Plan, catalog: Catalog) -> Encoder:
    """A refresh keeps the lengths and the words of the index, so that what does not change stays right."""
    analyzer = Analyzer()
    if plan.served:
        return Encoder(analyzer, plan.served.manifest.lengths, plan.served.lexicon.words)
    heads = [_head(DocumentStream(found, _chunker(found, catalog), vectors=False)) for found in plan.differences]
    return Encoder(analyzer, _lengths(plan.differences, heads, analyzer))


async def fill(
    streams: Sequence[DocumentStream],
    encoder: Encoder,
    dense: DenseWriter,
    generation: Generation,
    progress: Progress,
) -> Written:
    """Brings a generation from what it holds to what the streams hold."""
    for stream in streams:
        await _forget(stream.difference, encoder, generation)
        await _write(stream, encoder, dense, generation, progress)
    return Written({stream.difference.snapshot.source.name: stream.final() for stream in streams}, encoder.vocabulary)


async def finish(
    plan: Plan, written: Written, lengths: Mapping[str, float], generation: Generation, max_shrink_ratio: float
) -> Manifest:
    """Checks and seals a generation that holds all points. Raises SourceError, CheckFailedError."""
    started = perf_counter()
    await generation.optimize()
    optimized = perf_counter() - started
    records = []
    for found in plan.differences:
        records.append(record_of(found, written.ledger[found.snapshot.source.name]))
        require_chunks(records[-1], found, max_shrink_ratio)
    untouched = {record.name: plan.served.ledger[record.name] if plan.served else {} for record in plan.untouched}
    ledger = written.ledger | untouched
    manifest = Manifest(
        generation=generation.name,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        lengths=dict(lengths),
        chunks=sum(len(kept(documents.values())) for documents in ledger.values()),
        sources=(*records, *plan.untouched),
        embedding_model=plan.model,
        embedding_dim=plan.dimension,
        optimize_seconds=round(optimized, 3),
    )
    await generation.attach(LEDGER, to_parquet(ledger))
    await generation.attach(LEXICON, Lexicon(dict(written.words), plan.places).to_json())
    await check(generation, manifest, ledger)
    await generation.seal(manifest)
    return manifest


def _chunker(found: Difference, catalog: Catalog) -> Chunker:
    snapshot = found.snapshot
    return Chunker(snapshot.source.layout, catalog.codes, dataset=snapshot.dataset, official=snapshot.official)


def _head(stream: DocumentStream) -> list[Document]:
    head, chunks = [], 0
    for document in stream.documents():
        head.append(document)
        chunks += len(document)
        if chunks >= _HEAD:
            break
    return head


def _lengths(
    differences: Sequence[Difference], heads: Sequence[Sequence[Document]], analyzer: Analyzer
) -> Mapping[str, float]:
    """The average lengths over all sources, of which each counts for as many vectors as its head lets expect."""
    totals = dict.fromkeys(SPARSE_VECTORS, 0.0)
    vectors = dict.fromkeys(SPARSE_VECTORS, 0.0)
    for found, head in zip(differences, heads, strict=True):
        if not head:
            continue
        rows = found.snapshot.rows
        documents = rows * len(head) / sum(map(len, head))
        chunks = ([passage.chunk for passage in document] for document in head)
        for name, length in measure(chunks, analyzer).items():
            expected = rows if name == PASSAGE_VECTOR else documents
            totals[name] += length * expected
            vectors[name] += expected
    return {name: totals[name] / vectors[name] if vectors[name] else 1.0 for name in SPARSE_VECTORS}


async def _forget(found: Difference, encoder: Encoder, generation: Generation) -> None:
    """Takes the documents that changed or vanished out of the index, and their words out of its vocabulary."""
    gone = (entry for document in (*found.changed, *found.vanished) for entry in found.before.get(document, ()))
    points = [UUID(bytes=entry.point) for entry in gone if not entry.rejected]
    for start in range(0, len(points), _BATCH):
        batch = points[start : start + _BATCH]
        chunks = sorted(await generation.retrieve(batch), key=lambda chunk: chunk.doc_id)
        for _, document in groupby(chunks, key=lambda chunk: chunk.doc_id):
            encoder.forget([*document])
        await generation.delete(batch)


async def _write(
    stream: DocumentStream,
    encoder: Encoder,
    dense: DenseWriter,
    generation: Generation,
    progress: Progress,
) -> None:
    found = stream.difference
    progress.start(found.snapshot.source.name, sum(len(found.documents[document]) for document in stream.assigned))
    started = perf_counter()
    for batch in _batches(stream.documents()):
        points = [point for document in batch for point in _encoded(document, encoder)]
        await generation.upsert(await dense.completed(points, found.snapshot))
        progress.advance(found.snapshot.source.name, len(points))
    found.seconds += perf_counter() - started


def _encoded(document: Document, encoder: Encoder) -> Iterator[Point]:
    points = encoder.encode([passage.chunk for passage in document])
    for point, passage in zip(points, document, strict=True):
        yield Point(point.chunk, point.sparse, passage.vector)


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Whole documents, about as many chunks at once as an upsert takes well."""
    remaining = iter(documents)
    while batch := list(islice(remaining, 1)):
        chunks = len(batch[0])
        for document in remaining:
            batch.append(document)
            chunks += len(document)
            if chunks >= _BATCH:
                break
        yield batch
