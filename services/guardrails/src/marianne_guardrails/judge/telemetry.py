"""The span and the figures of one call to an LLM judge. No text of prompts or answers is recorded.

Attribute names: https://github.com/open-telemetry/semantic-conventions-genai
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, StatusCode

from marianne_guardrails import metrics

OPERATION: Final = "judge"

_tracer = trace.get_tracer(__name__)


class CallRecord:
    """One call as its span and the metrics see it."""

    def __init__(self, span: Span, model: str) -> None:
        self._span = span
        self._model = model

    def headers(self) -> dict[str, str]:
        """What makes the server's span a child of this one."""
        headers: dict[str, str] = {}
        propagate.inject(headers, context=trace.set_span_in_context(self._span))
        return headers

    def counted(self, usage: Mapping[str, Any]) -> None:
        """`usage` as the chat completions API gives it; what it leaves out counts nothing."""
        for kind, field in (("input", "prompt_tokens"), ("output", "completion_tokens")):
            tokens = usage.get(field)
            if isinstance(tokens, int):
                self._span.set_attribute(f"gen_ai.usage.{kind}_tokens", tokens)
                metrics.TOKEN_USAGE.labels(self._model, OPERATION, kind).inc(tokens)


@contextmanager
def recorded_call(model: str, host: str) -> Iterator[CallRecord]:
    """Records what happens inside as a `chat {model}` span below the current one, which it does not replace."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "server.address": host,
    }
    span = _tracer.start_span(f"chat {model}", kind=SpanKind.CLIENT, attributes=attributes)
    started = time.monotonic()
    try:
        yield CallRecord(span, model)
    except BaseException as error:
        span.set_attribute("error.type", type(error).__name__)
        span.set_status(StatusCode.ERROR)
        raise
    finally:
        span.end()
        metrics.LLM_REQUEST_DURATION.labels(model, OPERATION).observe(time.monotonic() - started)
