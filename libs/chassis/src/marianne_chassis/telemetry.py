"""OpenTelemetry for a process: the SDK as the standard OTEL_* variables say, httpx and redis instrumented."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

import structlog
from opentelemetry import propagate, trace
from opentelemetry.distro import OpenTelemetryConfigurator, OpenTelemetryDistro
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from marianne_chassis.metrics import SPANS_LOST

log = structlog.get_logger()

# Libraries whose calls the contributed instrumentations trace well.
_CONTRIBUTED = ("httpx", "redis")

# Contributed instrumentations of what we trace ourselves; the `opentelemetry-instrument` launcher may have them active.
_REPLACED = ("grpc_aio_client", "grpc_aio_server")

_FLUSH_S = 5.0


def setup_telemetry(service: str) -> Callable[[], None]:
    """Sets the process-wide tracer provider and returns what flushes and stops it, in at most 5 s.

    Everything that the OTEL_* variables of the OpenTelemetry specification say holds. Where they are silent, the
    service is `marianne-<service>`, traces go to OTLP if an endpoint is set and else nowhere (trace ids exist
    nevertheless), and metrics and logs are not exported: Prometheus and stdout have them.

    Under the `opentelemetry-instrument` launcher its provider stays, and contributed gRPC instrumentations are taken
    out again. If FastAPI's is installed there too, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=fastapi,starlette,asgi avoids
    a span for every event of a stream.
    """
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        _set_defaults(service)
        OpenTelemetryDistro().configure()
        OpenTelemetryConfigurator().configure(export_span_processor=_exporting)  # type: ignore[no-untyped-call]  # the SDK leaves it unannotated
        # It warns at every retry; the watched exporter tells once.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
    # Baggage comes from whoever calls, and nothing here may depend on it.
    propagate.set_global_textmap(TraceContextTextMapPropagator())
    for name in _REPLACED:
        _uninstrument(name)
    for library in _CONTRIBUTED:
        _instrument(library)
    return _shut_down


class WatchedExporter(SpanExporter):
    """Counts the spans that could not be exported, and logs once that this began and once that it ended."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        failing = result is not SpanExportResult.SUCCESS
        if failing:
            SPANS_LOST.inc(len(spans))
        if failing and not self._failing:
            log.warning("telemetry_export_failed", hint="is the collector at OTEL_EXPORTER_OTLP_ENDPOINT up?")
        if self._failing and not failing:
            log.info("telemetry_export_recovered")
        self._failing = failing
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _exporting(span_exporter: SpanExporter) -> SpanProcessor:
    return BatchSpanProcessor(WatchedExporter(span_exporter))


def _set_defaults(service: str) -> None:
    environ = os.environ  # noqa: TID251  the SDK takes its configuration from there and nowhere else
    endpoint = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if not endpoint or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        environ.setdefault("OTEL_TRACES_EXPORTER", "none")
    if "service.name=" not in environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        environ.setdefault("OTEL_SERVICE_NAME", f"marianne-{service}")
    environ.setdefault("OTEL_METRICS_EXPORTER", "none")
    environ.setdefault("OTEL_LOGS_EXPORTER", "none")


def _instrument(library: str) -> None:
    if find_spec(library) is not None:
        for instrumentor in _instrumentors(library):
            if not instrumentor.is_instrumented_by_opentelemetry:
                instrumentor.instrument()


def _uninstrument(name: str) -> None:
    for instrumentor in _instrumentors(name):
        if instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.uninstrument()


def _instrumentors(name: str) -> list[Any]:
    return [entry.load()() for entry in entry_points(group="opentelemetry_instrumentor", name=name)]


def _shut_down() -> None:
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        # With the collector away the SDK would keep trying for half a minute, longer than a pod has left.
        flushing = threading.Thread(target=provider.shutdown, daemon=True)
        flushing.start()
        flushing.join(_FLUSH_S)
