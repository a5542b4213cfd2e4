"""Turns over fake ports: the real graph, gate and extractive model, with whatever else a test puts in."""

import functools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from marianne_orchestrator.audit import AuditLogger
from marianne_orchestrator.checks import AnswerCheck
from marianne_orchestrator.events import Event, Source, Status, Token
from marianne_orchestrator.graph import build_graph
from marianne_orchestrator.language_detection import LanguageDetector
from marianne_orchestrator.llm.openai_compatible import OpenAICompatibleModel
from marianne_orchestrator.llm.policy import CallPolicy, Endpoint
from marianne_orchestrator.llm.telemetry import Operation
from marianne_orchestrator.metrics import AUDIT_FAILURES
from marianne_orchestrator.models import PrometheusObserver
from marianne_orchestrator.nodes import Nodes
from marianne_orchestrator.records import Question
from marianne_orchestrator.texts import Texts
from marianne_orchestrator.threads import ThreadStore
from marianne_orchestrator.turn import TurnRunner
from marianne_orchestrator.understanding import Registry
from support.llm import FakeLLM
from support.otlp import process_sink
from support.ports import FakeAnswerCheck, FakeFinder, FakeInputCheck, FakeModels, FakeThreads, source

E = TypeVar("E", bound=Event)

QUESTION = Question("Comment renouveler mon titre de séjour ?", "thread-1", "message-1", new_thread=True)
SOURCES: tuple[Source, ...] = (
    source(
        1,
        "Le titre de séjour se renouvelle en ligne.",
        "La demande de renouvellement du titre se dépose deux mois avant la fin du titre.",
        "Le renouvellement du titre de séjour coûte 225 euros.",
    ),
    source(2, "Le récépissé autorise à travailler."),
)

detector = functools.cache(LanguageDetector)
texts = functools.cache(Texts.load)
registry = functools.cache(Registry.load)


@dataclass
class Rig:
    """The ports of one turn, to be changed by a test before it runs the turn."""

    audit_dir: Path
    input_check: FakeInputCheck = field(default_factory=FakeInputCheck)
    check: AnswerCheck = field(default_factory=FakeAnswerCheck)
    finder: FakeFinder = field(default_factory=lambda: FakeFinder(*SOURCES))
    models: FakeModels = field(default_factory=FakeModels)
    threads: ThreadStore = field(default_factory=FakeThreads)
    nodes: type[Nodes] = Nodes
    limit_s: float = 30.0

    def runner(self) -> TurnRunner:
        nodes = self.nodes(self.input_check, self.finder, self.models, registry(), texts())
        return TurnRunner(
            graph=build_graph(nodes),
            check=self.check,
            finder=self.finder,
            threads=self.threads,
            detector=detector(),
            texts=texts(),
            audit=AuditLogger(self.audit_dir, b"key of a test", AUDIT_FAILURES),
            model_name="fake-1",
            limit_s=self.limit_s,
        )

    async def run(self, question: Question = QUESTION) -> list[Event]:
        events: list[Event] = []

        async def emit(event: Event) -> None:
            events.append(event)

        await self.runner().run(question, emit)
        return events

    def audited(self) -> list[dict[str, Any]]:
        lines = [
            line for path in self.audit_dir.glob("*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()
        ]
        return [json.loads(line) for line in lines]


@asynccontextmanager
async def llm(rig: Rig, text: str, **limits: Any) -> AsyncIterator[FakeLLM]:
    """Configures a language model that answers with the text; `limits` change its call policy."""
    async with FakeLLM(text) as fake, httpx.AsyncClient(trust_env=False) as http:
        rig.models.answer = _model(fake, http, "answer", limits)
        rig.models.understand = _model(fake, http, "understand", limits)
        yield fake


def _model(fake: FakeLLM, http: httpx.AsyncClient, operation: Operation, limits: Any) -> OpenAICompatibleModel:
    return OpenAICompatibleModel(
        http=http,
        endpoints=(Endpoint(fake.base_url),),
        model=fake.model,
        operation=operation,
        observer=PrometheusObserver(),
        policy=CallPolicy(**{"attempts": 1, "read_interval_s": 0, **limits}),
    )


def of(events: list[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def one(events: list[Event], kind: type[E]) -> E:
    [event] = of(events, kind)
    return event


def answer(events: list[Event]) -> str:
    return "".join(token.text for token in of(events, Token))


def stages(events: list[Event]) -> list[str]:
    return [status.stage for status in of(events, Status)]


@contextmanager
def recorded_spans() -> Iterator[InMemorySpanExporter]:
    """Spans of this process from here on, those of other tests' left-overs too: tell yours by their trace."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        process_sink()
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    try:
        yield exporter
    finally:
        # A provider gives no processor back; this one keeps nothing from now on, and a shut-down one would complain.
        exporter.shutdown()


def of_trace(exporter: InMemorySpanExporter, trace_id: str) -> list[ReadableSpan]:
    """In the order in which they began."""
    spans = [
        span for span in exporter.get_finished_spans() if span.context and span.context.trace_id == int(trace_id, 16)
    ]
    return sorted(spans, key=lambda span: span.start_time or 0)
