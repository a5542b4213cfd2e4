"""Plain rankings of the same chunks: exact BM25 with our analyzer and with bm25s' own French settings, and the French
BM25 that Qdrant brings along.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bm25s
import Stemmer
from qdrant_edge import (
    Bm25,
    Bm25Config,
    EdgeConfig,
    EdgeShard,
    EdgeSparseVectorParams,
    Modifier,
    Point,
    Query,
    QueryBatchRequest,
    QueryRequest,
    UpdateOperation,
)

from marianne_corpus.analyzer import K1, Analyzer, B
from marianne_corpus.schema import Chunk

DEPTH = 400
"""Chunks; the best of each document counts."""

_BATCH = 1000

Rank = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class Baseline:
    """`rank` gives the doc_ids that answer a question, best first."""

    name: str
    rank: Rank


def exact_bm25(chunks: Sequence[Chunk]) -> Baseline:
    """BM25 as the index holds it, computed by bm25s over our terms."""
    analyzer = Analyzer()
    model = bm25s.BM25(k1=K1, b=B, method="lucene")
    model.index([analyzer.tokens(chunk.search_text) for chunk in chunks], show_progress=False)
    return Baseline(
        "bm25_same_analyzer", _ranker(model, chunks, lambda text: list(dict.fromkeys(analyzer.tokens(text))))
    )


def bm25s_french(chunks: Sequence[Chunk]) -> Baseline:
    """bm25s with its own tokenizer, French stop words and the Snowball stemmer, and its own parameters."""
    stemmer = Stemmer.Stemmer("french")

    def tokens(texts: Sequence[str]) -> list[list[str]]:
        found: list[list[str]] = bm25s.tokenize(
            list(texts), stopwords="fr", stemmer=stemmer, return_ids=False, show_progress=False
        )
        return found

    model = bm25s.BM25()
    model.index(tokens([chunk.search_text for chunk in chunks]), show_progress=False)
    return Baseline("bm25s_french_defaults", _ranker(model, chunks, lambda text: tokens([text])[0]))


def qdrant_french(chunks: Sequence[Chunk], directory: Path) -> Baseline:
    """Qdrant's own sparse BM25 for French, its IDF included."""
    lengths = sum(len(chunk.search_text.split()) for chunk in chunks) / len(chunks)
    encoder = Bm25(Bm25Config(language="french", ascii_folding=True, avg_len=lengths))
    directory.mkdir()
    sparse = {"bm25": EdgeSparseVectorParams(modifier=Modifier.Idf)}
    shard = EdgeShard.create(str(directory), EdgeConfig(sparse_vectors=sparse, wal_enabled=False))
    for start in range(0, len(chunks), _BATCH):
        batch = enumerate(chunks[start : start + _BATCH], start=start)
        points = [Point(number, {"bm25": encoder.embed_document(chunk.search_text)}, {}) for number, chunk in batch]
        shard.update(UpdateOperation.upsert_points(points))
    shard.optimize()

    def rank(text: str) -> list[str]:
        query = Query.Nearest(encoder.embed_query(text), using="bm25")
        request = QueryRequest(limit=DEPTH, query=query, with_payload=False, with_vector=False)
        [found] = shard.query_batch(QueryBatchRequest([request]))
        hits = sorted(found, key=lambda point: (-point.score, point.id))
        return _documents(chunks, [int(point.id) for point in hits])

    return Baseline("qdrant_french_bm25", rank)


def _ranker(model: bm25s.BM25, chunks: Sequence[Chunk], tokens: Callable[[str], list[str]]) -> Rank:
    def rank(text: str) -> list[str]:
        known = [token for token in tokens(text) if token in model.vocab_dict]
        if not known:
            return []
        scores = model.get_scores(known)
        best = sorted(scores.nonzero()[0].tolist(), key=lambda index: (-scores[index], index))[:DEPTH]
        return _documents(chunks, best)

    return rank


def _documents(chunks: Sequence[Chunk], order: Sequence[int]) -> list[str]:
    return list(dict.fromkeys(chunks[index].doc_id for index in order))


def timed(rank: Rank, questions: Sequence[str]) -> tuple[list[list[str]], float]:
    """The rankings, and CPU milliseconds per question."""
    started = time.process_time()
    rankings = [rank(question) for question in questions]
    return rankings, 1e3 * (time.process_time() - started) / len(questions)
