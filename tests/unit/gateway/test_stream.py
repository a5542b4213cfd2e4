import asyncio
import time
from typing import Any

import grpc
import pytest
from prometheus_client import REGISTRY

from marianne_gateway.event_schemas import EVENTS
from marianne_proto.orchestrator.v1 import orchestrator_pb2 as pb
from support.gateway import RunningGateway, ask, frames, free_address, next_chunk, running_gateway
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
    status,
    token,
    withheld,
)

KEY = {"Idempotency-Key": "0b5e-once"}


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_every_event_of_the_contract_passes(orchestrator: FakeOrchestrator, gateway: RunningGateway) -> None:
    corpus = pb.CorpusInfo(name="sample", snapshot_at="2026-11-01")
    given = source(1, "Une phrase.", context=["Titre"], start_date="2024-01-01", status="VIGUEUR", score=0.5)
    question = pb.ClarifyingQuestion(slot="status", question="Lequel ?", why="Parce que.", options=["a", "b"])
    grounding = pb.Grounding(quoted=1, supported=2, cited=3, no_claim=4, fixed=5, withheld=6)
    orchestrator.play(
        meta(trace_id="ab" * 16, trace_sampled=True, corpus=corpus),
        status("retrieving"),
        degraded("rerank", "Les textes sont classés moins finement."),
        sources(given),
        token("Une phrase. ", "1.1"),
        withheld("unsupported_fact"),
        token("Une phrase.", "1.1", verdict="quoted", replaces="unsupported_fact"),
        clarification(question),
        error("llm", "Une erreur."),
        done(usage=pb.Usage(prompt_tokens=7, completion_tokens=8), grounding=grounding, timings={"total": 12.5}),
    )

    told = await ask(gateway)

    data = [frame.data for frame in told]
    assert [frame.id for frame in told] == [str(place) for place in range(1, 11)]
    assert data[0] == {
        "thread_id": orchestrator.asked[0].thread_id,
        "message_id": orchestrator.asked[0].message_id,
        "trace_id": "ab" * 16,
        "trace_sampled": True,
        "model": "extractive",
        "language": "fr",
        "memory": "new",
        "resumable": False,
        "corpus": {"name": "sample", "snapshot_at": "2026-11-01"},
    }
    assert data[1] == {"stage": "retrieving"}
    assert data[2] == {"dependency": "rerank", "consequence": "Les textes sont classés moins finement."}
    assert data[3]["sources"] == [
        {
            "n": 1,
            "id": "chunk-1",
            "title": "Texte 1",
            "context": ["Titre"],
            "url": "https://example.org/1",
            "dataset": "service-public",
            "official": True,
            "status": "VIGUEUR",
            "start_date": "2024-01-01",
            "end_date": None,
            "updated_at": None,
            "snapshot_at": None,
            "lang": "fr",
            "sentences": ["Une phrase."],
            "score": 0.5,
        }
    ]
    assert data[4] == {"text": "Une phrase. ", "lang": "fr", "citations": ["1.1"], "verdict": "supported"}
    assert data[5] == {"reason": "unsupported_fact"}
    assert data[6]["replaces"] == "unsupported_fact"
    asked_back = {"slot": "status", "question": "Lequel ?", "why": "Parce que.", "options": ["a", "b"]}
    assert data[7] == {"questions": [asked_back]}
    assert data[8] == {"code": "llm", "message": "Une erreur.", "retryable": True}
    assert data[9] == {
        "finish_reason": "stop",
        "usage": {"prompt_tokens": 7, "completion_tokens": 8},
        "grounding": {"quoted": 1, "supported": 2, "cited": 3, "no_claim": 4, "fixed": 5, "withheld": 6},
        "timings": {"total": 12.5},
    }
    for frame in told:
        EVENTS[frame.name].model_validate(frame.data)


async def test_the_question_reaches_the_orchestrator_as_it_was_asked(
    orchestrator: FakeOrchestrator, gateway: RunningGateway
) -> None:
    body = {
        "query": "  Une question\nsur deux lignes ?  ",
        "language": "en-GB",
        "user_nationality": "ma",
        "as_of": "2026-01-15",
        "model": "a-model",
    }

    await gateway.http.post("/chat/stream", json=body)

    asked = orchestrator.asked[0]
    assert asked.query == "Une question\nsur deux lignes ?"
    assert (asked.language, asked.user_nationality, asked.as_of, asked.model) == ("en", "MA", "2026-01-15", "a-model")
    assert (asked.new_thread, asked.resumable) == (True, False)


