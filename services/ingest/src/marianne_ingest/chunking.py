"""From the row of a data set to a chunk. The data sets' own cut into chunks is kept."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

import orjson
import xxhash

from marianne_corpus.schema import OPEN_END, Chunk, to_payload
from marianne_ingest.catalog import Column, Layout
from marianne_language.codes import find_codes
from marianne_language.folding import flatten
from marianne_language.references import find_references
from marianne_language.sentences import split_sentences

Row = Mapping[str, object]

_ARTICLE_SUFFIX: Final = re.compile(r"(?:,| -) article .*$", re.IGNORECASE)
_MONTHS: Final = (
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905  reads
)
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

    def chunk(self, row: Row) -> Chunk:
        """Raises RejectedRowError."""
        values = {field: self._value(field, column, row[field]) for field, column in self._layout.columns.items()}
        for field in ("chunk_id", "doc_id"):
            if not values[field]:
                raise RejectedRowError(f"no {field}")
        sentences = tuple(split_sentences(str(values.pop("text"))))
        if not sentences:
            raise RejectedRowError("no text")
        values |= _article(values)
        values["url"] = self._url(values)
        chunk = Chunk(
            dataset=self._dataset,
            official=self._official,
            sentences=sentences,
            **values,  # type: ignore[arg-type]  # the layouts' fields are those of a chunk; a test builds one of each
        )
        return replace(chunk, change_key=_change_key(chunk))

    def _value(self, field: str, column: Column, value: object) -> str | tuple[str, ...]:
        read = _READERS.get(field)
        return read(value) if read else texts(value, column.separator) if field in _LISTS else text(value)

    def _url(self, values: Mapping[str, object]) -> str:
        doc_id, slug = str(values["doc_id"]), str(values.get("code_slug", ""))
        known = {
            "url": values.get("url", ""),
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


_LISTS: Final = ("context", "audience", "theme")
_READERS: Final[Mapping[str, Callable[[object], str | tuple[str, ...]]]] = {
    "start_date": iso_day,
    "end_date": iso_day,
    "updated_at": iso_day,
}


def _article(values: Mapping[str, object]) -> dict[str, str]:
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


def _change_key(chunk: Chunk) -> str:
    return xxhash.xxh3_64_hexdigest(orjson.dumps(to_payload(chunk)))
