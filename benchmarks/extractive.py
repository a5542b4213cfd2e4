"""How often the answer without a language model begins with a sentence that answers.

Each case names the sentences of the sample that would answer as a first sentence. The way is the product's: the index
that ingest builds, retrieval's search, the orchestrator's extraction.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from marianne_corpus.analyzer import Analyzer
from marianne_corpus.index import Scope
from marianne_corpus.store import open_reader
from marianne_orchestrator.llm.extractive import MAX_SENTENCES, extract
from marianne_orchestrator.llm.prompting import NumberedPassage
from marianne_orchestrator.llm.units import points_back
from marianne_orchestrator.nodes import PASSAGES
from marianne_retrieval.articles import Concordance
from marianne_retrieval.question import QuestionReader
from marianne_retrieval.search import Passage, Searcher

CASES = Path(__file__).parent / "cases" / "extractive.jsonl"
SAMPLE = Path(__file__).parents[1] / "data" / "sample"
HALVES = ("dev", "test")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one case. `found`: one of its documents is among the passages."""

    case: dict[str, Any]
    quotes: tuple[str, ...]
    found: bool

    @property
    def answers(self) -> bool:
        first = _plain(self.quotes[0]) if self.quotes else ""
        wanted = [_plain(answer) for answer in self.case["answers"]]
        return bool(first) and any(first.startswith(answer) or answer.startswith(first) for answer in wanted)

    @property
    def dangles(self) -> bool:
        return bool(self.quotes) and points_back(self.quotes[0])


async def run(cases: Sequence[dict[str, Any]], sample: Path) -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="marianne-extractive-") as folder:
        await _index(sample, folder)
        reader = open_reader(Path(folder))
        searcher = Searcher(reader, QuestionReader(Analyzer()), concordance=Concordance.shipped())
        await searcher.serve(await reader.manifest(timeout_s=5), await reader.lexicon(timeout_s=5))
        try:
            return [await _answered(case, searcher) for case in cases]
        finally:
            await reader.close()


async def _index(sample: Path, folder: str) -> None:
    command = (sys.executable, "-m", "marianne_ingest", "--sample", sample, "--index-dir", folder)
    ingest = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    if await ingest.wait():
        raise SystemExit(f"{sample} could not be indexed")


async def _answered(case: dict[str, Any], searcher: Searcher) -> Result:
    today = date.today()  # noqa: DTZ011  any day does
    found = await searcher.search(case["question"], Scope(as_of=today, today=today), PASSAGES, timeout_s=5)
    passages = [_numbered(n, passage) for n, passage in enumerate(found.passages, start=1)]
    quotes = tuple(quote.sentence for quote in extract(case["question"], passages))
    documents = {passage.chunk.doc_id for passage in found.passages}
    return Result(case, quotes, not documents.isdisjoint(case["doc_ids"]))


def _numbered(n: int, passage: Passage) -> NumberedPassage:
    chunk = passage.chunk
    return NumberedPassage(n, chunk.title, chunk.sentences, chunk.context, chunk.dataset)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().removeprefix("- ").lower()


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """Shares of the cases, and the longest answer in sentences, for all and for each half."""
    halves = {half: [result for result in results if result.case["half"] == half] for half in HALVES}
    return _shares(results) | {half: _shares(found) for half, found in halves.items() if found}


def _shares(results: Sequence[Result]) -> dict[str, Any]:
    cases = len(results)
    return {
        "cases": cases,
        "document_found": round(sum(result.found for result in results) / cases, 3),
        "first_sentence_answers": round(sum(result.answers for result in results) / cases, 3),
        "dangling": sum(result.dangles for result in results),
        "most_sentences": max(len(result.quotes) for result in results),
        "at_most": MAX_SENTENCES,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extractive", description=__doc__)
    parser.add_argument("--cases", type=Path, default=CASES, help="JSON lines: question, doc_ids, answers, half")
    parser.add_argument("--sample", type=Path, default=SAMPLE, help="the corpus that the cases speak of")
    parser.add_argument("--show", choices=HALVES, help="print what is wrong in a half")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures there")
    options = parser.parse_args(arguments)
    cases = [json.loads(line) for line in options.cases.read_text(encoding="utf-8").splitlines()]
    results = asyncio.run(run(cases, options.sample))
    figures = summary(results)
    print(json.dumps(figures, indent=2))
    for result in results:
        if result.case["half"] == options.show and not result.answers:
            print(f"\n{result.case['question']}\n  wanted: {result.case['answers']}\n  found: {result.quotes[:3]}")
    if options.json:
        options.json.write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
