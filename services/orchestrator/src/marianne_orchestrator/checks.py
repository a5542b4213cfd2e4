"""The ports through which a turn has its input and its answer checked."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from marianne_language.citations import SentenceId
from marianne_orchestrator.events import Source
from marianne_orchestrator.metrics import GUARDRAIL_REJECTIONS

_NOT_JUDGED = "backend_error"

Verdict = Literal["quoted", "supported", "cited", "no_claim", "withheld"]


@dataclass(frozen=True, slots=True)
class InputVerdict:
    """`text` is the message with personal data replaced by marks; `reason` is empty when the message is allowed."""

    allowed: bool
    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """One sentence, item or heading of an answer, its citation marks taken out."""

    id: int
    text: str
    citations: tuple[SentenceId, ...]
    language: str


@dataclass(frozen=True, slots=True)
class UnitVerdict:
    id: int
    verdict: Verdict
    reason: str
    citations: tuple[SentenceId, ...]


class GuardrailsUnavailableError(Exception):
    """The checks cannot be made; the caller must fail closed."""


class InputCheck(Protocol):
    async def check_input(self, text: str, language: str) -> InputVerdict:
        """Raises GuardrailsUnavailableError."""
        ...


class AnswerCheck(Protocol):
    def check_answer(
        self, sources: Sequence[Source], question: str, units: AsyncIterator[Unit]
    ) -> AsyncGenerator[UnitVerdict]:
        """One verdict for each unit, in order, as the units come. Raises GuardrailsUnavailableError."""
        ...


class Guardrails(InputCheck, AnswerCheck, Protocol):
    """Both checks, as one service offers them."""


class IdentityCheck:
    """Lets through only what stands letter for letter in the source sentence that it cites.

    This needs no judgement, so that verbatim quotes can still be given while the guardrails are away.
    """

    async def check_answer(
        self, sources: Sequence[Source], question: str, units: AsyncIterator[Unit]
    ) -> AsyncGenerator[UnitVerdict]:
        del question
        sentences = {
            SentenceId(source.n, m): _collapsed(text)
            for source in sources
            for m, text in enumerate(source.sentences, start=1)
        }
        async for unit in units:
            quoted = len(unit.citations) == 1 and sentences.get(unit.citations[0]) == _collapsed(unit.text)
            if not quoted:
                GUARDRAIL_REJECTIONS.labels(_NOT_JUDGED).inc()
            yield UnitVerdict(
                unit.id, "quoted" if quoted else "withheld", "" if quoted else _NOT_JUDGED, unit.citations
            )


def _collapsed(text: str) -> str:
    return " ".join(text.split())
