"""One answer under check: rules first, then the judge on what the rules let through; counted and traced."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from opentelemetry import context as otel_context
from opentelemetry import trace

from marianne_guardrails.evidence import Passage
from marianne_guardrails.grounding import Grounding, Unit, UnitVerdict
from marianne_guardrails.judge.batches import ClaimBatches, Finding, JudgeLimits
from marianne_guardrails.judge.port import Claim, Entailment, Judge
from marianne_guardrails.metrics import GUARDRAIL_CHECK_SECONDS, GUARDRAIL_REJECTIONS
from marianne_guardrails.verdicts import Reason, Verdict

tracer = trace.get_tracer(__name__)


@dataclass(frozen=True, slots=True)
class Judging:
    """How answers are judged. `required`: what could not be judged is withheld, also when it tells no fact."""

    judge: Judge
    limits: JudgeLimits
    required: bool = False


class AnswerCheck:
    """Checks the units of one answer and keeps its span `guardrail_check_hallucination`. No text gets into it."""

    def __init__(self, span: trace.Span, judging: Judging | None = None) -> None:
        self._span = span
        self._judging = judging
        self._seconds = GUARDRAIL_CHECK_SECONDS.labels("answer")
        self._counts: Counter[Verdict] = Counter()

    async def verdicts(
        self, grounding: Grounding, passages: Sequence[Passage], units: AsyncIterator[Unit]
    ) -> AsyncGenerator[UnitVerdict]:
        """A verdict for each unit, in order. Units are taken as they come, whatever the judge does meanwhile.

        Raises what `units` raises, after the verdicts on the units before.
        """
        checked = _Checked()
        batches = ClaimBatches(self._judging.judge, self._judging.limits, passages) if self._judging else None
        tasks = [asyncio.create_task(self._check_all(grounding, units, checked, batches))]
        if batches:
            with trace.use_span(self._span, record_exception=False, set_status_on_exception=False):
                tasks.append(asyncio.create_task(batches.run()))
        try:
            while (next_ := await checked.get()) is not None:
                verdict, finding = next_
                if finding is not None:
                    verdict = self._judged(verdict, await finding)
                yield self._counted(verdict)
            for task in tasks:
                await task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _check_all(
        self, grounding: Grounding, units: AsyncIterator[Unit], checked: "_Checked", batches: ClaimBatches | None
    ) -> None:
        before = ""
        try:
            async for unit in units:
                with self._seconds.time():
                    verdict = grounding.check(unit)
                checked.put_nowait((verdict, _asked(batches, unit, verdict, before)))
                before = unit.text
        finally:
            if batches:
                batches.end()
            checked.put_nowait(None)

    def _judged(self, verdict: UnitVerdict, finding: Finding) -> UnitVerdict:
        match finding:
            case Entailment.SUPPORTED:
                return replace(verdict, verdict=Verdict.SUPPORTED)
            case Entailment.CONTRADICTED:
                return _withheld(verdict, Reason.CONTRADICTION)
            case Entailment.NOT_FOUND:
                return _withheld(verdict, Reason.NOT_ENTAILED)
        if verdict.verdict is Verdict.SUPPORTED:
            return verdict
        must_be_judged = bool(verdict.facts) or (self._judging is not None and self._judging.required)
        if not must_be_judged:
            return verdict
        return _withheld(verdict, Reason.TIMEOUT if finding == "timeout" else Reason.BACKEND_ERROR)

    def _counted(self, verdict: UnitVerdict) -> UnitVerdict:
        self._counts[verdict.verdict] += 1
        if verdict.reason:
            GUARDRAIL_REJECTIONS.labels(verdict.reason.value).inc()
            self._span.add_event(
                "unit_withheld",
                {"unit.id": verdict.id, "verdict": verdict.verdict.value, "reason": verdict.reason.value},
            )
        return verdict

    def summarise(self) -> None:
        """Writes the counts of all verdicts to the span."""
        for verdict in Verdict:
            self._span.set_attribute(f"guardrail.units.{verdict.value}", self._counts[verdict])


class _Checked(asyncio.Queue[tuple[UnitVerdict, "asyncio.Future[Finding] | None"] | None]):
    """What the rules say, with what the judge will have found; None at the end."""


@contextmanager
def open_answer_check(judging: Judging | None = None) -> Iterator[AnswerCheck]:
    """An answer check whose span ends with the block. The span is never the current one, because the block waits for a
    stream.
    """
    span = tracer.start_span("guardrail_check_hallucination", context=otel_context.get_current())
    check = AnswerCheck(span, judging)
    try:
        yield check
    finally:
        check.summarise()
        span.end()


def _asked(
    batches: ClaimBatches | None, unit: Unit, verdict: UnitVerdict, before: str
) -> "asyncio.Future[Finding] | None":
    """Rules are final when they withhold. Whether a claim is entailed they tell by its words, a judge knows better."""
    if batches is None:
        return None
    if verdict.verdict in {Verdict.CITED, Verdict.SUPPORTED}:
        return batches.ask(Claim(unit.id, unit.text, verdict.citations, before, unit.language))
    batches.pass_by()
    return None


def _withheld(verdict: UnitVerdict, reason: Reason) -> UnitVerdict:
    return replace(verdict, verdict=Verdict.WITHHELD, reason=reason)
