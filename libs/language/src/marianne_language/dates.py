"""Dates as they are written in six languages, and their one canonical form."""

import re
from collections.abc import Iterator
from typing import Final

from marianne_language.units import MONTHS

_DAY: Final = r"\d{1,2}(?:er|st|nd|rd|th|[°º])?"
_YEAR: Final = r"(?:,?[ ](?:de[ ]|del[ ]|do[ ]|of[ ])?[12]\d{3}(?!\d))"
_MONTH: Final = rf"(?:{'|'.join(sorted(MONTHS, key=len, reverse=True))})(?!\w)\.?"
_ENGLISH: Final = r"(?:january|february|march|april|may|june|july|august|september|october|november|december)(?!\w)"
_BOTH: Final = r"(?:[ ](?:au|et|ou|a|to|and|al|ao|y|e|-)[ ]|-)(?:le[ ])?"

PATTERN: Final = rf"""
    (?:{_DAY}{_BOTH})?{_DAY}[ ](?:de[ ]|of[ ])?{_MONTH}{_YEAR}?
    |(?=[^\W\d_]+\.?[ ][^ ]*[ ]?\d)(?:{_ENGLISH}[ ]{_DAY}(?!\d){_YEAR}?|{_MONTH}{_YEAR})
    |(?<!\d[ ])(?:ngay[ ]\d{{1,2}}[ ])?thang[ ]\d{{1,2}}(?!\d)(?:[ ]nam[ ]\d{{4}})?
    |\d{{4}}-\d{{2}}-\d{{2}}(?!\d)
    |\d{{1,2}}(?P<slash>[/.])\d{{1,2}}(?P=slash)\d{{4}}(?!\d)
"""
"""What may be a date in a flattened text (for a verbose pattern)."""

_NUMBER: Final = re.compile(r"\d+")
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_ALSO_A_VERB: Final = "may"


def read_dates(flat: str, original: str) -> list[str]:
    """The canonical dates that a match of `PATTERN` tells, two for « 1er au 15 mars »; empty when it tells none."""
    numbers = [int(digits) for digits in _NUMBER.findall(flat)]
    if flat[0].isdigit() and flat[-1].isdigit() and not _WORD.search(flat):
        return _existing(_in_figures(numbers))
    if "thang" in flat and "ngay" not in flat:
        return _existing([(numbers[1] if len(numbers) > 1 else None, numbers[0], None)])
    if "thang" in flat:
        return _existing([(numbers[2] if len(numbers) > 2 else None, numbers[1], numbers[0])])
    return _existing(_with_a_name(flat, original, numbers))


def calendar_date(year: int | None, month: int, day: int | None) -> str | None:
    """ISO 8601: "2024-05-12", "2024-05", or "--05-12" when the year is not told. None when there is no such date."""
    if not 1 <= month <= 12 or (day is not None and not 1 <= day <= 31) or (year is None and day is None):
        return None
    return (f"{year:04}" if year is not None else "-") + f"-{month:02}" + (f"-{day:02}" if day is not None else "")


_Parts = tuple[int | None, int, int | None]


def _existing(dates: list[_Parts]) -> list[str]:
    return [form for date in dates if (form := calendar_date(*date))]


def _in_figures(numbers: list[int]) -> list[_Parts]:
    if numbers[0] > 31:
        return [(numbers[0], numbers[1], numbers[2])]
    day, month = (numbers[1], numbers[0]) if numbers[1] > 12 else (numbers[0], numbers[1])
    return [(numbers[2], month, day)]


def _with_a_name(flat: str, original: str, numbers: list[int]) -> list[_Parts]:
    month = next(word for word in _month_names(flat))
    year = next((number for number in numbers if number >= 1000), None)
    days = [number for number in numbers if number < 1000]
    if month == _ALSO_A_VERB and "May" not in original and not (year and days):
        return []
    if not days:
        return [(year, MONTHS[month], None)]
    return [(year, MONTHS[month], day) for day in days]


def _month_names(flat: str) -> Iterator[str]:
    return (word for word in _WORD.findall(flat) if word in MONTHS)
