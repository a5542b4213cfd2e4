"""A corpus of documents, questions by topic and judgements, read from parquet files."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
from benchmarks.retrieval_metrics import RELEVANT, Grades

from marianne_corpus.schema import Chunk
from marianne_language.codes import code_slug
from marianne_language.references import find_references
from marianne_language.sentences import split_sentences

LONGEST_CHUNK = 800
"""Characters of text; a longer sentence is a chunk by itself."""
MOST_PHRASINGS = 8

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Judged:
    """The phrasings of each topic and the grades of its documents."""

    phrasings: Mapping[str, Sequence[str]]
    grades: Mapping[str, Grades]


def read_documents(path: Path) -> list[list[Chunk]]:
    """The chunks of each document that has a text.

    Columns: doc_id, source, title, sections (JSON `[[heading, text], …]`) or text, url, and path when there is one.
    """
    rows = pq.read_table(path).to_pylist()
    return [document for row in rows if (document := list(_chunks(row)))]


def read_judged(queries: Path, qrels: Path, documents: Sequence[Sequence[Chunk]]) -> Judged:
    """The topics of which at least one document that is there is relevant, with their first phrasings."""
    there = {document[0].doc_id for document in documents}
    grades: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in pq.read_table(qrels).to_pylist():
        if row["doc_id"] in there:
            grades[row["topic"]][row["doc_id"]] = row["grade"]
    answered = {topic for topic, judged in grades.items() if max(judged.values()) >= RELEVANT}
    phrasings: defaultdict[str, list[str]] = defaultdict(list)
    for row in pq.read_table(queries).to_pylist():
        if row["topic"] in answered:
            phrasings[row["topic"]].append(row["text"])
    return Judged({topic: list(islice(texts, MOST_PHRASINGS)) for topic, texts in phrasings.items()}, grades)


def _chunks(row: Row) -> Iterator[Chunk]:
    if not row.get("has_body", True):
        return
    title, doc_id = str(row["title"]), str(row["doc_id"])
    number, slug, code = _article(title)
    pieces = ((heading, piece) for heading, text in _sections(row) for piece in _pieces(text))
    for index, (heading, sentences) in enumerate(pieces):
        yield Chunk(
            chunk_id=f"{doc_id}_{index}",
            doc_id=doc_id,
            dataset=str(row["source"]),
            title=title,
            url=str(row.get("url") or "about:blank"),
            sentences=sentences,
            context=_context(row, heading, is_article=bool(number)),
            number=number,
            code_slug=slug,
            code=code,
        )


def _sections(row: Row) -> list[tuple[str, str]]:
    written = json.loads(str(row.get("sections") or "[]"))
    return [(str(heading), str(text)) for heading, text in written] or [("", str(row["text"]))]


def _context(row: Row, heading: str, *, is_article: bool) -> tuple[str, ...]:
    """Of an article where it stands in its code, of other texts the heading of the section."""
    path = str(row.get("path") or "").split(" > ") if is_article else []
    return tuple(filter(None, (*path, heading)))


def _article(title: str) -> tuple[str, str, str]:
    """Number, slug and code of the article that a title names, such as "Code civil, article 515-14"; else empty."""
    references = find_references(title)
    slug = code_slug(title)
    if len(references) != 1 or references[0].end != len(title) or not slug:
        return "", "", ""
    return references[0].number, slug, title.partition(",")[0]


def _pieces(text: str) -> Iterator[tuple[str, ...]]:
    piece: list[str] = []
    for sentence in split_sentences(text):
        if piece and sum(map(len, piece)) + len(sentence) > LONGEST_CHUNK:
            yield tuple(piece)
            piece = []
        piece.append(sentence)
    if piece:
        yield tuple(piece)
