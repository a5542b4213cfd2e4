"""What is kept of a turn while it runs: enough to end it, to remember it, and to audit it."""

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from marianne_orchestrator.events import (
    Degraded,
    Done,
    Event,
    FinishReason,
    Meta,
    Sources,
    Token,
    Usage,
    Withheld,
)
from marianne_orchestrator.signals import Understood
from marianne_orchestrator.threads import MAX_ANSWER_CHARS, Exchange


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, as it came in. Dates are ISO 8601; "" means unknown or left to us."""

    text: str
    thread_id: str
    message_id: str
    new_thread: bool = False
    language: str = ""
    nationality: str = ""
    as_of: str = ""
    model: str = ""
    resumable: bool = False


@dataclass(slots=True)
class TurnRecord:
    question: Question
    asked_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    meta: Meta | None = None
    understood: Understood | None = None
    source_ids: tuple[str, ...] = ()
    grounding: Counter[str] = field(default_factory=Counter)
    degraded: list[str] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    finish_reason: FinishReason = "stop"
    timings: dict[str, float] = field(default_factory=dict)
    _answer: list[str] = field(default_factory=list)
    _started: float = field(default_factory=time.monotonic)

    def note(self, event: Event) -> None:
        match event:
            case Meta():
                self.meta = event
            case Sources(sources):
                self.source_ids = tuple(source.id for source in sources)
                self._mark("sources_ms")
            case Token(text=text, verdict=verdict):
                self._answer.append(text)
                self.grounding[verdict] += 1
                self._mark("first_token_ms")
            case Withheld():
                self.grounding["withheld"] += 1
            case Degraded(dependency=dependency, expected=False):
                self.degraded.append(dependency)
            case _:
                pass

    def add_usage(self, usage: Usage) -> None:
        self.usage = Usage(
            self.usage.prompt_tokens + usage.prompt_tokens, self.usage.completion_tokens + usage.completion_tokens
        )

    def done(self) -> Done:
        self._mark("total_ms")
        return Done(self.finish_reason, self.usage, dict(self.grounding), dict(self.timings))

    @property
    def answer(self) -> str:
        return "".join(self._answer)

    def exchange(self) -> Exchange | None:
        """None when there is nothing to remember, or when the question was never redacted."""
        if self.understood is None or not self.understood.question or not self._answer:
            return None
        return Exchange(
            message_id=self.question.message_id,
            question=self.understood.question,
            query=self.understood.query,
            answer=self.answer[:MAX_ANSWER_CHARS],
            asked_at=self.asked_at.isoformat(timespec="microseconds"),
        )

    def _mark(self, name: str) -> None:
        self.timings.setdefault(name, round((time.monotonic() - self._started) * 1000, 1))
