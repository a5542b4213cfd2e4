"""The sentence gate: nothing that a model writes is shown before its sentence has been checked."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from marianne_language.anaphora import leans_back
from marianne_language.citations import MARK, parse_citations
from marianne_language.sentences import find_end
from marianne_orchestrator.checks import AnswerCheck, GuardrailsUnavailableError, Unit, UnitVerdict
from marianne_orchestrator.events import Source, Token, Withheld
from marianne_orchestrator.metrics import GUARDRAIL_REJECTIONS
from marianne_orchestrator.replacement import Replacements, is_row

HOLD_S = 0.15
MAX_UNIT_CHARS = 1200
MAX_WITHHELD_IN_A_ROW = 2
MAX_WITHHELD_SHARE = 0.3
SHARE_COUNTS_FROM = 6

_STRAY_MARKS = re.compile(rf"(?:\s*{MARK})+[.…]?")
_TABLE_RULE = re.compile(r"[|:\s-]+")
_ANOTHER_SENTENCE = " A"
_ROOM_FOR_MARKS = 60


class TooMuchWithheldError(Exception):
    """The model leaves its sources so often that the rest is not worth waiting for."""


@dataclass(frozen=True, slots=True)
class _Written:
    """A unit under check, with the white space that stood before it."""

    lead: str
    text: str


class _Units:
    """The units on their way to the check. A plain queue, because a cancelled read must not lose what comes next."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Unit | None] = asyncio.Queue()

    def put(self, unit: Unit | None) -> None:
        self._queue.put_nowait(unit)

    def __aiter__(self) -> "_Units":
        return self

    async def __anext__(self) -> Unit:
        unit = await self._queue.get()
        if unit is None:
            self._queue.put_nowait(None)
            raise StopAsyncIteration
        return unit


class _Lost:
    """What the last withheld unit takes with it. `reason` is why that one was withheld."""

    def __init__(self) -> None:
        self.reason = ""
        self._under_way = False
        self._in_table = False
        self._header = False

    def begin(self, text: str, reason: str) -> None:
        self.reason = reason
        self._under_way = True
        self._header = is_row(text) and (self._header or not self._in_table)
        self._in_table = is_row(text)

    def takes_along(self, text: str) -> bool:
        """Whether the next unit leans on what was withheld, by its words or as a row below a lost header."""
        in_table, self._in_table = self._in_table, is_row(text)
        self._header = self._header and is_row(text)
        if in_table and _TABLE_RULE.fullmatch(text):
            return False
        self._under_way = self._under_way and (self._header or leans_back(text))
        return self._under_way


