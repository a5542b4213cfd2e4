from typing import Any

import grpc
import pytest

from marianne_proto.orchestrator.v1 import orchestrator_pb2 as pb
from support.gateway import RunningGateway, bare_gateway, free_address
from support.orchestrator import Break, FakeOrchestrator


@pytest.fixture(name="thread_id")
async def _thread_id(bare: RunningGateway) -> str:
    return bare.parts.ids.new("thread", "")


@pytest.fixture(name="message_id")
async def _message_id(bare: RunningGateway) -> str:
    return bare.parts.ids.new("message", "")


async def test_a_conversation_can_be_read(bare: RunningGateway, orchestrator: FakeOrchestrator, thread_id: str) -> None:
    turn = {"message_id": "m_1", "question": "Une question ?", "answer": "Oui.", "asked_at": "2026-11-22T10:00:00Z"}
    orchestrator.threads[thread_id] = [pb.Turn(**turn)]

    response = await bare.http.get(f"/threads/{thread_id}")

    assert response.json() == {"thread_id": thread_id, "memory": "kept", "turns": [turn]}


async def test_one_that_is_gone_is_empty_and_expired(bare: RunningGateway, thread_id: str) -> None:
    response = await bare.http.get(f"/threads/{thread_id}")

    assert response.json() == {"thread_id": thread_id, "memory": "expired", "turns": []}


async def test_a_conversation_can_be_erased(
    bare: RunningGateway, orchestrator: FakeOrchestrator, thread_id: str
) -> None:
    response = await bare.http.delete(f"/threads/{thread_id}")

    assert (response.status_code, response.content) == (204, b"")
    assert orchestrator.erased == [thread_id]


async def test_an_opinion_is_recorded(bare: RunningGateway, orchestrator: FakeOrchestrator, message_id: str) -> None:
    body = {"message_id": message_id, "score": "down", "reason": "sources", "comment": " Il manque une date. "}

    response = await bare.http.post("/feedback", json=body)

    assert response.status_code == 204
    recorded = orchestrator.feedback[0]
    assert (recorded.message_id, recorded.score, recorded.reason) == (message_id, "down", "sources")
    assert recorded.comment == "Il manque une date."


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"score": "maybe"}, "score"),
        ({"comment": "x" * 2001}, "comment"),
        ({"reason": "\x00"}, "reason"),
        ({"stars": 5}, "stars"),
    ],
)
async def test_an_opinion_is_checked(
    bare: RunningGateway, orchestrator: FakeOrchestrator, message_id: str, changed: dict[str, Any], field: str
) -> None:
    response = await bare.http.post("/feedback", json={"message_id": message_id, "score": "up"} | changed)

    assert (response.status_code, response.json()["error"]["field"]) == (422, field)
    assert orchestrator.feedback == []


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (grpc.StatusCode.UNAVAILABLE, 503),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 504),
        (grpc.StatusCode.INTERNAL, 502),
        (grpc.StatusCode.NOT_FOUND, 404),
        (grpc.StatusCode.INVALID_ARGUMENT, 422),
    ],
)
async def test_a_failing_orchestrator_is_never_a_500(
    bare: RunningGateway, orchestrator: FakeOrchestrator, message_id: str, code: grpc.StatusCode, status: int
) -> None:
    orchestrator.unary_fault = Break(code)

    response = await bare.http.post("/feedback", json={"message_id": message_id, "score": "up"})

    assert response.status_code == status
    assert "a detail" not in response.text


async def test_one_that_is_not_there_is_a_503() -> None:
    async with bare_gateway(free_address()) as gateway:
        thread_id = gateway.parts.ids.new("thread", "")
        response = await gateway.http.get(f"/threads/{thread_id}")

    assert response.status_code == 503
    assert response.json()["error"]["retryable"] is True
