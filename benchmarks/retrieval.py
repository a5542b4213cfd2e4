"""How well and how fast questions find the documents that answer them, on any judged corpus.

    python -m benchmarks.retrieval --corpus C.parquet --queries Q.parquet --qrels R.parquet [--json OUT]
    python -m benchmarks.retrieval --cases benchmarks/cases/immigration.jsonl --index-dir DIR [--json OUT]

The first form builds its own index in a temporary directory, with the encoder, the store and the searcher of the
product and without any neural model. Corpus columns: doc_id, source, title, sections or text, url, path, has_body.
Queries: topic, text. Judgements: topic, doc_id, grade (1 to 5, relevant from 3). The second form asks an index that
is there, such as that of the sample, the questions of a file of JSON lines: query, documents, half.
"""

import argparse
import asyncio
import json
import random
import resource
import string
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.retrieval_baselines import Baseline, bm25s_french, exact_bm25, qdrant_french, timed
from benchmarks.retrieval_corpus import Judged, read_documents, read_judged
from benchmarks.retrieval_index import build, documents_of, scope, searching
from benchmarks.retrieval_metrics import Scores, judge, recall

from marianne_corpus.schema import Chunk
from marianne_retrieval.search import Searcher

_DEPTH = 250
"""Passages: enough for a hundred documents."""
_SHOWN = 8
_TYPO_SEED = 7

Report = dict[str, object]
Rankings = Mapping[str, Sequence[Sequence[str]]]


async def run(corpus: Path, queries: Path, qrels: Path) -> Report:
    documents = read_documents(corpus)
    judged = read_judged(queries, qrels, documents)
    with tempfile.TemporaryDirectory() as directory:
        built = await build(documents, Path(directory) / "index")
        async with searching(Path(directory) / "index") as searcher:
            report = await _measure(searcher, judged)
        report |= {"build": asdict(built), "peak_rss_mb": _peak_rss_mb()}
        chunks = list(chain.from_iterable(documents))
        return report | {"baselines": _baselines(chunks, judged, Path(directory))}


async def run_cases(rows: Sequence[Mapping[str, Any]], index_dir: Path) -> Report:
    """Recall and hits among the first five, by half and, where the cases name one, by language."""
    async with searching(index_dir) as searcher:
        found = [(row, await documents_of(searcher, row["query"], _SHOWN * 4)) for row in rows]
    groups: dict[str, list[tuple[float, bool]]] = {}
    for row, ranking in found:
        wanted = dict.fromkeys(row["documents"], 3)
        hit = bool(wanted.keys() & set(ranking[:5]))
        groups.setdefault(f"{row.get('language', 'fr')} {row['half']}", []).append((recall(ranking, wanted, 5), hit))
    return {
        group: {
            "questions": len(scores),
            "recall_at_5": fmean(share for share, _ in scores),
            "hit_at_5": fmean(hit for _, hit in scores),
        }
        for group, scores in sorted(groups.items())
    }


async def _measure(searcher: Searcher, judged: Judged) -> Report:
    questions = [text for texts in judged.phrasings.values() for text in texts]
    scores = judge(await _rankings(searcher, judged.phrasings), judged.grades)
    slips = random.Random(_TYPO_SEED)
    misspelt = {topic: [misspell(text, slips) for text in texts] for topic, texts in judged.phrasings.items()}
    with_typos = judge(await _rankings(searcher, misspelt), judged.grades)
    return {
        **asdict(scores),
        "cpu_ms_per_query": await _cpu_ms(searcher, questions),
        "questions": len(questions),
        "topics": len(judged.phrasings),
        "with_one_typo": asdict(with_typos),
    }


async def _rankings(searcher: Searcher, phrasings: Mapping[str, Sequence[str]]) -> Rankings:
    return {topic: [await documents_of(searcher, text, _DEPTH) for text in texts] for topic, texts in phrasings.items()}


async def _cpu_ms(searcher: Searcher, questions: Sequence[str]) -> float:
    """For as many passages as a reply has, their texts included."""
    started = time.process_time()
    for question in questions:
        await searcher.search(question, scope(), _SHOWN, timeout_s=60)
    return 1e3 * (time.process_time() - started) / len(questions)


def misspell(text: str, slips: random.Random) -> str:
    """One random insertion, deletion, substitution or transposition in the longest word."""
    word = max(text.split(), key=len, default="")
    if len(word) < 2:
        return text
    place = slips.randrange(len(word) - 1)
    letter = slips.choice(string.ascii_lowercase)
    edited = slips.choice([
        word[:place] + letter + word[place:],
        word[:place] + word[place + 1 :],
        word[:place] + letter + word[place + 1 :],
        word[:place] + word[place + 1] + word[place] + word[place + 2 :],
    ])  # fmt: skip
    return text.replace(word, edited, 1)


def _baselines(chunks: Sequence[Chunk], judged: Judged, directory: Path) -> dict[str, Report]:
    plain = [exact_bm25(chunks), bm25s_french(chunks), qdrant_french(chunks, directory / "qdrant")]
    return {baseline.name: _measure_baseline(baseline, judged) for baseline in plain}


def _measure_baseline(baseline: Baseline, judged: Judged) -> Report:
    rankings, cpu_ms = timed(baseline.rank, [text for texts in judged.phrasings.values() for text in texts])
    remaining = iter(rankings)
    by_topic = {topic: [next(remaining) for _ in texts] for topic, texts in judged.phrasings.items()}
    return {**asdict(judge(by_topic, judged.grades)), "cpu_ms_per_query": cpu_ms}


def _peak_rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table(report: Mapping[str, object]) -> str:
    """The rows of a Markdown table, our own search first."""
    own = {"marianne": report, "marianne, one typo": report.get("with_one_typo", {})}
    columns = [*Scores.__dataclass_fields__, "cpu_ms_per_query"]
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for name, scores in {**own, **_mapping(report["baselines"])}.items():
        lines.append(f"| {name} | {' | '.join(_cells(_mapping(scores), columns))} |")
    return "\n".join(lines)


def _cells(scores: Mapping[str, object], columns: Iterable[str]) -> list[str]:
    return [f"{value:.3f}" if isinstance(value := scores.get(column), float) else "" for column in columns]


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("corpus", "queries", "qrels"):
        parser.add_argument(f"--{name}", type=Path, help="a parquet file")
    parser.add_argument("--cases", type=Path, help="questions as JSON lines, for the index in --index-dir")
    parser.add_argument("--index-dir", type=Path, help="an index that marianne-ingest built")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    arguments = parser.parse_args()
    judged = all((arguments.corpus, arguments.queries, arguments.qrels))
    if not judged and not (arguments.cases and arguments.index_dir):
        parser.error("give --corpus, --queries and --qrels, or --cases and --index-dir")
    return arguments


def main() -> None:
    arguments = _arguments()
    if arguments.cases:
        lines = arguments.cases.read_text(encoding="utf-8").splitlines()
        report = asyncio.run(run_cases([json.loads(line) for line in lines], arguments.index_dir))
        print(json.dumps(report, indent=2))
    else:
        report = asyncio.run(run(arguments.corpus, arguments.queries, arguments.qrels))
        print(table(report))
        print({name: report[name] for name in ("questions", "topics", "build", "peak_rss_mb")})
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
