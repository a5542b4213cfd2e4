"""OrchestratorService over a real gRPC server."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest

from marianne_orchestrator.audit import AuditLogger
from marianne_orchestrator.events import Done, Event, FinishReason, Status, Token
from marianne_orchestrator.feedback import FeedbackBox
from marianne_orchestrator.metrics import AUDIT_FAILURES
from marianne_orchestrator.records import Question
from marianne_orchestrator.servicer import MAX_ID_CHARS, MAX_QUERY_CHARS, OrchestratorServicer
from marianne_orchestrator.turn import Tell
from marianne_orchestrator.turn_log import MemoryTurnLog
from marianne_orchestrator.turns import Turns
from marianne_proto.orchestrator.v1 import orchestrator_pb2 as pb
from marianne_proto.orchestrator.v1.orchestrator_pb2_grpc import (
    OrchestratorServiceStub,
    add_OrchestratorServiceServicer_to_server,
)
from support.ports import FakeInputCheck, FakeThreads, exchange
from support.turns import Rig, of

ASKED: dict[str, Any] = {"query": "Quel délai ?", "thread_id": "t1", "message_id": "m1"}


@dataclass
class ScriptedRunner:
    """Tells `events`, then waits until it may end."""

    events: tuple[Event, ...] = (Status("understanding"), Token("Deux mois.", "fr", "cited", ("1.1",)))
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    questions: list[Question] = field(default_factory=list)

    async def run(self, question: Question, emit: Tell) -> None:
        self.questions.append(question)
        reason: FinishReason = "cancelled"
        try:
            for event in self.events:
                await emit(event)
            await self.may_end.wait()
            reason = "stop"
        finally:
            await emit(Done(reason))
            self.ended.set()


@dataclass
class Service:
    """A running service, with what stands behind it."""

    runner: ScriptedRunner
    threads: FakeThreads
    stub: Any
    audit_dir: Path

    async def ask(self, **fields: Any) -> list[pb.TurnEvent]:
        return await events_of(self.stub.HandleQuery(pb.HandleQueryRequest(**(ASKED | fields))))


async def events_of(call: Any) -> list[pb.TurnEvent]:
    async with asyncio.timeout(20):
        return [response.event async for response in call]


def finish_reason(events: Iterable[pb.TurnEvent]) -> str:
    *_, last = events
    return last.done.finish_reason


@pytest.fixture(name="service")
async def _service(tmp_path: Path) -> AsyncIterator[Service]:
    runner, threads = ScriptedRunner(), FakeThreads()
    turns = Turns(runner, MemoryTurnLog(60), resume_grace_s=60)
    feedback = FeedbackBox(AuditLogger(tmp_path, b"key", AUDIT_FAILURES), FakeInputCheck())
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    servicer = OrchestratorServicer(turns, threads, feedback, ("small", "large"))
    add_OrchestratorServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Service(runner, threads, OrchestratorServiceStub(channel), tmp_path)
    await server.stop(None)
    await turns.drain(0)


async def test_a_turn_is_streamed_to_its_end(service: Service) -> None:
    service.runner.may_end.set()
    events = await service.ask()
    assert [event.sequence for event in events] == [1, 2, 3]
    assert [event.WhichOneof("event") for event in events] == ["status", "token", "done"]
    assert finish_reason(events) == "stop"


async def test_what_is_asked_arrives_whole(service: Service) -> None:
    service.runner.may_end.set()
    more: dict[str, Any] = {
        "new_thread": True,
        "language": "vi",
        "as_of": "2024-02-29",
        "model": "large",
        "resumable": True,
    }
    await service.ask(**more, user_nationality="DZ")
    [question] = service.runner.questions
    assert question == Question("Quel délai ?", "t1", "m1", nationality="DZ", **more)


@pytest.mark.parametrize(
    ("field_name", "value"),
    [
        ("query", ""),
        ("query", " \n "),
        ("query", "x" * (MAX_QUERY_CHARS + 1)),
        ("thread_id", ""),
        ("thread_id", "x" * (MAX_ID_CHARS + 1)),
        ("message_id", ""),
        ("message_id", "x" * (MAX_ID_CHARS + 1)),
        ("user_nationality", "France"),
        ("user_nationality", "fr"),
        ("as_of", "hier"),
        ("as_of", "2026-02-30"),
        ("model", "huge"),
    ],
    ids=lambda value: value[:16],
)
async def test_what_cannot_be_is_refused_by_the_name_of_its_field(
    service: Service, field_name: str, value: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await service.ask(**{field_name: value})
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (raised.value.details() or "").startswith(f"{field_name}: ")
    assert service.runner.questions == []


async def test_the_longest_query_is_taken(service: Service) -> None:
    service.runner.may_end.set()
    assert finish_reason(await service.ask(query="é" * MAX_QUERY_CHARS)) == "stop"


async def test_asking_twice_gives_one_turn(service: Service) -> None:
    service.runner.may_end.set()
    assert await service.ask(resumable=True) == await service.ask(resumable=True)
    assert len(service.runner.questions) == 1


async def test_a_turn_that_is_not_resumable_ends_with_its_call(service: Service) -> None:
    call = service.stub.HandleQuery(pb.HandleQueryRequest(**ASKED))
    await call.read()
    call.cancel()
    async with asyncio.timeout(10):
        await service.runner.ended.wait()
    assert finish_reason(await events_of(service.stub.ReadTurn(pb.ReadTurnRequest(message_id="m1")))) == "cancelled"


async def test_a_resumable_turn_is_read_on_after_a_lost_call(service: Service) -> None:
    call = service.stub.HandleQuery(pb.HandleQueryRequest(**ASKED, resumable=True))
    await call.read()
    call.cancel()
    service.runner.may_end.set()
    events = await events_of(service.stub.ReadTurn(pb.ReadTurnRequest(message_id="m1", after_sequence=1)))
    assert [event.sequence for event in events] == [2, 3]
    assert finish_reason(events) == "stop"


async def test_an_unknown_turn_is_not_found(service: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await events_of(service.stub.ReadTurn(pb.ReadTurnRequest(message_id="unknown")))
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_stopped_turn_tells_its_reader(service: Service) -> None:
    call = service.stub.HandleQuery(pb.HandleQueryRequest(**ASKED))
    await call.read()
    await service.stub.StopTurn(pb.StopTurnRequest(message_id="m1"))
    assert finish_reason([(await call.read()).event, (await call.read()).event]) == "cancelled"


async def test_stopping_an_unknown_turn_succeeds(service: Service) -> None:
    assert await service.stub.StopTurn(pb.StopTurnRequest(message_id="unknown")) == pb.StopTurnResponse()


async def test_a_conversation_is_read_and_erased(service: Service) -> None:
    await service.threads.append("t1", exchange("Quel délai ?", message_id="m0", answer="Deux mois."))
    [turn] = (await service.stub.GetThread(pb.GetThreadRequest(thread_id="t1"))).turns
    assert turn == pb.Turn(
        message_id="m0", question="Quel délai ?", answer="Deux mois.", asked_at="2026-01-31T12:00:00+00:00"
    )
    await service.stub.DeleteThread(pb.DeleteThreadRequest(thread_id="t1"))
    assert await service.stub.GetThread(pb.GetThreadRequest(thread_id="t1")) == pb.GetThreadResponse()


@pytest.mark.parametrize("method", ["GetThread", "DeleteThread"])
async def test_conversations_that_are_away_may_be_asked_again(service: Service, method: str) -> None:
    service.threads.away = True
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await getattr(service.stub, method)(getattr(pb, f"{method}Request")(thread_id="t1"))
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_feedback_is_in_the_audit_trail(service: Service) -> None:
    given = pb.RecordFeedbackRequest(message_id="m1", score="down", reason="faux", comment="Ana dit non")
    await service.stub.RecordFeedback(given)
    [path] = service.audit_dir.glob("*.jsonl")
    line = json.loads(path.read_text(encoding="utf-8"))
    assert (line["message_id"], line["score"], line["comment"]) == ("m1", "down", "<NAME> dit non")


@pytest.mark.parametrize(("field_name", "value"), [("score", "meh"), ("message_id", "")])
async def test_feedback_that_cannot_be_is_refused(service: Service, field_name: str, value: str) -> None:
    given = {"message_id": "m1", "score": "up", field_name: value}
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await service.stub.RecordFeedback(pb.RecordFeedbackRequest(**given))
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (raised.value.details() or "").startswith(f"{field_name}: ")


async def test_the_first_model_is_the_default(service: Service) -> None:
    models = (await service.stub.ListModels(pb.ListModelsRequest())).models
    assert [(model.id, model.is_default) for model in models] == [("small", True), ("large", False)]


async def test_a_real_turn_is_the_same_on_the_wire(service: Service, tmp_path: Path) -> None:
    told = await Rig(tmp_path / "turn").run()
    service.runner.events = tuple(told[:-1])
    service.runner.may_end.set()
    events = await service.ask()
    assert "".join(event.token.text for event in events) == "".join(token.text for token in of(told, Token))
    assert len(events) == len(told)
