"""Citation marks: the ids of source sentences that a writer puts into a text.

A mark is `[2.3]` (sentence 3 of passage 2), a list `[1.2, 3.1]`, a range within a passage `[1.2-1.4]`, or `[2]`, which
cites passage 2 as a whole. A bracket followed by `(` is a Markdown link and no mark.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

_ID: Final = r"\d{1,2}(?:\.\d{1,3})?"
_JOIN: Final = r"\s*(?:[,;&–—-]|\bet\b|\band\b)\s*"
MARK: Final = rf"\[\s*{_ID}(?:{_JOIN}{_ID})*\s*\](?!\()"
"""The pattern of one citation mark."""

_SPACE: Final = r"[^\S\r\n]*"
_MARKS: Final = rf"{MARK}(?:{_SPACE}{MARK})*"
_RUN: Final = re.compile(
    rf"(?<![^\S\r\n])(?P<before>{_SPACE})(?:\({_SPACE}{_MARKS}{_SPACE}\)|{_MARKS})(?P<after>{_SPACE})(?P<stop>[.…]?)"
)
_PART: Final = re.compile(rf"(?P<first>{_ID})(?:\s*[–—-]\s*(?P<last>{_ID}))?")
_WIDEST_RANGE: Final = 20
_STOPS: Final = ".!?…؟۔。！？"
_OPENERS: Final = "([«“„‘"


@dataclass(frozen=True, slots=True, order=True)
class SentenceId:
    """Sentence `sentence` of passage `passage`, both counted from 1; sentence 0 is the passage as a whole."""

    passage: int
    sentence: int

    def __str__(self) -> str:
        return f"{self.passage}.{self.sentence}" if self.sentence else str(self.passage)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads "2.3" or "2". Raises ValueError for anything else."""
        if not re.fullmatch(_ID, text):
            raise ValueError(f"a sentence id looks like 2.3, not {text!r}")
        passage, _, sentence = text.partition(".")
        return cls(int(passage), int(sentence or 0))


def parse_citations(text: str) -> tuple[str, tuple[SentenceId, ...]]:
    """Takes the marks out of `text`: the text as it reads without them, and their ids in order, without repeats."""
    ids: dict[SentenceId, None] = {}

    def take(run: re.Match[str]) -> str:
        ids.update(dict.fromkeys(_ids(run[0])))
        return _seam(text, run)

    return _RUN.sub(take, text), tuple(ids)


def _seam(text: str, run: re.Match[str]) -> str:
    """What stands in the place of a run of marks, so that spacing and punctuation stay as they were meant."""
    before, after = text[run.start() - 1 : run.start()], text[run.end() : run.end() + 1]
    if run["stop"]:
        return "" if before in _STOPS else run["stop"]
    if not before or before in "\r\n":
        return run["before"]
    if not after or after in "\r\n,":
        return ""
    if after.isalnum() or after in _OPENERS:
        return run["after"] or run["before"] or " "
    return run["after"]


def _ids(marks: str) -> Iterator[SentenceId]:
    for part in _PART.finditer(marks):
        first = SentenceId.parse(part["first"])
        last = SentenceId.parse(part["last"]) if part["last"] else first
        yield first
        if first.passage == last.passage and 0 < last.sentence - first.sentence <= _WIDEST_RANGE and first.sentence:
            yield from (SentenceId(first.passage, n) for n in range(first.sentence + 1, last.sentence))
        if last != first:
            yield last
