"""The models that turns may use, as the settings name them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from langchain_core.language_models import BaseChatModel

from marianne_orchestrator import metrics
from marianne_orchestrator.config import OrchestratorSettings
from marianne_orchestrator.llm.errors import Outcome
from marianne_orchestrator.llm.extractive import ExtractiveModel
from marianne_orchestrator.llm.openai_compatible import OpenAICompatibleModel
from marianne_orchestrator.llm.policy import CallPolicy, Endpoint
from marianne_orchestrator.llm.stream import Usage
from marianne_orchestrator.llm.telemetry import Operation

EXTRACTIVE = "extractive"
UNDERSTAND_TIMEOUT_S = 5.0
MAX_CONNECTIONS = 512


class PrometheusObserver:
    """Hears of every model call and keeps the numbers."""

    def request_started(self, model: str, operation: Operation) -> None:
        """Nothing is counted before a call has ended."""

    def first_token(self, model: str, operation: Operation, seconds: float) -> None:
        if operation == "answer":
            metrics.LLM_TIME_TO_FIRST_TOKEN.labels(model).observe(seconds)

    def request_finished(
        self, model: str, operation: Operation, *, seconds: float, outcome: Outcome, usage: Usage | None
    ) -> None:
        metrics.LLM_REQUEST_DURATION.labels(model, operation).observe(seconds)
        if usage:
            metrics.TOKEN_USAGE.labels(model, operation, "input").inc(usage.input_tokens)
            metrics.TOKEN_USAGE.labels(model, operation, "output").inc(usage.output_tokens)


class ConfiguredModels:
    """One model a name for answering and understanding when a server is configured; always the quoting one."""

    def __init__(self, settings: OrchestratorSettings, http: httpx.AsyncClient) -> None:
        self.quoting: BaseChatModel = ExtractiveModel()
        self._endpoints = _endpoints(settings)
        self.names = settings.allowed_models if self._endpoints else (EXTRACTIVE,)
        self._settings = settings
        self._http = http
        self._answering = {name: self._model(name, "answer") for name in self.names} if self._endpoints else {}
        self._understanding = {name: self._model(name, "understand") for name in self._answering}

    @property
    def default_name(self) -> str:
        return self.names[0]

    def configured(self) -> bool:
        return bool(self._endpoints)

    def answering(self, name: str) -> BaseChatModel:
        return self._answering[name or self.default_name]

    def understanding(self, name: str) -> BaseChatModel:
        return self._understanding[name or self.default_name]

    def _model(self, name: str, operation: Operation) -> BaseChatModel:
        return OpenAICompatibleModel(
            http=self._http,
            endpoints=self._endpoints,
            model=name,
            operation=operation,
            observer=PrometheusObserver(),
            policy=self._policy(operation),
            parameters={"temperature": 0},
        )

    def _policy(self, operation: Operation) -> CallPolicy:
        settings = self._settings
        if operation == "understand":
            return CallPolicy(total_timeout_s=UNDERSTAND_TIMEOUT_S, attempts=1)
        return CallPolicy(
            connect_timeout_s=settings.llm_connect_timeout_s,
            first_token_timeout_s=settings.llm_first_token_timeout_s,
            token_timeout_s=settings.llm_token_timeout_s,
            total_timeout_s=settings.turn_limit_s,
        )


def _endpoints(settings: OrchestratorSettings) -> tuple[Endpoint, ...]:
    """Each server gets its own key and no other's."""
    servers = (
        (settings.llm_base_url, settings.llm_api_key),
        (settings.llm_fallback_base_url, settings.llm_fallback_api_key),
    )
    return tuple(Endpoint(url, key.get_secret_value() if key else "") for url, key in servers if url)


@asynccontextmanager
async def open_models(settings: OrchestratorSettings) -> AsyncIterator[ConfiguredModels]:
    limits = httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=64)
    # Every call sets its own limits, phase by phase.
    async with httpx.AsyncClient(limits=limits, timeout=None) as http:  # noqa: S113
        yield ConfiguredModels(settings, http)
