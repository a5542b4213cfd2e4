"""Hands text on as it is read: notes the first piece, keeps what was given, and slows the reading down."""

import asyncio
from typing import Protocol

from marianne_orchestrator.llm.policy import CallPolicy
from marianne_orchestrator.llm.telemetry import CallRecord

# Whether a sentence has really ended does not matter here: at worst the first one is read in two steps.
_SENTENCE_MARKS = ".!?…\n"


class TextSink(Protocol):
    async def put(self, text: str) -> None:
        """May wait until there is room."""


class Delivery:
    """The text of one call on its way from the network to a sink."""

    def __init__(self, sink: TextSink, record: CallRecord, policy: CallPolicy) -> None:
        self._sink = sink
        self._record = record
        self._token_timeout_s = policy.token_timeout_s
        self._pace = Pace(policy.read_interval_s)
        self.given = ""

    async def hand_on(self, text: str, clock: asyncio.Timeout) -> None:
        """Delivers, then sets the clock for the next piece; it stands still while the sink or the pace waits."""
        if not text:
            return
        clock.reschedule(None)
        if not self.given:
            self._record.first_token()
        self.given += text
        await self._pace.pause(text)
        await self._sink.put(text)
        clock.reschedule(asyncio.get_running_loop().time() + self._token_timeout_s)


class Pace:
    """Pauses once for each read of the network, as soon as a sentence is under way, so that more comes with the next.

    The cost of a stream is per wake-up, not per byte, and only whole sentences are of use. One read may hold many
    pieces; they come without the event loop turning in between, which is how a read is told from the next piece. The
    pause stands before its text is handed on, for then the whole read is handed on in one.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._under_way = False
        self._new_read = True

    async def pause(self, text: str) -> None:
        under_way, self._under_way = self._under_way, self._under_way or any(mark in text for mark in _SENTENCE_MARKS)
        if not (self._interval_s and under_way and self._new_read):
            return
        await asyncio.sleep(self._interval_s)
        self._new_read = False
        asyncio.get_running_loop().call_soon(self._turned)

    def _turned(self) -> None:
        self._new_read = True