async def test_the_stream_tells_proxies_to_let_it_through(gateway: RunningGateway) -> None:
    response = await gateway.http.post("/chat/stream", json={"query": "Une question ?"})

    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert response.headers["x-accel-buffering"] == "no"


async def test_each_event_leaves_as_soon_as_it_comes(orchestrator: FakeOrchestrator, gateway: RunningGateway) -> None:
    go_on = asyncio.Event()
    orchestrator.play(meta(), go_on, token("Une phrase."), done())

    async with gateway.http.stream("POST", "/chat/stream", json={"query": "Une question ?"}) as response:
        chunks = response.aiter_raw()
        assert b"event: meta" in await next_chunk(chunks)
        go_on.set()
        rest = b"".join([chunk async for chunk in chunks])

    assert [frame.name for frame in frames(rest.decode())] == ["token", "done"]


async def test_the_first_bytes_do_not_wait_for_a_slow_turn(orchestrator: FakeOrchestrator, address: str) -> None:
    orchestrator.play(asyncio.Event())

    async with (
        running_gateway(address, first_event_timeout_s=60) as gateway,
        gateway.http.stream("POST", "/chat/stream", json={"query": "Une question ?"}) as response,
    ):
        assert await next_chunk(response.aiter_raw()) == b": \n\n"


async def test_silence_is_filled_with_heartbeats(orchestrator: FakeOrchestrator, address: str) -> None:
    orchestrator.play(meta(), asyncio.Event())

    async with (
        running_gateway(address, heartbeat_s=0.01) as gateway,
        gateway.http.stream("POST", "/chat/stream", json={"query": "Une question ?"}) as response,
    ):
        chunks = response.aiter_raw()
        assert b"event: meta" in await next_chunk(chunks)
        assert [await next_chunk(chunks) for _ in range(3)] == [b": \n\n"] * 3


async def test_an_orchestrator_that_is_not_there_is_an_error_in_the_stream_within_two_seconds() -> None:
    before = value("degraded_total", dependency="orchestrator")

    async with running_gateway(free_address()) as gateway:
        asked_at = time.monotonic()
        told = await ask(gateway)

    assert time.monotonic() - asked_at < 2
    assert [frame.name for frame in told] == ["error", "done"]
    assert (told[0].data["code"], told[0].data["retryable"]) == ("unavailable", True)
    assert told[1].data["finish_reason"] == "error"
    assert value("degraded_total", dependency="orchestrator") == before + 1


async def test_an_orchestrator_that_hangs_is_told_in_time_and_its_call_ended(
    orchestrator: FakeOrchestrator, address: str
) -> None:
    orchestrator.play(asyncio.Event())

    async with running_gateway(address, first_event_timeout_s=0.1) as gateway:
        told = await ask(gateway)
        await asyncio.wait_for(orchestrator.left.wait(), 10)

    assert [(frame.name, frame.data.get("code")) for frame in told] == [("error", "unavailable"), ("done", None)]


@pytest.mark.parametrize(
    ("code", "told_as", "retryable"),
    [
        (grpc.StatusCode.UNAVAILABLE, "unavailable", True),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "timeout", True),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "overloaded", True),
        (grpc.StatusCode.CANCELLED, "interrupted", True),
        (grpc.StatusCode.INTERNAL, "internal", False),
        (grpc.StatusCode.UNKNOWN, "internal", False),
        (grpc.StatusCode.DATA_LOSS, "internal", False),
    ],
)
async def test_a_call_that_breaks_off_ends_with_error_and_done(
    orchestrator: FakeOrchestrator, gateway: RunningGateway, code: grpc.StatusCode, told_as: str, retryable: bool
) -> None:
    orchestrator.play(meta(), token("Une phrase."), Break(code))

    told = await ask(gateway)

    assert [frame.name for frame in told] == ["meta", "token", "error", "done"]
    assert (told[2].data["code"], told[2].data["retryable"]) == (told_as, retryable)
    assert "a detail" not in str(told[2].data)
    assert told[2].id is None


async def test_a_turn_that_lasts_too_long_is_cut_with_error_and_done(
    orchestrator: FakeOrchestrator, address: str
) -> None:
    orchestrator.play(meta(), asyncio.Event())

    async with running_gateway(address, turn_timeout_s=0.2) as gateway:
        told = await ask(gateway)

    assert [(frame.name, frame.data.get("code")) for frame in told[1:]] == [("error", "timeout"), ("done", None)]


