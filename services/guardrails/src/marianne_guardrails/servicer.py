"""GuardrailsService: translates between proto and the checks, and faults of the caller into status codes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc
from opentelemetry import trace

from marianne_guardrails.answer_check import Judging, open_answer_check
from marianne_guardrails.evidence import Passage
from marianne_guardrails.grounding import Unit
from marianne_guardrails.input_checks import PassageCheck, check_input
from marianne_guardrails.messages import (
    InvalidMessageError,
    UnitReader,
    from_decision,
    from_reason,
    from_verdict,
    to_grounding,
    to_text,
    to_texts,
)
from marianne_guardrails.metrics import GUARDRAIL_CHECK_SECONDS, GUARDRAIL_REJECTIONS
from marianne_guardrails.verdicts import Reason
from marianne_proto.guardrails.v1 import guardrails_pb2 as pb
from marianne_proto.guardrails.v1.guardrails_pb2_grpc import GuardrailsServiceServicer

Context = grpc.aio.ServicerContext[Any, Any]

tracer = trace.get_tracer(__name__)


class GuardrailsServicer(GuardrailsServiceServicer):
    """Keeps nothing from one call to the next but verdicts on passages. Without `judging` rules alone decide."""

    def __init__(self, judging: Judging | None = None) -> None:
        self._judging = judging
        self._passages = PassageCheck()

    async def CheckInput(self, request: pb.CheckInputRequest, context: Context) -> pb.CheckInputResponse:
        try:
            text = to_text(request)
        except InvalidMessageError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        with tracer.start_as_current_span("guardrail_check_input") as span:
            with GUARDRAIL_CHECK_SECONDS.labels("input").time():
                verdict = check_input(text)
            span.set_attribute("guardrail.reason", verdict.reason or "")
            span.set_attribute("guardrail.pii_types", verdict.pii_types)
        _count(verdict.reason)
        return pb.CheckInputResponse(
            decision=from_decision(verdict.reason),
            reason=from_reason(verdict.reason),
            redacted_text=verdict.redacted_text,
            pii_types=verdict.pii_types,
        )

    async def CheckPassages(self, request: pb.CheckPassagesRequest, context: Context) -> pb.CheckPassagesResponse:
        try:
            texts = to_texts(request)
        except InvalidMessageError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        response = pb.CheckPassagesResponse()
        for text in texts:
            with GUARDRAIL_CHECK_SECONDS.labels("passages").time():
                reason = self._passages.check(text)
            _count(reason)
            response.verdicts.add(decision=from_decision(reason), reason=from_reason(reason))
            await _let_others_run()
        return response

    async def CheckAnswer(  # type: ignore[override]  # a coroutine that writes, not an iterator
        self, request_iterator: AsyncIterator[pb.CheckAnswerRequest], context: Context
    ) -> None:
        try:
            async with aclosing(self._verdicts(request_iterator)) as verdicts:
                async for verdict in verdicts:
                    await context.write(pb.CheckAnswerResponse(verdict=verdict))
        except InvalidMessageError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

    async def CheckGrounding(self, request: pb.CheckGroundingRequest, context: Context) -> pb.CheckGroundingResponse:
        async def messages() -> AsyncIterator[pb.CheckAnswerRequest]:
            yield pb.CheckAnswerRequest(evidence=request.evidence)
            for unit in request.units:
                yield pb.CheckAnswerRequest(unit=unit)
                await _let_others_run()

        try:
            async with aclosing(self._verdicts(messages())) as verdicts:
                return pb.CheckGroundingResponse(verdicts=[verdict async for verdict in verdicts])
        except InvalidMessageError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

    async def _verdicts(self, messages: AsyncIterator[pb.CheckAnswerRequest]) -> AsyncGenerator[pb.UnitVerdict]:
        """A verdict for each unit, as the units come. Raises InvalidMessageError."""
        with open_answer_check(self._judging) as check:
            first = await anext(messages, None)
            if first is None:
                return
            if first.WhichOneof("message") != "evidence":
                raise InvalidMessageError("message: expected evidence")
            grounding = to_grounding(first.evidence)
            passages = [Passage(p.number, tuple(p.sentences), p.title) for p in first.evidence.passages]
            async with aclosing(check.verdicts(grounding, passages, _units(messages))) as verdicts:
                async for verdict in verdicts:
                    yield from_verdict(verdict)


async def _units(messages: AsyncIterator[pb.CheckAnswerRequest]) -> AsyncIterator[Unit]:
    """The units that follow the evidence. Raises InvalidMessageError."""
    reader = UnitReader()
    async for message in messages:
        if message.WhichOneof("message") != "unit":
            raise InvalidMessageError("message: expected unit")
        yield reader.read(message.unit)


def _count(reason: Reason | None) -> None:
    if reason:
        GUARDRAIL_REJECTIONS.labels(reason.value).inc()


async def _let_others_run() -> None:
    await asyncio.sleep(0)
