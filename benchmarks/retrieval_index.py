"""An index of a benchmark's documents in a directory, built by the encoder and the store that the product uses."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

from marianne_corpus.analyzer import Analyzer
from marianne_corpus.encoder import Encoder, measure
from marianne_corpus.index import Generation, Scope
from marianne_corpus.lexicon import LEXICON, Lexicon
from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import Chunk
from marianne_corpus.store import open_reader, open_writer
from marianne_retrieval.articles import Concordance
from marianne_retrieval.question import QuestionReader
from marianne_retrieval.search import Searcher

BATCH = 256
TIMEOUT_S = 60.0
TODAY = datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class Built:
    chunks: int
    chunks_per_second: float
    optimize_s: float


async def build(documents: Sequence[Sequence[Chunk]], index_dir: Path) -> Built:
    """Chunks per second: analysed and upserted on one core, the optimisation afterwards excluded."""
    writer = open_writer(index_dir)
    encoder = Encoder(Analyzer(), measure(documents, Analyzer()))
    generation = await writer.begin()
    started = time.process_time()
    remaining = iter(documents)
    while batch := list(islice(remaining, BATCH)):
        await generation.upsert([point for document in batch for point in encoder.encode(document)])
    seconds = time.process_time() - started
    await generation.attach(LEXICON, Lexicon(encoder.vocabulary, {}).to_json())
    chunks = sum(map(len, documents))
    optimize_s = await _optimize(generation)
    await generation.seal(manifest(generation.name, encoder.lengths, chunks))
    await generation.switch()
    await writer.close()
    return Built(chunks, chunks / seconds, optimize_s)


async def _optimize(generation: Generation) -> float:
    started = time.process_time()
    await generation.optimize()
    return time.process_time() - started


@asynccontextmanager
async def searching(index_dir: Path) -> AsyncIterator[Searcher]:
    """The product's searcher over an index, told of its words as the service tells it."""
    reader = open_reader(index_dir)
    try:
        searcher = Searcher(reader, QuestionReader(Analyzer()), concordance=Concordance.shipped())
        await searcher.serve(await reader.manifest(timeout_s=TIMEOUT_S), await reader.lexicon(timeout_s=TIMEOUT_S))
        yield searcher
    finally:
        await reader.close()


def scope(as_of: date = TODAY) -> Scope:
    return Scope(as_of=as_of, today=TODAY)


async def documents_of(searcher: Searcher, question: str, depth: int) -> list[str]:
    """The doc_ids that answer a question, best first."""
    found = await searcher.search(question, scope(), depth, timeout_s=TIMEOUT_S)
    return list(dict.fromkeys(passage.chunk.doc_id for passage in found.passages))


def manifest(generation: str, lengths: Mapping[str, float], chunks: int) -> Manifest:
    return Manifest(
        generation=generation,
        created_at=datetime.now(UTC).isoformat(),
        lengths=dict(lengths),
        chunks=chunks,
        sources=(),
    )
