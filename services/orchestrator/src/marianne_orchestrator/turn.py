"""One turn: reads the graph's events, drives the gate, and tells everything to one listener in the right order."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from marianne_orchestrator import metrics
from marianne_orchestrator.agents import FINAL_ANSWER, numbered
from marianne_orchestrator.audit import AuditLogger
from marianne_orchestrator.checks import AnswerCheck, GuardrailsUnavailableError, IdentityCheck
from marianne_orchestrator.events import Corpus, Degraded, Dependency, Error, Event, Memory, Meta, Status, Usage
from marianne_orchestrator.gate import SentenceGate, TooMuchWithheldError
from marianne_orchestrator.graph import Graph
from marianne_orchestrator.language_detection import LANGUAGES, Language, LanguageDetector
from marianne_orchestrator.llm.errors import LLMError
from marianne_orchestrator.llm.extractive import extract
from marianne_orchestrator.records import Question, TurnRecord
from marianne_orchestrator.signals import TURN_EVENT, OpenGate, Outcome, Settle, Signal, Understood
from marianne_orchestrator.sources import SourceFinder
from marianne_orchestrator.state import TurnState
from marianne_orchestrator.texts import Texts
from marianne_orchestrator.threads import Thread, ThreadStore, ThreadsUnavailableError

STALE_AFTER_DAYS = 45

tracer = trace.get_tracer(__name__)
logger = structlog.get_logger(__name__)

Tell = Callable[[Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TurnRunner:
    """Runs turns over the ports they need. `model_name` names the default model; `limit_s` bounds a whole turn."""

    graph: Graph
    check: AnswerCheck
    finder: SourceFinder
    threads: ThreadStore
    detector: LanguageDetector
    texts: Texts
    audit: AuditLogger
    model_name: str
    limit_s: float

    async def run(self, question: Question, emit: Tell) -> None:
        """Emits the events of the turn; Done is always the last, also when the turn is cancelled."""
        record = TurnRecord(question)

        async def tell(event: Event) -> None:
            record.note(event)
            if isinstance(event, Degraded) and not event.expected:
                metrics.DEGRADED.labels(event.dependency).inc()
            await emit(event)

        # Exceptions may quote what a user wrote, so none is recorded on the span.
        with tracer.start_as_current_span(
            "orchestrator_handle_query", record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                await self._run_to_end(question, record, tell)
            finally:
                if record.finish_reason in {"error", "cancelled"}:
                    span.set_status(StatusCode.ERROR, record.finish_reason)
                await self._close(record, emit)

    async def _close(self, record: TurnRecord, emit: Tell) -> None:
        """Done comes after everything else, so that the next question finds this one remembered."""
        try:
            await self._remember(record)
        finally:
            done = record.done()
            self.audit.write(record)
            await emit(done)

    async def _run_to_end(self, question: Question, record: TurnRecord, tell: Tell) -> None:
        language = self._language(question)
        try:
            async with asyncio.timeout(self.limit_s):
                await self._run(question, language, record, tell)
        except asyncio.CancelledError:
            record.finish_reason = "cancelled"
            raise
        except Exception as error:
            code = (
                "timeout" if isinstance(error, TimeoutError) else "llm" if isinstance(error, LLMError) else "internal"
            )
            logger.warning("turn_failed", code=code, error=type(error).__name__, exc_info=code == "internal")
            record.finish_reason = "error"
            await tell(Error(code, self.texts.get(f"error.{code}", language), retryable=True))

    async def _run(self, question: Question, language: Language, record: TurnRecord, tell: Tell) -> None:
        (thread, memory), corpus = await asyncio.gather(self._recall(question), self.finder.corpus())
        await tell(self._meta(question, language, memory, corpus, resumable=thread is not None))
        if thread is None:
            await tell(self._degraded("redis", language))
        if corpus and (age := _age_days(corpus)) > STALE_AFTER_DAYS:
            logger.info("corpus_is_old", days=age)
            await tell(self._degraded("data", language, date=corpus.snapshot_at))
        state: TurnState = {
            "question": question.text,
            "language": language,
            "as_of": question.as_of,
            "model": question.model,
            "history": thread.exchanges if thread else (),
        }
        await self._answer(state, record, tell)

    async def _answer(self, state: TurnState, record: TurnRecord, tell: Tell) -> None:
        """Falls back to verbatim quotes when the checks fail midway, or when too little of the text passes them."""
        language = state["language"]
        answering = _Answering(self.graph, self.check, self.texts, language, record, tell)
        try:
            await answering.run(state)
        except GuardrailsUnavailableError:
            await tell(self._degraded("guardrails", language))
            await answering.quote()
        except TooMuchWithheldError:
            await answering.quote()
            record.finish_reason = "withheld"

    async def _recall(self, question: Question) -> tuple[Thread | None, Memory]:
        """The conversation so far; None while the store is away, which the reader of a new thread learns too."""
        empty: Memory = "new" if question.new_thread else "expired"
        try:
            thread = await self.threads.load(question.thread_id)
        except ThreadsUnavailableError:
            return None, empty
        return thread, "kept" if thread.exchanges else empty

    async def _remember(self, record: TurnRecord) -> None:
        if (exchange := record.exchange()) is None:
            return
        try:
            await self.threads.append(record.question.thread_id, exchange)
        except ThreadsUnavailableError:
            logger.warning("turn_not_remembered")

    def _language(self, question: Question) -> Language:
        for language in LANGUAGES:
            if question.language == language:
                return language
        return self.detector.detect(question.text)

    def _meta(
        self, question: Question, language: Language, memory: Memory, corpus: Corpus | None, *, resumable: bool
    ) -> Meta:
        context = trace.get_current_span().get_span_context()
        return Meta(
            thread_id=question.thread_id,
            message_id=question.message_id,
            trace_id=trace.format_trace_id(context.trace_id),
            trace_sampled=context.trace_flags.sampled,
            model=question.model or self.model_name,
            language=language,
            memory=memory,
            resumable=question.resumable and resumable,
            corpus=corpus,
        )

    def _degraded(self, dependency: Dependency, language: Language, **values: str) -> Degraded:
        return Degraded(dependency, self.texts.get(f"consequence.{dependency}", language, **values))


class _Answering:
    """Reads the graph and shows what passes the gate, side by side; if one fails, the other stops."""

    def __init__(
        self, graph: Graph, check: AnswerCheck, texts: Texts, language: str, record: TurnRecord, tell: Tell
    ) -> None:
        self._graph = graph
        self._check = check
        self._texts = texts
        self._language = language
        self._record = record
        self._tell = tell
        self._opened: OpenGate | None = None
        self._gate: SentenceGate | None = None
        self._interrupted: LLMError | None = None

    async def run(self, state: TurnState) -> None:
        """Raises GuardrailsUnavailableError, TooMuchWithheldError, and LLMError once all that may be shown was."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(state, tasks))
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        if self._interrupted is not None:
            raise self._interrupted

    async def quote(self) -> None:
        """Shows the best source sentences word for word; they need no check because they are looked up by id."""
        if self._opened is None:
            return
        shown = self._gate.shown if self._gate else []
        cited = {citation for token in shown for citation in token.citations}
        quotes = extract(self._opened.query, numbered(self._opened.sources))
        gate = self._new_gate(self._opened, IdentityCheck(), opening="\n\n" if shown else "")
        for quote in quotes:
            if str(quote.id) not in cited:
                gate.feed(f"{quote.lead}{quote.text}")
        gate.end()
        await self._show(gate)

    async def _read(self, state: TurnState, tasks: asyncio.TaskGroup) -> None:
        events = self._graph.astream_events(state, version="v2", include_types=["chat_model", TURN_EVENT])
        try:
            async with aclosing(events):  # type: ignore[type-var]  # declared an iterator, made as a generator
                async for event in events:
                    await self._hear(event, tasks)
        except LLMError as error:
            self._interrupted = error
        if self._gate is not None:
            await self._tell(Status("checking"))
            self._gate.end()

    async def _hear(self, event: Any, tasks: asyncio.TaskGroup) -> None:
        if event["event"] == "on_custom_event":
            await self._heed(event["data"]["signal"], tasks)
        elif event["event"] == "on_chat_model_stream" and FINAL_ANSWER in event["tags"] and self._gate is not None:
            if text := event["data"]["chunk"].content:
                self._gate.feed(text)
        elif event["event"] == "on_chat_model_end":
            self._count(event["data"]["output"], answer=FINAL_ANSWER in event["tags"])

    async def _heed(self, signal: Signal, tasks: asyncio.TaskGroup) -> None:
        match signal:
            case OpenGate():
                self._opened = signal
                self._gate = self._new_gate(signal, self._check if signal.guarded else IdentityCheck())
                tasks.create_task(self._show(self._gate))
            case Settle(shown):
                shown.set_result(self._gate is not None and await self._gate.settle())
            case Understood():
                self._record.understood = signal
                metrics.TOPIC_DETECTION.labels(signal.topic).inc()
            case Outcome(reason):
                self._record.finish_reason = reason
            case _:
                await self._tell(signal)

    async def _show(self, gate: SentenceGate) -> None:
        async with aclosing(gate.released()) as released:
            async for event in released:
                await self._tell(event)

    def _new_gate(self, opened: OpenGate, check: AnswerCheck, opening: str = "") -> SentenceGate:
        return SentenceGate(
            opened.sources,
            opened.question,
            check,
            language=self._language,
            withheld_mark=self._texts.get("withheld_mark", self._language),
            opening=opening,
        )

    def _count(self, output: Any, *, answer: bool) -> None:
        usage = output.usage_metadata
        if usage:
            self._record.add_usage(Usage(usage["input_tokens"], usage["output_tokens"]))
        if answer and output.response_metadata.get("finish_reason") == "length":
            self._record.finish_reason = "length"


def _age_days(corpus: Corpus) -> int:
    """Days since the data's revision; 0 when it has no readable date."""
    try:
        return (datetime.now(UTC).date() - date.fromisoformat(corpus.snapshot_at[:10])).days
    except ValueError:
        return 0
