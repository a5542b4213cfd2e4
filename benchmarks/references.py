"""Whether an article that is named comes first, in the spellings that people use.

    python -m benchmarks.references --corpus C.parquet [--articles 300] [--json OUT]

Draws articles at random, asks for each in five spellings with its code and without, and reports how often it is the
first answer (hit_at_1) or among the first three (hit_at_3).
"""

import argparse
import asyncio
import json
import random
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from benchmarks.retrieval_corpus import read_documents
from benchmarks.retrieval_index import build, documents_of, searching

from marianne_corpus.schema import Chunk
from marianne_retrieval.search import Searcher

_SEED = 11
_NUMBER = re.compile(r"([A-Z]*)(.+)")
_CODES = {
    "ceseda": "du CESEDA",
    "code-du-travail": "du code du travail",
    "code-civil": "du code civil",
    "crpa": "du code des relations entre le public et l'administration",
}

Report = dict[str, dict[str, float]]


def spellings(number: str) -> list[str]:
    """Of "L423-23": L423-23, L. 423-23, L 423-23, art. L.423-23, article L423-23; without a letter "article" leads."""
    found = _NUMBER.fullmatch(number)
    letter, digits = found.groups() if found else ("", number)
    if not letter:
        return [f"{word} {digits}" for word in ("article", "art.", "art", "Article", "l'article")]
    return [
        number,
        f"{letter}. {digits}",
        f"{letter} {digits}",
        f"art. {letter}.{digits}",
        f"article {number}",
    ]


async def run(corpus: Path, count: int) -> Report:
    documents = read_documents(corpus)
    articles = sorted((found[0] for found in documents if found[0].code_slug in _CODES), key=lambda lead: lead.doc_id)
    chosen = random.Random(_SEED).sample(articles, min(count, len(articles)))
    with tempfile.TemporaryDirectory() as directory:
        await build(documents, Path(directory) / "index")
        async with searching(Path(directory) / "index") as searcher:
            return {
                "with_code": await _hits(searcher, chosen, named=True),
                "without_code": await _hits(searcher, chosen, named=False),
            }


async def _hits(searcher: Searcher, articles: Sequence[Chunk], *, named: bool) -> dict[str, float]:
    ranks = [rank for article in articles for rank in await _ranks(searcher, article, named=named)]
    return {
        "questions": len(ranks),
        "hit_at_1": fmean(rank == 0 for rank in ranks),
        "hit_at_3": fmean(0 <= rank < 3 for rank in ranks),
    }


async def _ranks(searcher: Searcher, article: Chunk, *, named: bool) -> list[int]:
    """The place of the article for each spelling, -1 when it is not found."""
    code = f" {_CODES[article.code_slug]}" if named else ""
    rankings = [await documents_of(searcher, f"{written}{code}", 8) for written in spellings(article.number)]
    return [ranking.index(article.doc_id) if article.doc_id in ranking else -1 for ranking in rankings]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="a parquet file")
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    arguments = parser.parse_args()
    report = asyncio.run(run(arguments.corpus, arguments.articles))
    print(json.dumps(report, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
