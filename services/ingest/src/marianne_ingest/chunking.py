"""From the row of a data set to a chunk. The data sets' own cut into chunks is kept."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

import orjson

from marianne_corpus.schema import OPEN_END, Chunk, point_id
from marianne_ingest import offices
from marianne_ingest.catalog import Column, Layout
from marianne_ingest.links import successors
from marianne_ingest.offices import departments_of, first_website, sentences_of
from marianne_language.codes import find_codes
from marianne_language.folding import flatten
from marianne_language.references import find_references
from marianne_language.sentences import split_sentences

Row = Mapping[str, object]

_ARTICLE_SUFFIX: Final = re.compile(r"(?:,| -) article .*$", re.IGNORECASE)
_MONTHS: Final = (
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905  reads
)
_IN_BRACKETS: Final = re.compile(r"\(.*?\)")
_NOT_IN_KINDS: Final = re.compile(r"[^a-z0-9]+")
_FIELD_IN_URL: Final = re.compile(r"{(\w+)}")


class RejectedRowError(Exception):
    """The row cannot become a chunk that can be cited; the message says why, in a few words that many rows share."""


class Chunker:
    """Reads the rows of one data set, whose columns already bear our names."""

    def __init__(self, layout: Layout, codes: Mapping[str, str], *, dataset: str, official: bool) -> None:
        """`codes` gives the Légifrance id of a code by its slug."""
        self._layout = layout
        self._codes = codes
        self._dataset = dataset
        self._official = official

    def point_id(self, doc_id: str, chunk_id: str) -> UUID:
        """Where the chunk of such a row is kept."""
        return point_id(self._dataset, doc_id, chunk_id)

    def chunk(self, row: Row) -> Chunk:
        """Raises RejectedRowError."""
        columns = self._layout.columns.items()
        values = {field: self._value(field, column, row[field]) for field, column in columns if field not in _RAW}
        for field in ("chunk_id", "doc_id"):
            if not values[field]:
                raise RejectedRowError(f"no {field}")
        sentences = tuple(split_sentences(str(values.pop("text", ""))))
        if "addresses" in row:
            sentences = tuple(sentences_of(row))
            values |= _office(row, str(values["url"]))
        if not sentences:
            raise RejectedRowError("no text")
        values |= _article(values, row.get("replaced_by"))
        values["url"] = self._url(values)
        return Chunk(
            dataset=self._dataset,
            official=self._official,
            sentences=sentences,
            **values,  # type: ignore[arg-type]  # the layouts' fields are those of a chunk; a test builds one of each
        )

    def _value(self, field: str, column: Column, value: object) -> str | tuple[str, ...]:
        read = _READERS.get(field)
        return read(value) if read else texts(value, column.separator) if field in _LISTS else text(value)

    def _url(self, values: Mapping[str, object]) -> str:
        doc_id, slug = str(values["doc_id"]), str(values.get("code_slug", ""))
        known = {
            "url": values.get("url", ""),
            "doc_id": doc_id,
            "legiarti": doc_id if doc_id.startswith("LEGIARTI") else "",
            "legitext": self._codes.get(slug, ""),
        }
        for template in self._layout.urls:
            if all(known[field] for field in _FIELD_IN_URL.findall(template)):
                return template.format_map(known)
        raise RejectedRowError("no url")


def text(value: object) -> str:
    """A text whatever its type in the file; white space around it is dropped, a missing one is empty."""
    if value is None:
        return ""
    return (value.decode() if isinstance(value, bytes) else str(value)).strip()


def texts(value: object, separator: str | None = None) -> tuple[str, ...]:
    """A list of texts, given as a list, as JSON (text, bytes or decoded) or as one text with separators."""
    if isinstance(value, list | tuple):
        return tuple(filter(None, map(text, value)))
    written = text(value)
    if written.startswith("["):
        try:
            return texts(orjson.loads(written))
        except orjson.JSONDecodeError:
            return (written,)
    parts = written.split(separator) if separator else [written]
    return tuple(filter(None, map(str.strip, parts)))


def iso_day(value: object) -> str:
    """The day as ISO 8601, from a date, an ISO text, DD/MM/YYYY, a month (its first day) or Unix milliseconds.

    Empty when there is none or it cannot be read.
    """
    if isinstance(value, date):
        return value.isoformat()[:10]
    written = text(value)
    if written.isdecimal() and len(written) > len("20260101"):
        return datetime.fromtimestamp(int(written) / 1000, UTC).date().isoformat()
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%Y-%m"):
        try:
            return datetime.strptime(written[:10], form).date().isoformat()  # noqa: DTZ007  a day has no zone
        except ValueError:
            continue
    return ""


def kinds_of(value: object) -> tuple[str, ...]:
    """The types of an office in one spelling: "prefecture, Sous-préfecture (type_organisme)" is two."""
    written = (_IN_BRACKETS.sub("", part).strip() for part in texts(value, ","))
    return tuple(dict.fromkeys(_NOT_IN_KINDS.sub("_", flatten(part)).strip("_") for part in written if part))


_RAW: Final = frozenset({*offices.FIELDS, "replaced_by"})
_LISTS: Final = ("context", "audience", "theme")
_READERS: Final[Mapping[str, Callable[[object], str | tuple[str, ...]]]] = {
    "start_date": iso_day,
    "end_date": iso_day,
    "updated_at": iso_day,
    "kind": kinds_of,
}


def _office(row: Row, url: str) -> dict[str, str | tuple[str, ...]]:
    """What the directory says of an office beside its sentences; without a page of its own, its website."""
    return {"departments": departments_of(row["addresses"]), "url": url or first_website(row["websites"])}


def _article(values: Mapping[str, object], links: object) -> dict[str, str | tuple[str, ...]]:
    """What identifies an article of law; nothing for other texts."""
    if "code" not in values:
        return {}
    if values["status"] and not (values["start_date"] and values["end_date"]):
        raise RejectedRowError("a legal status without dates")
    code = _ARTICLE_SUFFIX.sub("", str(values["code"]))
    number = str(values["number"])
    title = f"{code}, article {number}" if number else code
    return {
        "title": f"{title}{_validity(str(values['start_date']), str(values['end_date']))}",
        "code": code,
        "code_slug": _slug(code),
        "number": _canonical_number(number),
        "replaced_by": successors(links, str(values["status"])),
    }


def _validity(start: str, end: str) -> str:
    """Said wherever the title is: a version that ended must never be taken for the law in force."""
    return (
        f" (version du {_spoken(start)}, en vigueur jusqu'au {_spoken(end)})"
        if start and end and end < OPEN_END
        else ""
    )


def _spoken(day: str) -> str:
    year, month, number = map(int, day.split("-"))
    return f"{'1er' if number == 1 else number} {_MONTHS[month - 1]} {year}"


def _slug(title: str) -> str:
    """The slug of the code of exactly this title: the "Code du travail maritime" is not the "Code du travail"."""
    whole = (0, len(title))
    return next((code.slug for code in find_codes(flatten(title)) if (code.start, code.end) == whole), "")


def _canonical_number(number: str) -> str:
    references = find_references(f"article {number}") if number else []
    return references[0].number if len(references) == 1 else number
