"""Builds a generation of the index, checks it and switches to it. Until the switch the old index serves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, groupby, islice
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
from marianne_ingest.streams import DocumentStream, Passage

Document = list[Passage]

_BATCH: Final = 256
_HEAD: Final = 1_000
"""Chunks of each source whose mean length stands for all of its chunks; exact for sources that have no more."""


class Progress(Protocol):
    def start(self, source: str, rows: int) -> None: ...

    def advance(self, source: str, rows: int) -> None: ...


async def build(
    plan: Plan, writer: IndexWriter, catalog: Catalog, dense: DenseWriter, progress: Progress, max_shrink_ratio: float
) -> Manifest:
    """Carries the plan out and serves the result.

    Raises SourceError, EmbeddingsUnavailableError, CheckFailedError or StoreUnavailableError; then nothing has been
    switched.
    """
    streams = [
        DocumentStream(found, _chunker(found, catalog), dense.reads(found.snapshot)) for found in plan.differences
    ]
    documents = [stream.documents() for stream in streams]
    heads = [[] if plan.served else _head(source) for source in documents]
    encoder = _encoder(plan, heads)
    generation = await (writer.begin_from_current() if plan.served else writer.begin(plan.dimension))
    try:
        for stream, head, rest in zip(streams, heads, documents, strict=True):
            await _forget(stream.difference, encoder, generation)
            await _write(stream, chain(head, rest), encoder, dense, generation, progress)
        manifest = await _finish(plan, streams, encoder, generation, max_shrink_ratio)
    except BaseException:
        await generation.discard()
        raise
    await generation.switch()
    return manifest


async def _finish(
    plan: Plan, streams: Sequence[DocumentStream], encoder: Encoder, generation: Generation, max_shrink_ratio: float
) -> Manifest:
    started = perf_counter()
    await generation.optimize()
    optimized = perf_counter() - started
    ledger: dict[str, Documents] = {stream.difference.snapshot.source.name: stream.final() for stream in streams}
    records = [record_of(stream.difference, ledger[stream.difference.snapshot.source.name]) for stream in streams]
    for stream, record in zip(streams, records, strict=True):
        require_chunks(record, stream.difference, max_shrink_ratio)
    for record in plan.untouched:
        ledger[record.name] = plan.served.ledger[record.name] if plan.served else {}
    manifest = Manifest(
        generation=generation.name,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        lengths=dict(encoder.lengths),
        chunks=sum(len(kept(documents.values())) for documents in ledger.values()),
        sources=(*records, *plan.untouched),
        embedding_model=plan.model,
        embedding_dim=plan.dimension,
        optimize_seconds=round(optimized, 3),
    )
    await generation.attach(LEDGER, to_parquet(ledger))
    await generation.attach(LEXICON, Lexicon(encoder.vocabulary, plan.places).to_json())
    await check(generation, manifest, ledger)
    await generation.seal(manifest)
    return manifest


def _chunker(found: Difference, catalog: Catalog) -> Chunker:
    snapshot = found.snapshot
    return Chunker(snapshot.source.layout, catalog.codes, dataset=snapshot.dataset, official=snapshot.official)


def _encoder(plan: Plan, heads: Sequence[Sequence[Document]]) -> Encoder:
    """A refresh keeps the lengths and the words of the index, so that what does not change stays right."""
    analyzer = Analyzer()
    if plan.served:
        return Encoder(analyzer, plan.served.manifest.lengths, plan.served.lexicon.words)
    return Encoder(analyzer, _lengths(plan.differences, heads, analyzer))


def _head(documents: Iterator[Document]) -> list[Document]:
    head, chunks = [], 0
    for document in documents:
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
    documents: Iterable[Document],
    encoder: Encoder,
    dense: DenseWriter,
    generation: Generation,
    progress: Progress,
) -> None:
    found = stream.difference
    progress.start(found.snapshot.source.name, sum(len(found.documents[document]) for document in found.changed))
    started = perf_counter()
    for batch in _batches(documents):
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