class SentenceGate:
    """Cuts what a model writes into units, has each checked, and gives back what may be shown, in order.

    Writing never waits for a verdict. `feed` and `end` are called by the one who reads the model, `released` is
    iterated by the one who shows.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        question: str,
        check: AnswerCheck,
        *,
        language: str,
        withheld_mark: str,
        opening: str = "",
    ) -> None:
        """`opening` is the white space that stands before the first unit."""
        self._sources = sources
        self._question = question
        self._check = check
        self._language = language
        self._opening = opening
        self._replacements = Replacements(sources, language, withheld_mark)
        # Who quotes a long sentence must be able to quote it whole.
        self._max_chars = max(MAX_UNIT_CHARS, self._replacements.longest + _ROOM_FOR_MARKS)
        self._units = _Units()
        self._buffer = ""
        self._under_check: dict[int, _Written] = {}
        self._settled = asyncio.Event()
        self._settled.set()
        self._timer: asyncio.TimerHandle | None = None
        self._ended = False
        self._written = 0
        self._withheld = 0
        self._withheld_in_a_row = 0
        self._lost = _Lost()
        self.shown: list[Token] = []

    def feed(self, text: str) -> None:
        self._stop_timer()
        self._buffer += text
        self._cut(final=False)
        if self._buffer.strip():
            self._timer = asyncio.get_running_loop().call_later(HOLD_S, self._cut_what_seems_whole)

    def end(self) -> None:
        """What is left is a unit too; no more text comes."""
        self._stop_timer()
        self._cut(final=True)
        self._ended = True
        self._units.put(None)

    async def settle(self) -> bool:
        """Forgets an unfinished unit and waits for the verdicts still due; True when anything has been shown."""
        self._stop_timer()
        self._buffer = ""
        await self._settled.wait()
        return bool(self.shown)

    async def released(self) -> AsyncGenerator[Token | Withheld]:
        """Raises GuardrailsUnavailableError, also when a verdict is missing, and TooMuchWithheldError."""
        async with aclosing(self._check.check_answer(self._sources, self._question, self._units)) as verdicts:
            async for verdict in verdicts:
                for event in self._judge(self._awaiting(verdict), verdict):
                    if isinstance(event, Token):
                        self.shown.append(event)
                    yield event
                if not self._under_check:
                    self._settled.set()
                self._stop_when_hopeless()
        if self._under_check or not self._ended:
            raise GuardrailsUnavailableError("the check ended before the answer")

    def _awaiting(self, verdict: UnitVerdict) -> _Written:
        if verdict.id != next(iter(self._under_check), None):
            raise GuardrailsUnavailableError("a verdict came out of turn")
        return self._under_check.pop(verdict.id)

    def _cut(self, *, final: bool) -> None:
        while self._buffer.strip():
            end = self._end_of_unit(final=final)
            if end is None:
                return
            self._send(end)

    def _end_of_unit(self, *, final: bool) -> int | None:
        """Depends on the text alone, not on the pieces it came in. A unit without end is cut at its last space."""
        head = self._buffer[: self._max_chars + 1]
        end = find_end(head, final=final and head == self._buffer)
        if end is None and len(head) > self._max_chars:
            start = len(head) - len(head.lstrip())
            return max(head.rfind(" ", start, self._max_chars), 0) or self._max_chars
        return end

    def _cut_what_seems_whole(self) -> None:
        """A sentence may be complete although nothing follows: it is when it would end here before another one."""
        text = self._buffer.rstrip()
        if find_end(text + _ANOTHER_SENTENCE) == len(text):
            self._send(len(text))

    def _send(self, end: int) -> None:
        raw, self._buffer = self._buffer[:end], self._buffer[end:]
        # Marks of a sentence that was sent before they came.
        body = raw[stray.end() :] if self._written and (stray := _STRAY_MARKS.match(raw)) else raw
        text, citations = parse_citations(body)
        lead = body[: len(body) - len(body.lstrip())]
        if not text.strip():
            return
        self._written += 1
        self._under_check[self._written] = _Written(lead if self._written > 1 else self._opening, text.strip())
        self._settled.clear()
        self._units.put(Unit(self._written, text.strip(), citations, self._language))

    def _judge(self, written: _Written, verdict: UnitVerdict) -> list[Token | Withheld]:
        citations = tuple(str(citation) for citation in verdict.citations)
        if verdict.verdict == "withheld":
            self._withheld += 1
            self._withheld_in_a_row += 1
            self._lost.begin(written.text, verdict.reason)
            return self._instead(written, verdict, alone=False)
        if self._lost.takes_along(written.text):
            GUARDRAIL_REJECTIONS.labels(self._lost.reason).inc()
            return self._instead(written, verdict, alone=True)
        self._withheld_in_a_row = 0
        lang = self._quoted_language(verdict) if verdict.verdict == "quoted" else self._language
        return [Token(written.lead + written.text, lang, verdict.verdict, citations)]

    def _instead(self, written: _Written, verdict: UnitVerdict, *, alone: bool) -> list[Token | Withheld]:
        """The source sentence that the unit cited, verbatim; a visible mark where it cited none or it was shown.

        `alone`: the unit leaned on a withheld one, whose mark then tells of both.
        """
        reason = self._lost.reason
        quoted = {citation for token in self.shown if token.verdict == "quoted" for citation in token.citations}
        token = self._replacements.quote(written.text, verdict.citations, quoted, alone=alone)
        if token is None and alone and self.shown and self.shown[-1].verdict == "fixed":
            return [Withheld(reason)]
        token = token or self._replacements.mark(written.text, verdict.citations)
        return [Withheld(reason), replace(token, text=written.lead + token.text, replaces=reason)]

    def _quoted_language(self, verdict: UnitVerdict) -> str:
        return self._replacements.language_of(verdict.citations[0]) if verdict.citations else self._language

    def _stop_when_hopeless(self) -> None:
        judged = self._written - len(self._under_check)
        too_many = judged >= SHARE_COUNTS_FROM and self._withheld >= MAX_WITHHELD_SHARE * judged
        if too_many or self._withheld_in_a_row >= MAX_WITHHELD_IN_A_ROW:
            raise TooMuchWithheldError

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
