"""Guardrails for tests: a real gRPC server whose verdicts, and whose faults, the test chooses."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import grpc

from marianne_proto.guardrails.v1 import guardrails_pb2 as pb
from marianne_proto.guardrails.v1 import guardrails_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """After that many verdicts the call breaks off with `code`, hangs, or just ends."""

    after: int
    what: Literal["breaks", "hangs", "ends"] = "breaks"
    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE


@dataclass(slots=True)
class AnswerCall:
    """One CheckAnswer as it arrived; `ended` is set when its client has half-closed or left, or when it broke off."""

    evidence: pb.Evidence = field(default_factory=pb.Evidence)
    units: list[pb.Unit] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


def supported(unit: pb.Unit) -> pb.UnitVerdict:
    return pb.UnitVerdict(id=unit.id, verdict=pb.VERDICT_SUPPORTED, citations=unit.citations)


class FakeGuardrails(guardrails_pb2_grpc.GuardrailsServiceServicer):
    """Allows every message and supports every unit, unless told otherwise. Faults are used up, one a CheckAnswer."""

    def __init__(self) -> None:
        self.judge: Callable[[pb.Unit], pb.UnitVerdict] = supported
        self.input = pb.CheckInputResponse(decision=pb.DECISION_ALLOW)
        self.input_fault: grpc.StatusCode | None = None
        self.input_hangs = False
        self.forbidden = "ORDER TO THE MODEL"
        self.faults: deque[Fault] = deque()
        self.inputs: list[pb.CheckInputRequest] = []
        self.calls: list[AnswerCall] = []
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serves on a free port and yields the address."""
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        guardrails_pb2_grpc.add_GuardrailsServiceServicer_to_server(self, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            await server.stop(None)

    async def received(self, call: int, units: int) -> AnswerCall:
        """Waits until call number `call` (from 0) has that many units."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.calls) > call and len(self.calls[call].units) >= units)
        return self.calls[call]

    async def CheckInput(self, request: pb.CheckInputRequest, context: Context) -> pb.CheckInputResponse:
        self.inputs.append(request)
        if self.input_fault is not None:
            await context.abort(self.input_fault, "a detail that nobody outside may read")
        if self.input_hangs:
            await asyncio.Event().wait()
        response = pb.CheckInputResponse()
        response.CopyFrom(self.input)
        response.redacted_text = response.redacted_text or request.text
        return response

    async def CheckPassages(self, request: pb.CheckPassagesRequest, context: Context) -> pb.CheckPassagesResponse:
        return pb.CheckPassagesResponse(
            verdicts=[
                pb.PassageVerdict(decision=pb.DECISION_REJECT if self.forbidden in text else pb.DECISION_ALLOW)
                for text in request.texts
            ]
        )

    async def CheckAnswer(  # type: ignore[override]  # a coroutine that writes, not an iterator
        self, requests: AsyncIterator[pb.CheckAnswerRequest], context: Context
    ) -> None:
        call = AnswerCall()
        fault = self.faults.popleft() if self.faults else None
        self.calls.append(call)
        try:
            await self._check(call, fault, requests, context)
        finally:
            call.ended.set()

    async def CheckGrounding(self, request: pb.CheckGroundingRequest, context: Context) -> pb.CheckGroundingResponse:
        return pb.CheckGroundingResponse(verdicts=[self.judge(unit) for unit in request.units])

    async def _check(
        self, call: AnswerCall, fault: Fault | None, requests: AsyncIterator[pb.CheckAnswerRequest], context: Context
    ) -> None:
        async for request in requests:
            if request.HasField("evidence"):
                call.evidence = request.evidence
                continue
            async with self._changed:
                call.units.append(request.unit)
                self._changed.notify_all()
            if fault and len(call.units) > fault.after:
                return await _fail(fault, context)
            await context.write(pb.CheckAnswerResponse(verdict=self.judge(request.unit)))
        return None


async def _fail(fault: Fault, context: Context) -> None:
    match fault.what:
        case "breaks":
            await context.abort(fault.code, "a detail that nobody outside may read")
        case "hangs":
            await asyncio.Event().wait()
        case "ends":
            return
