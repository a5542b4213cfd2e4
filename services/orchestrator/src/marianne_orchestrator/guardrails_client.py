"""Has input and answers checked by the guardrails service."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import suppress

import grpc
import structlog

from marianne_language.citations import SentenceId
from marianne_orchestrator import metrics
from marianne_orchestrator.checks import GuardrailsUnavailableError, InputVerdict, Unit, UnitVerdict, Verdict
from marianne_orchestrator.events import Source
from marianne_proto.guardrails.v1 import guardrails_pb2 as pb
from marianne_proto.guardrails.v1.guardrails_pb2_grpc import GuardrailsServiceStub

RETRIED = (
    "marianne.guardrails.v1.GuardrailsService/CheckInput",
    "marianne.guardrails.v1.GuardrailsService/CheckPassages",
)

# What is missing here, such as a value of a newer server, is not released.
_VERDICTS: Mapping[int, Verdict] = {
    pb.VERDICT_QUOTED: "quoted",
    pb.VERDICT_SUPPORTED: "supported",
    pb.VERDICT_CITED: "cited",
    pb.VERDICT_NO_CLAIM: "no_claim",
}
_UNNAMED_REASON = "backend_error"
MAX_TEXT_CHARS = 20_000

# grpc.aio tells INTERNAL when a unit was being written at the moment in which the server went away.
_REOPENED = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL})

Call = grpc.aio.StreamStreamCall[pb.CheckAnswerRequest, pb.CheckAnswerResponse]

logger = structlog.get_logger(__name__)


class GuardrailsClient:
    """InputCheck, PassageCheck and AnswerCheck over gRPC.

    `input_timeout_s` bounds the check of the input, or of passages, `answer_timeout_s` that of a whole answer, and
    `verdict_timeout_s` the wait for the next verdict while one is due. A check that breaks off is reopened once, with
    the evidence and the units that have no verdict yet.
    """

    def __init__(
        self, channel: grpc.aio.Channel, *, input_timeout_s: float, answer_timeout_s: float, verdict_timeout_s: float
    ) -> None:
        self._stub = GuardrailsServiceStub(channel)
        self._input_timeout_s = input_timeout_s
        self._answer_timeout_s = answer_timeout_s
        self._verdict_timeout_s = verdict_timeout_s

    async def check_input(self, text: str, language: str) -> InputVerdict:
        request = pb.CheckInputRequest(text=text, language=language)
        try:
            response = await self._stub.CheckInput(request, timeout=self._input_timeout_s)
        except grpc.aio.AioRpcError as error:
            raise GuardrailsUnavailableError from error
        allowed = response.decision == pb.DECISION_ALLOW
        return InputVerdict(allowed, response.redacted_text, "" if allowed else _reason(response.reason))

    async def check_passages(self, texts: Sequence[str]) -> Sequence[bool]:
        request = pb.CheckPassagesRequest(texts=[text[:MAX_TEXT_CHARS] for text in texts])
        try:
            response = await self._stub.CheckPassages(request, timeout=self._input_timeout_s)
        except grpc.aio.AioRpcError as error:
            raise GuardrailsUnavailableError from error
        if len(response.verdicts) != len(texts):
            raise GuardrailsUnavailableError("not every passage has a verdict")
        return [verdict.decision == pb.DECISION_ALLOW for verdict in response.verdicts]

    async def check_answer(
        self, sources: Sequence[Source], question: str, units: AsyncIterator[Unit]
    ) -> AsyncGenerator[UnitVerdict]:
        """A cancelled read of `units` must not lose a unit."""
        pending = _Pending(units)
        evidence = _evidence(sources, question)
        for attempt in ("first", "reopened"):
            call = self._stub.CheckAnswer(timeout=self._answer_timeout_s)
            writing = asyncio.create_task(pending.write(call, evidence))
            try:
                while (verdict := await self._next(call, pending)) is not None:
                    pending.answered(verdict.id)
                    yield verdict
            except grpc.aio.AioRpcError as error:
                if attempt == "reopened" or error.code() not in _REOPENED:
                    raise GuardrailsUnavailableError from error
                metrics.GUARDRAILS_REOPENED.inc()
                logger.info("answer_check_reopened", units=len(pending))
            else:
                return
            finally:
                call.cancel()
                # Until it has ended it would take units that the next call has to send.
                writing.cancel()
                await asyncio.wait((writing,))

    async def _next(self, call: Call, pending: "_Pending") -> UnitVerdict | None:
        """None at the end. Raises GuardrailsUnavailableError when a verdict is overdue."""
        reading = asyncio.ensure_future(call.read())
        try:
            while not (await asyncio.wait((reading,), timeout=self._verdict_timeout_s))[0]:
                if pending.overdue(self._verdict_timeout_s):
                    raise GuardrailsUnavailableError("no verdict came in time")
            response = await reading
        finally:
            reading.cancel()
        return _verdict(response.verdict) if isinstance(response, pb.CheckAnswerResponse) else None


class _Pending:
    """The units sent without a verdict so far, and the ones still to come."""

    def __init__(self, units: AsyncIterator[Unit]) -> None:
        self._units = units
        self._sent: dict[int, Unit] = {}
        self._waiting_since = 0.0

    def __len__(self) -> int:
        return len(self._sent)

    async def write(self, call: Call, evidence: pb.Evidence) -> None:
        # The reader of a call that has ended learns why.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await call.write(pb.CheckAnswerRequest(evidence=evidence))
            for unit in list(self._sent.values()):
                await call.write(_unit(unit))
            async for unit in self._units:
                self._add(unit)
                await call.write(_unit(unit))
            await call.done_writing()

    def answered(self, unit_id: int) -> None:
        self._sent.pop(unit_id, None)
        self._waiting_since = time.monotonic()

    def overdue(self, limit_s: float) -> bool:
        return bool(self._sent) and time.monotonic() - self._waiting_since >= limit_s

    def _add(self, unit: Unit) -> None:
        if not self._sent:
            self._waiting_since = time.monotonic()
        self._sent[unit.id] = unit


def _evidence(sources: Sequence[Source], question: str) -> pb.Evidence:
    passages = [
        pb.EvidencePassage(
            number=source.n,
            sentences=source.sentences,
            title=" > ".join((source.title, *source.context)),
            chunk_id=source.id,
        )
        for source in sources
    ]
    return pb.Evidence(passages=passages, question=question)


def _unit(unit: Unit) -> pb.CheckAnswerRequest:
    citations = [pb.SentenceId(passage=c.passage, sentence=c.sentence) for c in unit.citations]
    return pb.CheckAnswerRequest(unit=pb.Unit(id=unit.id, text=unit.text, citations=citations, language=unit.language))


def _verdict(verdict: pb.UnitVerdict) -> UnitVerdict:
    decision = _VERDICTS.get(verdict.verdict, "withheld")
    if decision == "withheld" and verdict.verdict != pb.VERDICT_WITHHELD:
        # The service did not know that it rejects.
        metrics.GUARDRAIL_REJECTIONS.labels(_reason(verdict.reason)).inc()
    return UnitVerdict(
        id=verdict.id,
        verdict=decision,
        reason=_reason(verdict.reason) if decision == "withheld" else "",
        citations=tuple(SentenceId(c.passage, c.sentence) for c in verdict.citations),
    )


def _reason(reason: pb.Reason.ValueType) -> str:
    if reason not in pb.Reason.values() or reason == pb.REASON_UNSPECIFIED:
        return _UNNAMED_REASON
    return pb.Reason.Name(reason).removeprefix("REASON_").lower()
