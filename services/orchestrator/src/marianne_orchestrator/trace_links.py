"""Ties what happens later to what it goes back to: https://www.w3.org/TR/trace-context/."""

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_W3C = TraceContextTextMapPropagator()


def current_traceparent() -> str:
    """Of the current span; "" when nothing is traced."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get("traceparent", "")


def link_current_span(traceparent: str) -> None:
    """From the current span to the one that is named; a name that means nothing makes no link."""
    origin = trace.get_current_span(_W3C.extract({"traceparent": traceparent})).get_span_context()
    if origin.is_valid:
        trace.get_current_span().add_link(origin)
