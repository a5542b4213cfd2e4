"""A collector for tests: a real OTLP/gRPC server on a free port that keeps every span it is sent."""

import asyncio
import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

Value = str | bool | int | float | tuple["Value", ...]


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    attributes: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Span:
    """A span as it arrived; ids in lower-case hex, `kind` and `status` without their prefixes."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    service: str
    kind: str
    status: str
    status_message: str
    attributes: dict[str, Value]
    resource: dict[str, Value]
    events: tuple[Event, ...]
    links: tuple[str, ...]
    start_ns: int
    end_ns: int


class OtlpSink(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps spans; safe to read from any thread or event loop."""

    def __init__(self, port: int = 0) -> None:
        self._spans: list[Span] = []
        self._arrived = threading.Condition()
        self._server = grpc.server(ThreadPoolExecutor(max_workers=4), options=[("grpc.so_reuseport", 0)])
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)  # type: ignore[no-untyped-call]  # generated
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port(f'127.0.0.1:{port}')}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None).wait()

    def Export(
        self, request: trace_service_pb2.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        with self._arrived:
            self._spans += _spans(request.resource_spans)
            self._arrived.notify_all()
        return trace_service_pb2.ExportTraceServiceResponse()

    def spans(self, trace_id: str | None = None) -> list[Span]:
        """All spans, or those of one trace, in the order they arrived."""
        with self._arrived:
            return self._chosen(trace_id)

    def clear(self) -> None:
        with self._arrived:
            self._spans.clear()

    def wait(
        self, predicate: Callable[[list[Span]], bool], timeout: float = 15.0, *, trace_id: str | None = None
    ) -> list[Span]:
        """Blocks until `predicate` holds for the spans, or those of one trace, and returns them.

        Fails after `timeout` seconds.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: predicate(self._chosen(trace_id)), timeout):
                there = [f"{span.service}: {span.kind} {span.name}" for span in self._chosen(trace_id)]
                raise AssertionError(f"no such spans after {timeout} s; there are {there}")
            return self._chosen(trace_id)

    async def wait_for(
        self,
        predicate: Callable[[list[Span]], bool],
        timeout: float = 15.0,  # noqa: ASYNC109  a thread waits
        *,
        trace_id: str | None = None,
    ) -> list[Span]:
        """`wait` without blocking the event loop."""
        return await asyncio.to_thread(self.wait, predicate, timeout, trace_id=trace_id)

    def _chosen(self, trace_id: str | None) -> list[Span]:
        return [span for span in self._spans if trace_id in (None, span.trace_id)]


@contextmanager
def otlp_sink(port: int = 0) -> Iterator[OtlpSink]:
    sink = OtlpSink(port)
    try:
        yield sink
    finally:
        sink.stop()


@functools.cache
def process_sink() -> OtlpSink:
    """The sink of this test process: with its first use the global tracer provider starts to export to it.

    OpenTelemetry accepts one global provider in a process, so tests share it, whoever made it, and tell spans apart by
    trace id.
    """
    sink = OtlpSink()
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    exporter = OTLPSpanExporter(endpoint=sink.endpoint, insecure=True)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=20))
    return sink


@contextmanager
def root_span(name: str = "test") -> Iterator[str]:
    """A new trace of this process, exported to `process_sink()`; yields its id."""
    process_sink()
    with trace.get_tracer(__name__).start_as_current_span(name, Context()) as span:
        yield trace.format_trace_id(span.get_span_context().trace_id)


def named(*names: str) -> Callable[[list[Span]], bool]:
    """A predicate: spans of all these names are there."""
    return lambda spans: set(names) <= {span.name for span in spans}


def roots(spans: Sequence[Span]) -> list[Span]:
    """Spans without a parent."""
    return [span for span in spans if span.parent_id is None]


def orphans(spans: Sequence[Span]) -> list[Span]:
    """Spans whose parent is not among `spans`."""
    known = {(span.trace_id, span.span_id) for span in spans}
    return [span for span in spans if span.parent_id is not None and (span.trace_id, span.parent_id) not in known]


def chain(spans: Sequence[Span], span: Span) -> list[str]:
    """The names from `span` up to the last of its known ancestors."""
    by_id = {(other.trace_id, other.span_id): other for other in spans}
    names = [span.name]
    while (parent := by_id.get((span.trace_id, span.parent_id or ""))) is not None:
        names.append(parent.name)
        span = parent
    return names


def _spans(resource_spans: Iterable[trace_pb2.ResourceSpans]) -> Iterator[Span]:
    for resource_span in resource_spans:
        resource = _attributes(resource_span.resource.attributes)
        for scope in resource_span.scope_spans:
            yield from (_span(span, resource) for span in scope.spans)


def _span(span: trace_pb2.Span, resource: dict[str, Value]) -> Span:
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() or None,
        name=span.name,
        service=str(resource.get("service.name", "")),
        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        status=trace_pb2.Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
        status_message=span.status.message,
        attributes=_attributes(span.attributes),
        resource=resource,
        events=tuple(Event(event.name, _attributes(event.attributes)) for event in span.events),
        links=tuple(link.trace_id.hex() for link in span.links),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Value:
    match value.WhichOneof("value"):
        case "array_value":
            return tuple(_value(item) for item in value.array_value.values)
        case "bool_value":
            return value.bool_value
        case "int_value":
            return value.int_value
        case "double_value":
            return value.double_value
        case _:
            return value.string_value
