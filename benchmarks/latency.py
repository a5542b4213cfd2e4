"""How long a search takes inside the service on a big index, and for how long it keeps the event loop from its work.

    python -m benchmarks.latency --corpus C.parquet --queries Q.parquet [--points 200000] [--dimension 384] [--json OUT]

The corpus is copied under new ids until there are enough points; each has a dense vector from one of some hundred
clusters. Every question is searched by words, by a vector and, each fourth one, by an article that it names.
"""

import argparse
import asyncio
import json
import random
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count, cycle, islice
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from benchmarks.retrieval_corpus import read_documents
from benchmarks.retrieval_index import BATCH, TIMEOUT_S, manifest, scope

from marianne_corpus.analyzer import Analyzer
from marianne_corpus.encoder import Encoder, measure
from marianne_corpus.index import Point
from marianne_corpus.lexicon import LEXICON, Lexicon
from marianne_corpus.schema import Chunk
from marianne_corpus.store import open_reader, open_writer
from marianne_retrieval.articles import Concordance
from marianne_retrieval.models import Models
from marianne_retrieval.question import QuestionReader
from marianne_retrieval.search import Searcher

_CLUSTERS = 400
_QUESTIONS = 1000
_WARM_UP = 100
_PASSAGES = 8
_HEARTBEAT_S = 0.001
_MODEL = "clusters"
_SEED = 5

Report = dict[str, float]


class Clusters:
    """Vectors around fixed centres, as embeddings of texts on as many subjects would lie; stands for an embedder."""

    model = _MODEL

    def __init__(self, dimension: int) -> None:
        self._chance = np.random.default_rng(_SEED)
        self._centres = self._chance.normal(size=(_CLUSTERS, dimension))

    def vector(self) -> list[float]:
        centre = self._centres[self._chance.integers(_CLUSTERS)]
        drawn: list[float] = (centre + 0.6 * self._chance.normal(size=len(centre))).tolist()
        return drawn

    async def embed(self, text: str, timeout_s: float) -> Sequence[float]:
        return self.vector()


async def build(documents: Sequence[Sequence[Chunk]], points: int, clusters: Clusters, index_dir: Path) -> Report:
    encoder = Encoder(Analyzer(), measure(documents, Analyzer()))
    encoded = [encoder.encode(document) for document in documents]
    dimension = len(clusters.vector())
    writer = open_writer(index_dir)
    generation = await writer.begin(dimension)
    copies = islice(_copies(encoded), points)
    while batch := [replace(point, dense=clusters.vector()) for point in islice(copies, BATCH)]:
        await generation.upsert(batch)
    started = time.process_time()
    await generation.optimize()
    optimize_s = time.process_time() - started
    await generation.attach(LEXICON, Lexicon(encoder.vocabulary, {}).to_json())
    written = manifest(generation.name, encoder.lengths, points)
    await generation.seal(replace(written, embedding_model=_MODEL, embedding_dim=dimension))
    await generation.switch()
    await writer.close()
    return {"points": points, "optimize_cpu_s": optimize_s}


def _copies(documents: Sequence[Sequence[Point]]) -> Iterator[Point]:
    for copy in count():
        for document in documents:
            for point in document:
                chunk = point.chunk
                renamed = replace(chunk, chunk_id=f"{chunk.chunk_id}~{copy}", doc_id=f"{chunk.doc_id}~{copy}")
                yield replace(point, chunk=renamed)


async def search(questions: Sequence[str], clusters: Clusters, index_dir: Path) -> Report:
    """Milliseconds of wall and CPU time of a search, and of the longest wait of another task of the event loop."""
    reader = open_reader(index_dir)
    searcher = Searcher(reader, QuestionReader(Analyzer()), Models(clusters), concordance=Concordance.shipped())
    started = time.perf_counter()
    await searcher.serve(await reader.manifest(timeout_s=TIMEOUT_S), await reader.lexicon(timeout_s=TIMEOUT_S))
    open_s = time.perf_counter() - started
    for question in questions[:_WARM_UP]:
        await searcher.search(question, scope(), _PASSAGES, timeout_s=TIMEOUT_S, may_leave=True)
    lags: list[float] = []
    heartbeat = asyncio.create_task(_beat(lags))
    seconds, cpu = [], time.process_time()
    for question in questions:
        started = time.perf_counter()
        await searcher.search(question, scope(), _PASSAGES, timeout_s=TIMEOUT_S, may_leave=True)
        seconds.append(time.perf_counter() - started)
        await asyncio.sleep(0)
    cpu = time.process_time() - cpu
    heartbeat.cancel()
    with suppress(asyncio.CancelledError):
        await heartbeat
    await reader.close()
    return {
        "open_s": open_s,
        "p50_ms": 1e3 * float(np.percentile(seconds, 50)),
        "p99_ms": 1e3 * float(np.percentile(seconds, 99)),
        "cpu_ms_per_query": 1e3 * cpu / len(questions),
        "longest_block_ms": 1e3 * max(lags),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


async def _beat(lags: list[float]) -> None:
    """How much later than asked for another task is woken."""
    while True:
        started = time.perf_counter()
        await asyncio.sleep(_HEARTBEAT_S)
        lags.append(time.perf_counter() - started - _HEARTBEAT_S)


def questions_of(path: Path, documents: Sequence[Sequence[Chunk]]) -> list[str]:
    chance = random.Random(_SEED)
    texts = [str(row["text"]) for row in pq.read_table(path, columns=["text"]).to_pylist()]
    leads = [document[0] for document in documents if document[0].number]
    references = cycle(f"article {lead.number} {lead.code}" for lead in chance.sample(leads, min(250, len(leads))))
    chosen = chance.sample(texts, min(_QUESTIONS, len(texts)))
    return [f"{next(references)} {text}" if leads and n % 4 == 0 else text for n, text in enumerate(chosen)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="a parquet file")
    parser.add_argument("--queries", type=Path, required=True, help="a parquet file")
    parser.add_argument("--points", type=int, default=200_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--index-dir", type=Path, help="keeps the index there, and takes it when it is there already")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    arguments = parser.parse_args()
    documents = read_documents(arguments.corpus)
    questions = questions_of(arguments.queries, documents)
    clusters = Clusters(arguments.dimension)
    with tempfile.TemporaryDirectory() as temporary:
        index_dir = arguments.index_dir or Path(temporary) / "index"
        report: Report = {}
        if not (index_dir / "CURRENT").exists():
            report = asyncio.run(build(documents, arguments.points, clusters, index_dir))
        del documents
        report |= asyncio.run(search(questions, clusters, index_dir))
    print(json.dumps(report, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
