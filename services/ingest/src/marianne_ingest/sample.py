"""Turns the hand-written sample corpus into parquet files in the layouts of the official data sets.

    sheets/<id>.md        YAML front matter, then `##` and `###` sections; each section becomes one chunk
    articles/<code>.yaml  the code's title and its articles; each article becomes one chunk
    facts.yaml            the figures that the texts state; the earliest day up to which one was known dates them all

From there on the sample is read like any data set. A `dataset.json` beside the files says that it is not official.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
import yaml
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from marianne_ingest.errors import SourceError, first_problem
from marianne_language.codes import code_slug
from marianne_language.folding import fold

DATASET: Final = "sample"

_FRONT_MATTER: Final = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)
_HEADING: Final = re.compile(r"^(#{2,3}) +(.+)$", re.MULTILINE)
_NOT_IN_FOLDER_NAMES: Final = re.compile(r"[ ',-]")
_HASH_SEED: Final = 2025

Text = Annotated[str, Field(min_length=1)]
Record = dict[str, Any]
T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _WebService(_Strict):
    title: Text
    institution: Text
    url: Text
    type: Text


class _Sheet(_Strict):
    id: Annotated[str, Field(pattern=r"^exemple-[a-z0-9-]+$")]
    title: Text
    surtitle: Text
    audience: Annotated[list[Text], Field(min_length=1)]
    theme: Annotated[list[Text], Field(min_length=1)]
    url: Annotated[str, Field(pattern="^https://")]
    introduction: Text
    web_services: list[_WebService] = []


class _Article(_Strict):
    number: Text
    section: Text
    status: Text
    start_date: date
    end_date: date
    text: Text
    replaced_by: list[Text] = []


class _Code(_Strict):
    code: Text
    articles: Annotated[list[_Article], Field(min_length=1)]


class _Fact(_Strict):
    document: Text
    value: Text
    what: Text
    source: Text
    date: date


class _Facts(RootModel[list[_Fact]]):
    root: Annotated[list[_Fact], Field(min_length=1)]


def write_sample(directory: Path, target: Path) -> None:
    """Writes `service-public-latest/` and `legi-latest/<code>/` into `target`.

    Raises SourceError, one line with file and field, for the first text that is not well formed.
    """
    [facts] = _read_all(directory, "facts.yaml", lambda path: _validated(path, _Facts, _yaml(path)))
    marker = {"dataset": DATASET, "official": False, "snapshot_at": min(fact.date for fact in facts.root)}
    sheets = _read_all(directory, "sheets/*.md", lambda path: list(_sheet_rows(path)))
    codes = _read_all(directory, "articles/*.yaml", lambda path: _validated(path, _Code, _yaml(path)))
    rows = [row for sheet in sheets for row in sheet]
    _write(rows, target / "service-public-latest" / "service_public_part_0.parquet")
    for code in codes:
        folder = "legi_" + _NOT_IN_FOLDER_NAMES.sub("_", fold(code.code))
        articles = [_article_row(code.code, article) for article in code.articles]
        _write(articles, target / "legi-latest" / folder / "legi_part_0.parquet")
    for folder in ("service-public-latest", "legi-latest"):
        (target / folder / "dataset.json").write_bytes(orjson.dumps(marker))


def _read_all(directory: Path, pattern: str, read: Callable[[Path], T]) -> list[T]:
    paths = sorted(directory.glob(pattern))
    if not paths:
        raise SourceError(f"{directory}: no {pattern}")
    return [read(path) for path in paths]


def _yaml(path: Path, written: str | None = None) -> object:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8") if written is None else written)
    except yaml.YAMLError as error:
        raise SourceError(f"{path}: {' '.join(str(error).split())}") from error


def _validated(path: Path, model: type[M], document: object) -> M:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise SourceError(f"{path}: {first_problem(error)}") from error


def _sheet_rows(path: Path) -> Iterator[Record]:
    parts = _FRONT_MATTER.fullmatch(path.read_text(encoding="utf-8"))
    if not parts:
        raise SourceError(f"{path}: no front matter between two lines of ---")
    sheet = _validated(path, _Sheet, _yaml(path, parts[1]))
    if sheet.id != path.stem:
        raise SourceError(f"{path}: id: {sheet.id!r} is not the file's name")
    if parts[2].partition("## ")[0].strip():
        raise SourceError(f"{path}: text before the first ## section")
    sections = list(_sections(parts[2]))
    if not sections:
        raise SourceError(f"{path}: no ## section")
    for index, (context, text) in enumerate(sections, start=1):
        yield _with_hash({
            "chunk_id": f"{sheet.id}_{index}",
            "doc_id": sheet.id,
            "chunk_index": index,
            "audience": ", ".join(sheet.audience),
            "theme": ", ".join(sheet.theme),
            "title": sheet.title,
            "surtitle": sheet.surtitle,
            "source": "service-public",
            "introduction": sheet.introduction,
            "url": sheet.url,
            "related_questions": "[]",
            "web_services": orjson.dumps([service.model_dump() for service in sheet.web_services]).decode(),
            "context": context,
            "text": text,
            "chunk_text": f"{sheet.title}\n{sheet.introduction}\n{text}",
        })  # fmt: skip


def _sections(body: str) -> Iterator[tuple[list[str], str]]:
    """Each section's path of headings and its own text; a heading without text of its own gives none."""
    path: list[str] = []
    headings = list(_HEADING.finditer(body))
    ends = [heading.start() for heading in headings] + [len(body)]
    for heading, end in zip(headings, ends[1:], strict=True):
        depth = len(heading[1]) - 2
        path = [*path[:depth], heading[2].strip()]
        if text := body[heading.end() : end].strip():
            yield path, text


def _article_row(code: str, article: _Article) -> Record:
    repealed = f"-{article.end_date.year}" if article.status == "ABROGE" else ""
    doc_id = f"exemple-{code_slug(code) or fold(code).replace(' ', '-')}-{article.number}{repealed}"
    return _with_hash({
        "chunk_id": f"{doc_id}_1",
        "doc_id": doc_id,
        "chunk_index": 1,
        "nature": "Article",
        "category": "CODE",
        "ministry": "",
        "status": article.status,
        "title": code,
        "full_title": code,
        "subtitles": article.section,
        "number": article.number,
        "start_date": article.start_date.isoformat(),
        "end_date": article.end_date.isoformat(),
        "nota": "",
        "links": orjson.dumps([_link(code, number) for number in article.replaced_by]).decode(),
        "text": article.text.strip(),
        "chunk_text": f"{code} - Article {article.number}\n[{article.section}]\n{article.text.strip()}",
    })  # fmt: skip


def _link(code: str, number: str) -> Record:
    return {
        "title": code,
        "number": number,
        "category": "CODE",
        "link_type": "CONCORDANCE",
        "link_direction": "cible",
    }


def _with_hash(row: Record) -> Record:
    return row | {"chunk_xxh64": xxhash.xxh64_hexdigest(row["chunk_text"].encode(), seed=_HASH_SEED)}


def _write(rows: Sequence[Record], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), path, compression="zstd")