@pytest.mark.parametrize(
    ("code", "http_status"), [(grpc.StatusCode.NOT_FOUND, 404), (grpc.StatusCode.INVALID_ARGUMENT, 422)]
)
async def test_what_the_orchestrator_refuses_at_once_is_no_stream(
    orchestrator: FakeOrchestrator, gateway: RunningGateway, code: grpc.StatusCode, http_status: int
) -> None:
    orchestrator.play(Break(code))

    for path in ("/chat/stream", "/chat"):
        response = await gateway.http.post(path, json={"query": "Une question ?"})
        assert response.status_code == http_status
        assert "a detail" not in response.text


async def test_the_field_that_the_orchestrator_refuses_is_named(
    orchestrator: FakeOrchestrator, gateway: RunningGateway
) -> None:
    orchestrator.play(Break(grpc.StatusCode.INVALID_ARGUMENT, "model: not one of ListModels"))

    response = await gateway.http.post("/chat/stream", json={"query": "Une question ?", "model": "another"})

    assert (response.status_code, response.json()["error"]["field"]) == (422, "model")
    assert "ListModels" not in response.text


async def test_leaving_ends_the_call_at_once(orchestrator: FakeOrchestrator, gateway: RunningGateway) -> None:
    orchestrator.play(meta(), asyncio.Event())

    async with gateway.http.stream("POST", "/chat/stream", json={"query": "Une question ?"}) as response:
        await next_chunk(response.aiter_raw())
    left_at = time.monotonic()
    await asyncio.wait_for(orchestrator.left.wait(), 10)

    assert time.monotonic() - left_at < 1
    await gateway.parts.streams.wait_until_idle()


@pytest.mark.parametrize("path", ["/chat/stream", "/chat"])
@pytest.mark.parametrize("first", [[], [meta()]], ids=["before the first event", "after it"])
async def test_leaving_while_nothing_has_come_back_ends_the_call_too(
    orchestrator: FakeOrchestrator, gateway: RunningGateway, path: str, first: list[pb.TurnEvent]
) -> None:
    orchestrator.play(*first, asyncio.Event())

    asking = asyncio.create_task(gateway.http.post(path, json={"query": "Une question ?"}))
    await asyncio.wait_for(orchestrator.heard.wait(), 10)
    asking.cancel()

    await asyncio.wait_for(orchestrator.left.wait(), 10)
    await gateway.parts.streams.wait_until_idle()


async def test_one_idempotency_key_starts_one_turn(orchestrator: FakeOrchestrator, gateway: RunningGateway) -> None:
    first, second = [(await ask(gateway, headers=KEY))[0].data for _ in range(2)]

    assert first == second
    assert first["resumable"] is True
    assert len({request.message_id for request in orchestrator.asked}) == 1


async def test_without_a_key_each_question_is_a_turn_and_a_thread_of_its_own(
    orchestrator: FakeOrchestrator, gateway: RunningGateway
) -> None:
    await ask(gateway)
    await ask(gateway)

    assert len({request.message_id for request in orchestrator.asked}) == 2
    assert len({request.thread_id for request in orchestrator.asked}) == 2


async def test_a_thread_goes_on(orchestrator: FakeOrchestrator, gateway: RunningGateway) -> None:
    first = await ask(gateway)
    body = {"query": "Et ensuite ?", "thread_id": first[0].data["thread_id"]}

    await gateway.http.post("/chat/stream", json=body)

    assert orchestrator.asked[1].thread_id == orchestrator.asked[0].thread_id
    assert orchestrator.asked[1].new_thread is False


async def test_a_lost_stream_is_resumed_after_the_last_event_that_came(
    orchestrator: FakeOrchestrator, gateway: RunningGateway
) -> None:
    go_on = asyncio.Event()
    orchestrator.play(meta(), status("answering"), go_on, token("Une phrase."), done())
    request: dict[str, Any] = {"json": {"query": "Une question ?"}, "headers": KEY}
    async with gateway.http.stream("POST", "/chat/stream", **request) as response:
        await next_chunk(response.aiter_raw())
    await asyncio.wait_for(orchestrator.left.wait(), 10)
    go_on.set()

    message_id = orchestrator.asked[0].message_id
    resumed = await gateway.http.get(f"/chat/stream/{message_id}", headers={"Last-Event-ID": "2"})

    assert [(frame.id, frame.name) for frame in frames(resumed.text)] == [("3", "token"), ("4", "done")]


