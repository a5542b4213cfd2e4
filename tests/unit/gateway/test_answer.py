import grpc

from marianne_gateway.event_schemas import Answer
from marianne_proto.orchestrator.v1 import orchestrator_pb2 as pb
from support.gateway import RunningGateway, free_address, running_gateway
from support.orchestrator import (
    Break,
    FakeOrchestrator,
    clarification,
    degraded,
    done,
    error,
    meta,
    source,
    sources,
    token,
    withheld,
)


async def test_a_whole_answer_says_all_that_the_stream_says(
    orchestrator: FakeOrchestrator, gateway: RunningGateway
) -> None:
    orchestrator.play(
        meta(),
        degraded("llm", "Aucun modèle n’est configuré."),
        sources(source(1, "Une phrase.")),
        token("Une phrase. ", "1.1"),
        withheld("contradiction"),
        token("Une phrase.", "1.1", verdict="quoted", replaces="contradiction"),
        done(timings={"total": 3.0}),
    )

    response = await gateway.http.post("/chat", json={"query": "Une question ?"})

    answer = response.json()
    Answer.model_validate(answer)
    assert response.status_code == 200
    assert answer["thread_id"] == orchestrator.asked[0].thread_id
    assert answer["answer"] == "Une phrase. Une phrase."
    assert [sentence["verdict"] for sentence in answer["sentences"]] == ["supported", "quoted"]
    assert answer["sources"][0]["sentences"] == ["Une phrase."]
    assert answer["withheld"] == [{"reason": "contradiction"}]
    assert answer["degraded"][0]["dependency"] == "llm"
    assert (answer["clarification"], answer["error"], answer["finish_reason"]) == (None, None, "stop")
    assert answer["timings"] == {"total": 3.0}


async def test_a_question_back_is_part_of_it(orchestrator: FakeOrchestrator, gateway: RunningGateway) -> None:
    orchestrator.play(
        meta(), clarification(pb.ClarifyingQuestion(slot="status", question="Lequel ?", why="")), done("clarification")
    )

    answer = (await gateway.http.post("/chat", json={"query": "Une question ?"})).json()

    assert answer["clarification"] == {"questions": [{"slot": "status", "question": "Lequel ?", "why": ""}]}
    assert answer["finish_reason"] == "clarification"


async def test_an_orchestrator_that_is_not_there_is_a_503() -> None:
    async with running_gateway(free_address()) as gateway:
        response = await gateway.http.post("/chat", json={"query": "Une question ?", "language": "en"})

    assert response.status_code == 503
    answer = response.json()
    Answer.model_validate(answer)
    assert answer["error"] == {
        "code": "unavailable",
        "message": "Marianne is unavailable at the moment. Please try again shortly.",
        "retryable": True,
    }


async def test_half_an_answer_is_not_a_200(orchestrator: FakeOrchestrator, gateway: RunningGateway) -> None:
    orchestrator.play(meta(), token("Une phrase."), Break(grpc.StatusCode.INTERNAL))

    response = await gateway.http.post("/chat", json={"query": "Une question ?"})

    assert response.status_code == 502
    assert response.json()["answer"] == "Une phrase."
    assert response.json()["error"]["code"] == "internal"


async def test_an_error_that_the_turn_reports_is_not_a_200_either(
    orchestrator: FakeOrchestrator, gateway: RunningGateway
) -> None:
    orchestrator.play(meta(), error("llm_unavailable", "Le modèle ne répond pas."), done("error"))

    response = await gateway.http.post("/chat", json={"query": "Une question ?"})

    assert response.status_code == 503
    assert response.json()["error"]["message"] == "Le modèle ne répond pas."
