"""An orchestrator for tests: a real gRPC server whose turns happen as the test says, step by step."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from marianne_proto.orchestrator.v1 import orchestrator_pb2 as pb
from marianne_proto.orchestrator.v1 import orchestrator_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Break:
    """The call breaks off here with this status; the turn goes on, so that it can be resumed."""

    code: grpc.StatusCode
    details: str = "a detail that nobody outside may read"


# A TurnEvent is sent, an asyncio.Event is waited for (for ever, if the test never sets it).
Step = pb.TurnEvent | asyncio.Event | Break


def meta(**fields: Any) -> pb.TurnEvent:
    """The first event of a turn; thread and message are those asked for, unless given."""
    defaults = {"trace_id": "0" * 32, "model": "extractive", "language": "fr", "memory": "new"}
    return pb.TurnEvent(meta=pb.MetaEvent(**(defaults | fields)))


def status(stage: str) -> pb.TurnEvent:
    return pb.TurnEvent(status=pb.StatusEvent(stage=stage))


def source(n: int, *sentences: str, **fields: Any) -> pb.Source:
    defaults: dict[str, Any] = {
        "id": f"chunk-{n}",
        "title": f"Texte {n}",
        "url": f"https://example.org/{n}",
        "dataset": "service-public",
        "lang": "fr",
        "official": True,
    }
    return pb.Source(n=n, sentences=sentences, **(defaults | fields))


def sources(*given: pb.Source) -> pb.TurnEvent:
    return pb.TurnEvent(sources=pb.SourcesEvent(sources=given))


def token(text: str, *citations: str, verdict: str = "supported", replaces: str = "", lang: str = "fr") -> pb.TurnEvent:
    return pb.TurnEvent(
        token=pb.TokenEvent(text=text, lang=lang, citations=citations, verdict=verdict, replaces=replaces)
    )


def withheld(reason: str) -> pb.TurnEvent:
    return pb.TurnEvent(withheld=pb.WithheldEvent(reason=reason))


def clarification(*questions: pb.ClarifyingQuestion) -> pb.TurnEvent:
    return pb.TurnEvent(clarification=pb.ClarificationEvent(questions=questions))


def degraded(dependency: str, consequence: str) -> pb.TurnEvent:
    return pb.TurnEvent(degraded=pb.DegradedEvent(dependency=dependency, consequence=consequence))


def error(code: str, message: str, *, retryable: bool = True) -> pb.TurnEvent:
    return pb.TurnEvent(error=pb.ErrorEvent(code=code, message=message, retryable=retryable))


def done(finish_reason: str = "stop", **fields: Any) -> pb.TurnEvent:
    return pb.TurnEvent(done=pb.DoneEvent(finish_reason=finish_reason, **fields))


def short_answer() -> list[Step]:
    return [meta(), sources(source(1, "Une phrase.")), token("Une phrase.", "1.1", verdict="quoted"), done()]


@dataclass
class _Turn:
    request: pb.HandleQueryRequest
    told: list[pb.TurnEvent | Break] = field(default_factory=list)
    grown: asyncio.Condition = field(default_factory=asyncio.Condition)
    ended: bool = False
    task: asyncio.Task[None] | None = None

    async def run(self, steps: Sequence[Step]) -> None:
        try:
            for step in steps:
                if isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    await self._tell(step)
        except asyncio.CancelledError:
            await self._tell(done("cancelled"))
        finally:
            self.ended = True
            async with self.grown:
                self.grown.notify_all()

    async def _tell(self, step: pb.TurnEvent | Break) -> None:
        async with self.grown:
            self.told.append(step if isinstance(step, Break) else self._numbered(step))
            self.grown.notify_all()

    def _numbered(self, event: pb.TurnEvent) -> pb.TurnEvent:
        numbered = pb.TurnEvent(sequence=1 + sum(isinstance(told, pb.TurnEvent) for told in self.told))
        numbered.MergeFrom(event)
        if numbered.WhichOneof("event") == "meta":
            numbered.meta.thread_id = numbered.meta.thread_id or self.request.thread_id
            numbered.meta.message_id = numbered.meta.message_id or self.request.message_id
            numbered.meta.resumable = self.request.resumable
        return numbered

    async def read(self) -> AsyncIterator[pb.TurnEvent | Break]:
        place = 0
        while True:
            async with self.grown:
                while place == len(self.told) and not self.ended:
                    await self.grown.wait()
            if place == len(self.told):
                return
            yield self.told[place]
            place += 1


class FakeOrchestrator(orchestrator_pb2_grpc.OrchestratorServiceServicer):
    """Plays `steps` for each new turn. Turns live in a log, so they can be read again, and outlive their readers."""

    def __init__(self) -> None:
        self.steps: Sequence[Step] = short_answer()
        self.asked: list[pb.HandleQueryRequest] = []
        self.read: list[pb.ReadTurnRequest] = []
        self.stopped: list[str] = []
        self.erased: list[str] = []
        self.feedback: list[pb.RecordFeedbackRequest] = []
        self.threads: dict[str, list[pb.Turn]] = {}
        self.metadata: dict[str, str] = {}
        self.heard = asyncio.Event()  # a question has arrived
        self.left = asyncio.Event()  # a reader left before the end
        self.unary_fault: Break | None = None
        self._turns: dict[str, _Turn] = {}

    def play(self, *steps: Step) -> None:
        self.steps = steps

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serves on a free port and yields the address."""
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        orchestrator_pb2_grpc.add_OrchestratorServiceServicer_to_server(self, server)
        vitals = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(vitals, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        await vitals.set("", health_pb2.HealthCheckResponse.SERVING)
        try:
            yield f"127.0.0.1:{port}"
        finally:
            await server.stop(None)
            await self._end_turns()

    async def _end_turns(self) -> None:
        tasks = [turn.task for turn in self._turns.values() if turn.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)

    async def HandleQuery(self, request: pb.HandleQueryRequest, context: Context) -> None:  # type: ignore[override]  # a coroutine that writes: a generator would learn late that its reader left
        self.asked.append(request)
        self.heard.set()
        self.metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
        turn = self._turns.get(request.message_id)
        if turn is None:
            turn = self._turns[request.message_id] = _Turn(request)
            turn.task = asyncio.create_task(turn.run(self.steps))
        fault = await self._told(turn, context)
        if fault is not None:
            await context.abort(fault.code, fault.details)

    async def _told(self, turn: _Turn, context: Context) -> Break | None:
        """Sends the turn up to its end, or to the Break that it returns."""
        reader_left = True
        try:
            async for told in turn.read():
                if isinstance(told, Break):
                    reader_left = False
                    return told
                await context.write(pb.HandleQueryResponse(event=told))
            reader_left = False
        finally:
            if reader_left:
                self.left.set()
        return None

    async def ReadTurn(self, request: pb.ReadTurnRequest, context: Context) -> None:  # type: ignore[override]  # the same
        self.read.append(request)
        turn = self._turns.get(request.message_id)
        if turn is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such turn")
        async for told in turn.read():
            if isinstance(told, pb.TurnEvent) and told.sequence > request.after_sequence:
                await context.write(pb.ReadTurnResponse(event=told))

    async def StopTurn(self, request: pb.StopTurnRequest, context: Context) -> pb.StopTurnResponse:
        await self._fail_if_told(context)
        self.stopped.append(request.message_id)
        turn = self._turns.get(request.message_id)
        if turn and turn.task:
            turn.task.cancel()
        return pb.StopTurnResponse()

    async def GetThread(self, request: pb.GetThreadRequest, context: Context) -> pb.GetThreadResponse:
        await self._fail_if_told(context)
        return pb.GetThreadResponse(turns=self.threads.get(request.thread_id, ()))

    async def DeleteThread(self, request: pb.DeleteThreadRequest, context: Context) -> pb.DeleteThreadResponse:
        await self._fail_if_told(context)
        self.erased.append(request.thread_id)
        self.threads.pop(request.thread_id, None)
        return pb.DeleteThreadResponse()

    async def RecordFeedback(self, request: pb.RecordFeedbackRequest, context: Context) -> pb.RecordFeedbackResponse:
        await self._fail_if_told(context)
        self.feedback.append(request)
        return pb.RecordFeedbackResponse()

    async def ListModels(self, _request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        await self._fail_if_told(context)
        return pb.ListModelsResponse(models=[pb.Model(id="extractive", is_default=True)])

    async def _fail_if_told(self, context: Context) -> None:
        if self.unary_fault is not None:
            await context.abort(self.unary_fault.code, self.unary_fault.details)
