"""One answer under check: its verdicts, counted and traced."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context as otel_context
from opentelemetry import trace

from marianne_guardrails.grounding import Grounding, Unit, UnitVerdict
from marianne_guardrails.metrics import GUARDRAIL_CHECK_SECONDS, GUARDRAIL_REJECTIONS
from marianne_guardrails.verdicts import Verdict

tracer = trace.get_tracer(__name__)


class AnswerCheck:
    """Checks units and keeps the span `guardrail_check_hallucination` of the whole answer. No text gets into it."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self._seconds = GUARDRAIL_CHECK_SECONDS.labels("answer")
        self._counts: Counter[Verdict] = Counter()

    def check(self, grounding: Grounding, unit: Unit) -> UnitVerdict:
        with self._seconds.time():
            verdict = grounding.check(unit)
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


@contextmanager
def open_answer_check() -> Iterator[AnswerCheck]:
    """An answer check whose span ends with the block. The span is never the current one, because the block waits for a
    stream.
    """
    span = tracer.start_span("guardrail_check_hallucination", context=otel_context.get_current())
    check = AnswerCheck(span)
    try:
        yield check
    finally:
        check.summarise()
        span.end()
