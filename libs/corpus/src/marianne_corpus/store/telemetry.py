"""A client span for each call of Qdrant, embedded or remote; no text of users or documents in it.

Names: https://opentelemetry.io/docs/specs/semconv/database/database-spans/
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode


@contextmanager
def qdrant_span(operation: str, collection: str) -> Iterator[None]:
    attributes = {
        "db.system.name": "qdrant",
        "db.operation.name": operation,
        "db.collection.name": collection,
    }
    tracer = trace.get_tracer(__name__)
    with tracer.start_as_current_span(
        f"{operation} {collection}",
        kind=SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(Status(StatusCode.ERROR))
            raise