async def test_a_resumed_stream_may_be_silent_for_long(orchestrator: FakeOrchestrator, address: str) -> None:
    go_on = asyncio.Event()
    orchestrator.play(meta(), go_on, done())

    async with running_gateway(address, first_event_timeout_s=0.1, heartbeat_s=0.1) as gateway:
        request: dict[str, Any] = {"json": {"query": "Une question ?"}, "headers": KEY}
        async with gateway.http.stream("POST", "/chat/stream", **request) as response:
            await next_chunk(response.aiter_raw())
        path = f"/chat/stream/{orchestrator.asked[0].message_id}"
        async with gateway.http.stream("GET", path, headers={"Last-Event-ID": "1"}) as response:
            chunks = response.aiter_raw()
            assert [await next_chunk(chunks) for _ in range(3)] == [b": \n\n"] * 3
            go_on.set()
            rest = b"".join([chunk async for chunk in chunks])

    assert rest.endswith(b"\n\n")
    assert b"event: done" in rest


async def test_an_unknown_turn_is_a_404_before_any_stream(gateway: RunningGateway) -> None:
    message_id = gateway.parts.ids.new("message", "")

    response = await gateway.http.get(f"/chat/stream/{message_id}")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


async def test_stopping_ends_the_stream_as_cancelled(orchestrator: FakeOrchestrator, gateway: RunningGateway) -> None:
    orchestrator.play(meta(), asyncio.Event())

    async with gateway.http.stream("POST", "/chat/stream", json={"query": "?"}, headers=KEY) as response:
        chunks = response.aiter_raw()
        await next_chunk(chunks)
        stopped = await gateway.http.delete(f"/chat/stream/{orchestrator.asked[0].message_id}")
        rest = b"".join([chunk async for chunk in chunks])

    assert stopped.status_code == 204
    assert frames(rest.decode())[-1].data["finish_reason"] == "cancelled"


async def test_when_all_places_are_taken_the_next_question_is_told_to_come_back(
    orchestrator: FakeOrchestrator, address: str
) -> None:
    orchestrator.play(meta(), asyncio.Event())

    async with (
        running_gateway(address, max_streams=1) as gateway,
        gateway.http.stream("POST", "/chat/stream", json={"query": "Une question ?"}) as response,
    ):
        chunks = response.aiter_raw()
        await next_chunk(chunks)
        active = value("chat_active_streams")
        refused = await gateway.http.post("/chat", json={"query": "Une autre ?"})

    assert active == 1
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "too_many_streams"
    assert int(refused.headers["retry-after"]) >= 1


async def test_a_caller_that_asks_too_often_is_told_when_to_come_back(address: str) -> None:
    async with running_gateway(address, requests_per_minute=2) as gateway:
        answers = [await gateway.http.post("/chat", json={"query": "Une question ?"}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 30


async def test_the_first_token_is_timed_once_for_each_answer(
    orchestrator: FakeOrchestrator, gateway: RunningGateway
) -> None:
    before = value("chat_time_to_first_token_seconds_count")
    orchestrator.play(meta(), token("Un. "), token("Deux."), done())

    await ask(gateway)

    assert value("chat_time_to_first_token_seconds_count") == before + 1


async def test_a_resumed_answer_is_not_timed_again(orchestrator: FakeOrchestrator, gateway: RunningGateway) -> None:
    await ask(gateway, headers=KEY)
    before = value("chat_time_to_first_token_seconds_count")

    await gateway.http.get(f"/chat/stream/{orchestrator.asked[0].message_id}")

    assert value("chat_time_to_first_token_seconds_count") == before


@pytest.mark.parametrize(
    ("path", "route", "code"),
    [
        ("/threads/t_unknown", "/threads/{thread_id}", "404"),
        ("/livez", "/livez", "200"),
        ("/web/main.js", "/web", "200"),
        ("/anything/at/all", "unmatched", "404"),
    ],
)
async def test_requests_are_counted_by_the_template_of_their_route(
    bare: RunningGateway, path: str, route: str, code: str
) -> None:
    labels = {"route": route, "method": "GET", "code": code}
    before = value("http_server_requests_total", **labels)

    await bare.http.get(path)

    assert value("http_server_requests_total", **labels) == before + 1
