from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from marianne_orchestrator.llm.errors import Outcome
from marianne_orchestrator.llm.openai_compatible import OpenAICompatibleModel
from marianne_orchestrator.llm.policy import CallPolicy, Endpoint
from marianne_orchestrator.llm.stream import Usage
from marianne_orchestrator.llm.telemetry import Operation
from support.llm import FakeLLM, refusing_base_url


@dataclass
class RecordingObserver:
    """Keeps what it hears, as (what, model, operation, ...)."""

    heard: list[tuple[Any, ...]] = field(default_factory=list)

    def request_started(self, model: str, operation: Operation) -> None:
        self.heard.append(("started", model, operation))

    def first_token(self, model: str, operation: Operation, seconds: float) -> None:
        assert seconds >= 0
        self.heard.append(("first_token", model, operation))

    def request_finished(
        self, model: str, operation: Operation, *, seconds: float, outcome: Outcome, usage: Usage | None
    ) -> None:
        assert seconds >= 0
        self.heard.append(("finished", model, operation, outcome, usage))


@pytest.fixture
async def fake() -> AsyncIterator[FakeLLM]:
    async with FakeLLM("Bonjour. Voici la réponse.") as running:
        yield running


@pytest.fixture
async def second() -> AsyncIterator[FakeLLM]:
    async with FakeLLM("Réponse du second.") as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture
def observer() -> RecordingObserver:
    return RecordingObserver()


@pytest.fixture
def heard(observer: RecordingObserver) -> list[tuple[Any, ...]]:
    return observer.heard


@pytest.fixture
def make_model(http: httpx.AsyncClient, observer: RecordingObserver) -> Callable[..., OpenAICompatibleModel]:
    """A model over these addresses in order, without any wait between attempts or reads unless asked for."""

    def make(*base_urls: str, **limits: Any) -> OpenAICompatibleModel:
        policy = CallPolicy(**{"attempts": 1, "backoff_s": 0, "read_interval_s": 0, **limits})
        endpoints = tuple(Endpoint(url, "sk-secret") for url in base_urls)
        return OpenAICompatibleModel(
            http=http, endpoints=endpoints, model="small", operation="answer", observer=observer, policy=policy
        )

    return make


@pytest.fixture
def model(make_model: Callable[..., OpenAICompatibleModel], fake: FakeLLM) -> OpenAICompatibleModel:
    return make_model(fake.base_url)


@pytest.fixture(scope="session")
def exported() -> InMemorySpanExporter:
    """Hears the process's tracer provider, which can be set only once and is perhaps another test's."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture
def spans(exported: InMemorySpanExporter) -> InMemorySpanExporter:
    exported.clear()
    return exported


@pytest.fixture
def refusing() -> Iterator[str]:
    with refusing_base_url() as base_url:
        yield base_url
