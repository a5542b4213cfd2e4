"""The span of a model call, and the port through which its figures reach the metrics.

Attribute names: https://github.com/open-telemetry/semantic-conventions-genai (own constants, because the Python
package marks its copies as deprecated). No text of prompts or answers is recorded.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal, Protocol, runtime_checkable

from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from marianne_orchestrator.llm.errors import LLMError, Outcome
from marianne_orchestrator.llm.policy import Endpoint
from marianne_orchestrator.llm.stream import Completion, Usage

OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
SERVER_ADDRESS: Final = "server.address"
ERROR_TYPE: Final = "error.type"

Operation = Literal["understand", "answer", "judge"]


@runtime_checkable
class LLMObserver(Protocol):
    """Hears of every call; must not raise. Seconds count from the call's start, attempts and waits included."""

    def request_started(self, model: str, operation: Operation) -> None: ...

    def first_token(self, model: str, operation: Operation, seconds: float) -> None: ...

    def request_finished(
        self, model: str, operation: Operation, *, seconds: float, outcome: Outcome, usage: Usage | None
    ) -> None:
        """`usage` is None when the server did not count, as after an interruption."""


class CallRecord:
    """One call as its span and its observer see it."""

    def __init__(self, span: Span, observer: LLMObserver, model: str, operation: Operation) -> None:
        self._span = span
        self._observer = observer
        self._model = model
        self._operation = operation
        self._started = time.monotonic()
        self._usage: Usage | None = None
        observer.request_started(model, operation)

    def attempted(self, endpoint: Endpoint) -> dict[str, str]:
        """Notes where an attempt goes, and returns the headers that make the server's span a child of this one."""
        self._span.set_attributes({PROVIDER_NAME: endpoint.provider, SERVER_ADDRESS: endpoint.host})
        headers: dict[str, str] = {}
        propagate.inject(headers, context=trace.set_span_in_context(self._span))
        return headers

    def first_token(self) -> None:
        seconds = self._seconds()
        self._span.set_attribute(RESPONSE_TIME_TO_FIRST_CHUNK, seconds)
        self._observer.first_token(self._model, self._operation, seconds)

    def completed(self, completion: Completion) -> None:
        self._usage = completion.usage
        if completion.model:
            self._span.set_attribute(RESPONSE_MODEL, completion.model)
        if completion.finish_reason:
            self._span.set_attribute(RESPONSE_FINISH_REASONS, [completion.finish_reason])
        if completion.usage:
            self._span.set_attribute(USAGE_INPUT_TOKENS, completion.usage.input_tokens)
            self._span.set_attribute(USAGE_OUTPUT_TOKENS, completion.usage.output_tokens)

    def failed(self, error: BaseException) -> None:
        self._span.set_attribute(ERROR_TYPE, type(error).__name__)
        self._span.set_status(Status(StatusCode.ERROR))

    def end(self, outcome: Outcome) -> None:
        self._span.end()
        self._observer.request_finished(
            self._model, self._operation, seconds=self._seconds(), outcome=outcome, usage=self._usage
        )

    def _seconds(self) -> float:
        return time.monotonic() - self._started


@contextmanager
def recorded_call(observer: LLMObserver, *, model: str, operation: Operation, stream: bool) -> Iterator[CallRecord]:
    """Records what happens inside as one `chat {model}` span, a child of the current one. It is not made current."""
    attributes: dict[str, AttributeValue] = {OPERATION_NAME: "chat", REQUEST_MODEL: model, REQUEST_STREAM: stream}
    span = trace.get_tracer(__name__).start_span(f"chat {model}", kind=SpanKind.CLIENT, attributes=attributes)
    record = CallRecord(span, observer, model, operation)
    outcome: Outcome = "ok"
    try:
        yield record
    except BaseException as error:
        outcome = _outcome_of(error)
        record.failed(error)
        raise
    finally:
        record.end(outcome)


def _outcome_of(error: BaseException) -> Outcome:
    match error:
        case LLMError():
            return error.outcome
        case Exception():
            return "internal_error"
        case _:
            return "cancelled"
