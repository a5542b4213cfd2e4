"""Where sentences end, in source texts and in text that is still being written.

A unit is one sentence, or one list item, heading or table row when that is shorter: a line break always ends a unit.
The decision depends on the unit alone, never on how the text was cut on its way here.
"""

import re
from collections.abc import Iterator
from typing import Final

from marianne_language.abbreviations import is_abbreviation, is_numbering
from marianne_language.citations import MARK

_SPACE: Final = r"[^\S\r\n]"
_LEADING: Final = re.compile(r"\s*")
_WHOLE_LINE: Final = re.compile(r"#{1,6}\s|\|")
_EVENT: Final = re.compile(r"(?P<line>[\r\n])|(?P<open>[«“\"(\[`「『])|(?P<stop>[.!?…؟۔。！？]+)")
_CLOSER: Final = {"«": "»", "“": "”", '"': '"', "(": ")", "[": "]", "`": "`", "「": "」", "『": "』"}
_LONGEST_PAIR: Final = 400
_LINE: Final = re.compile(r"[\r\n]")
_STOPS: Final = ".!?…؟۔。！？"
_STOPS_WITHOUT_SPACE: Final = "。！？"
_CLOSERS: Final = rf"(?:[)\]”\"'’*_`」』]|{_SPACE}?»)*"
_TAIL: Final = re.compile(rf"{_CLOSERS}(?P<marks>(?:{_SPACE}*{MARK})+[{_STOPS}]*{_CLOSERS})?")
_GAP: Final = re.compile(rf"{_SPACE}*")
_UNFINISHED_MARK: Final = re.compile(r"\[[\d\s.,;&–—etand-]*")
_MARK_AT_END: Final = re.compile(rf"\S{_SPACE}*{MARK}$")
_CONTINUES: Final = ",;:)" + _STOPS


class _UndecidedError(Exception):
    """More text could change the decision."""


def split_sentences(text: str) -> list[str]:
    """Splits `text` into its units, without the white space between them; nothing else is lost."""
    return list(_units(text))


def _units(text: str) -> Iterator[str]:
    start = _past_space(text, 0)
    while start < len(text):
        end = _find_end(text, start, final=True)
        unit = text[start:end]
        yield unit
        start = _past_space(text, start + len(unit))


def find_end(text: str, *, final: bool = False) -> int | None:
    """The index just past the first complete unit of `text`, white space before it included and after it not.

    None while more text could change the decision, and when nothing but white space is left. `final` says that no more
    text will come. What this returns for a text it returns for every continuation of it.
    """
    start = _past_space(text, 0)
    return None if start == len(text) else _find_end(text, start, final=final)


def _past_space(text: str, position: int) -> int:
    space = _LEADING.match(text, position)
    return space.end() if space else position


def _find_end(text: str, start: int, *, final: bool) -> int | None:
    try:
        return _end(text, start, final=final)
    except _UndecidedError:
        return None


def _end(text: str, start: int, *, final: bool) -> int | None:
    if _WHOLE_LINE.match(text, start):
        return _end_of_line(text, start, final=final)
    position = start
    while event := _EVENT.search(text, position):
        if event["line"]:
            return _trimmed(text, start, event.start())
        at, position = event.span()
        stop: int | None = at
        if event["open"]:
            position = _past_pair(text, at, final=final)
            stop = _stop_inside(text, start, at, position)
        end = None if stop is None else _boundary(text, start, stop, position, final=final)
        if end is not None:
            return end
    return _trimmed(text, start, len(text)) if final else None


def _end_of_line(text: str, start: int, *, final: bool) -> int | None:
    line = _LINE.search(text, start)
    if line is None and not final:
        return None
    return _trimmed(text, start, line.start() if line else len(text))


def _trimmed(text: str, start: int, end: int) -> int:
    return start + len(text[start:end].rstrip())


def _past_pair(text: str, opening: int, *, final: bool) -> int:
    """Past the bracket, quotation or code that opens at `opening`, or past the opening sign when nothing closes it.

    A pair lies on one line and holds at most `_LONGEST_PAIR` characters, so that one lost sign holds back little text.
    """
    limit = opening + 2 + _LONGEST_PAIR
    line = _LINE.search(text, opening, limit)
    close = text.find(_CLOSER[text[opening]], opening + 1, line.start() if line else limit)
    if close >= 0:
        return close + 1
    if line is None and len(text) < limit and not final:
        raise _UndecidedError
    return opening + 1


def _stop_inside(text: str, start: int, opening: int, after: int) -> int | None:
    """Where the full stop stands that a pair ends with, when it can end the sentence: « Il part. » or (Il part.)"""
    inside = text[opening + 1 : after - 1].rstrip()
    if not inside or inside[-1] not in _STOPS or text[opening] in "[`":
        return None
    if text[opening] == "(" and text[start:opening].strip("*_ "):
        return None
    return opening + len(inside)


def _boundary(text: str, start: int, stop: int, after: int, *, final: bool) -> int | None:
    """The end of the unit if its full stop at `stop`, which closes before `after`, is the last; None if it goes on."""
    if _closed_by_a_mark(text, start, stop):
        return stop + 1
    tail = _TAIL.match(text, after)
    end = tail.end() if tail else after
    following = _following(text, end, final=final)
    if following.isspace():
        return end
    if is_numbering(text[start:stop]):
        return None
    if tail and tail["marks"]:
        return end
    return end if _starts_a_sentence(text, start, stop, end, following) else None


def _closed_by_a_mark(text: str, start: int, stop: int) -> bool:
    """Whether the full stop follows a citation mark outside emphasis: nothing that may come can belong to the unit."""
    if text[stop] != "." or text[stop - 1] != "]":
        return False
    return text.count("**", start, stop) % 2 == 0 and _MARK_AT_END.search(text[start:stop]) is not None


def _following(text: str, end: int, *, final: bool) -> str:
    """The next character of the line that is no space; a line break when the line ends here."""
    gap = _GAP.match(text, end)
    next_at = gap.end() if gap else end
    rest_is_open = next_at == len(text) or _UNFINISHED_MARK.fullmatch(text, next_at) is not None
    if rest_is_open and not final:
        raise _UndecidedError
    return text[next_at : next_at + 1] or "\n"


def _starts_a_sentence(text: str, start: int, stop: int, end: int, following: str) -> bool:
    if text[stop] in _STOPS_WITHOUT_SPACE:
        return True
    if not text[end].isspace() or following.islower() or following in _CONTINUES:
        return False
    is_single = text[stop] == "." and text[stop - 1 : stop] != "." and text[stop + 1 : stop + 2] not in _STOPS
    return not is_single or not is_abbreviation(text[start:stop], following)
