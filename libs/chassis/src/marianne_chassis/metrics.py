"""Prometheus: the endpoint of a process, and rate, errors and duration of every gRPC method it serves or calls."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from prometheus_client import Counter, Histogram, start_http_server

# From a rule of the guardrails, about a millisecond, to a whole turn, at most 90 s.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0)

SERVER_HANDLED = Counter("grpc_server_handled", "RPCs that this process answered", ["service", "method", "code"])
SERVER_SECONDS = Histogram(
    "grpc_server_handling_seconds", "Time from an RPC's arrival to its end", ["service", "method"], buckets=_SECONDS
)
CLIENT_HANDLED = Counter("grpc_client_handled", "RPCs that this process made", ["service", "method", "code"])
CLIENT_SECONDS = Histogram(
    "grpc_client_handling_seconds", "Time from an RPC's start to its end", ["service", "method"], buckets=_SECONDS
)
SPANS_LOST = Counter("telemetry_spans_lost", "Spans that the collector did not take")


def exemplar(context: trace.SpanContext) -> dict[str, str] | None:
    """Links an observation to its trace; None when nobody keeps that trace."""
    return {"trace_id": trace.format_trace_id(context.trace_id)} if context.trace_flags.sampled else None


@contextmanager
def serve_metrics(bind: str, port: int) -> Iterator[int]:
    """Serves `/metrics` from a thread of its own and yields the port, which is the one asked for unless that is 0.

    Exemplars are in the OpenMetrics format only, which Prometheus asks for by `Accept`.
    """
    server, thread = start_http_server(port, bind)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
