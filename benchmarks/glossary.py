"""How well short questions in other languages find the documents that answer them, with the glossary and without.

    python -m benchmarks.glossary [--cases FILE] [--json FILE]

Passages are ranked by exact BM25 and a document by its best passage. A question is a hit when one of the documents that
answer it is among the first five. A case is one JSON line: query, language, documents, half (dev or test). With
--corpus a parquet file (doc_id, title, sections or text) stands for the sample.
"""

import argparse
import json
import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Final

import pyarrow.parquet as pq
import yaml

from marianne_corpus.analyzer import K1, Analyzer, B
from marianne_language.acronyms import expand
from marianne_language.glossary import to_french

_HERE: Final = Path(__file__).parent
_SAMPLE: Final = _HERE.parent / "data" / "sample"
_CASES: Final = (_HERE / "cases" / "glossary.jsonl", _HERE / "cases" / "acronyms.jsonl")
_FIRST: Final = 5
_SECTION: Final = re.compile(r"^## +(.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Case:
    query: str
    language: str
    documents: frozenset[str]
    half: str


Rewrite = Callable[[Case], str]


@dataclass(frozen=True, slots=True)
class Passage:
    document: str
    text: str


class Bm25:
    """Exact BM25 over passages, documents ranked by their best one."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self._analyzer = Analyzer()
        self._documents: list[str] = []
        self._postings: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        self._lengths: list[int] = []
        for row, passage in enumerate(passages):
            terms = self._analyzer.tokens(passage.text)
            self._documents.append(passage.document)
            self._lengths.append(len(terms))
            for term, count in Counter(terms).items():
                self._postings[term].append((row, count))
        self._average = mean(self._lengths)

    def first(self, query: str, limit: int = _FIRST) -> list[str]:
        scores: defaultdict[str, float] = defaultdict(float)
        for row, score in self._passage_scores(query).items():
            document = self._documents[row]
            scores[document] = max(scores[document], score)
        return sorted(scores, key=lambda document: (-scores[document], document))[:limit]

    def _passage_scores(self, query: str) -> Mapping[int, float]:
        scores: defaultdict[int, float] = defaultdict(float)
        for term in dict.fromkeys(self._analyzer.tokens(query)):
            postings = self._postings.get(term, ())
            rarity = math.log(1 + (len(self._lengths) - len(postings) + 0.5) / (len(postings) + 0.5))
            for row, count in postings:
                norm = K1 * (1 - B + B * self._lengths[row] / self._average)
                scores[row] += rarity * count * (K1 + 1) / (count + norm)
        return scores


def sample_passages(directory: Path) -> Iterator[Passage]:
    for path in sorted(directory.glob("sheets/*.md")):
        _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
        sheet = yaml.safe_load(front)
        yield Passage(sheet["id"], f"{sheet['title']} {sheet['introduction']}")
        heads = _SECTION.split(body)[1:]
        for heading, text in zip(heads[::2], heads[1::2], strict=True):
            yield Passage(sheet["id"], f"{sheet['title']} {heading} {text}")
    for path in sorted(directory.glob("articles/*.yaml")):
        code = yaml.safe_load(path.read_text(encoding="utf-8"))
        for article in code["articles"]:
            text = f"{code['code']} article {article['number']} {article['section']} {article['text']}"
            yield Passage(f"exemple-{path.stem}-{article['number']}", text)


def parquet_passages(path: Path) -> Iterator[Passage]:
    table = pq.read_table(path, columns=["doc_id", "title", "sections", "text"])
    for row in table.to_pylist():
        sections = json.loads(row["sections"] or "[]") or [["", row["text"] or ""]]
        for heading, text in sections:
            yield Passage(row["doc_id"], f"{row['title']} {heading} {text}")


def read_cases(path: Path) -> list[Case]:
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [Case(row["query"], row["language"], frozenset(row["documents"]), row["half"]) for row in rows]


def as_typed(case: Case) -> str:
    return case.query


def in_french(case: Case) -> str:
    french = case.query if case.language == "fr" else to_french(case.query, case.language) or case.query
    return " ".join([french, *expand(french)])


@dataclass(frozen=True, slots=True)
class Score:
    language: str
    half: str
    questions: int
    as_typed: float
    in_french: float


def score(index: Bm25, cases: Sequence[Case]) -> Iterator[Score]:
    for language, half in sorted({(case.language, case.half) for case in cases}):
        some = [case for case in cases if (case.language, case.half) == (language, half)]
        yield Score(language, half, len(some), _hits(index, some, as_typed), _hits(index, some, in_french))


def _hits(index: Bm25, cases: Sequence[Case], rewrite: Rewrite) -> float:
    return mean(_is_hit(index, case, rewrite) for case in cases)


def _is_hit(index: Bm25, case: Case, rewrite: Rewrite) -> bool:
    return not case.documents.isdisjoint(index.first(rewrite(case)))


def microseconds(cases: Sequence[Case]) -> float:
    """The median time in which a question is put into French."""
    in_french(cases[0])
    spent = []
    for case in cases:
        start = time.perf_counter()
        in_french(case)
        spent.append(time.perf_counter() - start)
    return median(spent) * 1e6


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.glossary", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cases", type=Path, action="append", help="JSON lines; twice for two files")
    parser.add_argument("--corpus", type=Path, help="a parquet file instead of the sample")
    parser.add_argument("--misses", action="store_true", help="print the questions of the dev half that found nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the scores here")
    return parser.parse_args()


def main() -> None:
    options = _options()
    index = Bm25(parquet_passages(options.corpus) if options.corpus else sample_passages(_SAMPLE))
    cases = [case for path in options.cases or _CASES for case in read_cases(path)]
    scores = list(score(index, cases))
    print(f"{'':9}{'questions':>10}{'as typed':>10}{'in French':>10}   (hit@{_FIRST})")
    for row in scores:
        print(f"{row.language} {row.half:6}{row.questions:10}{row.as_typed:10.2f}{row.in_french:10.2f}")
    speed = microseconds(cases)
    print(f"median time of putting a question into French: {speed:.0f} µs")
    for case in cases if options.misses else ():
        if case.half == "dev" and not _is_hit(index, case, in_french):
            print(case.language, case.query, "=>", in_french(case), sorted(case.documents))
    if options.json:
        figures = {
            f"{row.language}_{row.half}": {"as_typed": row.as_typed, "in_french": row.in_french} for row in scores
        }
        options.json.write_text(json.dumps({"hit_at_5": figures, "microseconds": speed}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
