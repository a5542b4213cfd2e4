"""Structured logs: one JSON object a line on stdout, ours and every library's alike."""

import logging
import sys
import traceback
from typing import Any

import orjson
import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

# Libraries whose INFO is one line for each request, which metrics and traces tell already.
_QUIET = ("httpx", "httpx2", "httpcore", "httpcore2", "uvicorn.access", "langsmith")


def configure_logging(service: str, level: str, *, json: bool) -> None:
    """Configures structlog and the standard library's logging for the whole process.

    With `json` exceptions appear as their types and frames, because their messages may carry a user's words; without
    it, meant for a developer's terminal, they appear whole.
    """
    number = logging.getLevelNamesMapping()[level]
    shared = _shared_processors(service)
    structlog.configure(
        processors=[*shared, *_renderers(json=json)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory() if json else structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    _bridge_standard_logging(number, shared, json=json)


def _shared_processors(service: str) -> list[Processor]:
    def add_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_service,
        _add_trace_ids,
    ]


def _renderers(*, json: bool) -> list[Processor]:
    if json:
        return [_add_frames, structlog.processors.JSONRenderer(serializer=_dumps)]
    return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]


def _bridge_standard_logging(level: int, shared: list[Processor], *, json: bool) -> None:
    """Renders records of the standard library like ours; `logging` wants text where structlog takes bytes."""
    renderers = _renderers(json=json)
    if json:
        renderers = [_add_frames, structlog.processors.JSONRenderer(serializer=_dumps_text)]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    handler.addFilter(_is_worth_a_line)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """False for the traceback that grpc.aio prints when a peer leaves between two writes, which is no error."""
    error = record.exc_info[0] if record.exc_info else None
    return not (record.name == "grpc._cython.cygrpc" and error is not None and error.__name__ == "ExecuteBatchError")


def _add_trace_ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def _add_frames(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    raised = event.pop("exc_info", None)
    error = sys.exc_info()[1] if raised is True else raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event["exception"] = describe_without_message(error)
    return event


def describe_without_message(error: BaseException) -> str:
    """The types and frames of an exception and of those it came from, oldest first, without their messages."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    causes = [cause] if cause else list(error.exceptions) if isinstance(error, BaseExceptionGroup) else []
    before = "".join(f"{describe_without_message(earlier)}\nled to\n" for earlier in causes)
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{before}{frames}{type(error).__module__}.{type(error).__qualname__}"


def _dumps(event: EventDict, default: Any) -> bytes:
    return orjson.dumps(event, default=default)


def _dumps_text(event: EventDict, default: Any) -> str:
    return _dumps(event, default).decode()
