"""What the graph tells the turn that runs it, through LangChain's custom events, in the order in which it happens."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from marianne_orchestrator.events import Event, FinishReason, Source

TURN_EVENT = "turn_event"


@dataclass(frozen=True, slots=True)
class Understood:
    """What the turn was taken to be. `question` is the redacted text, "" when it was not checked."""

    question: str
    intent: str
    topic: str
    query: str


@dataclass(frozen=True, slots=True)
class OpenGate:
    """Tagged text comes next, about these sources, which `query` found in answer to `question`.

    `guarded` is False when only verbatim quotes may pass.
    """

    sources: Sequence[Source]
    question: str
    query: str
    guarded: bool


@dataclass(frozen=True, slots=True)
class Settle:
    """The model broke off: `shown` is told whether anything of its text has been released."""

    shown: asyncio.Future[bool]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the turn ends, when it does not end by stopping normally."""

    reason: FinishReason


Signal = Event | Understood | OpenGate | Settle | Outcome
