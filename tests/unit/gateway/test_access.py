import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.gateway import RunningGateway, bare_gateway
from support.orchestrator import FakeOrchestrator

MAYA = {"Authorization": "Bearer key-of-maya"}
OMAR = {"X-API-Key": "key-of-omar"}


@pytest.fixture(name="guarded")
async def _guarded(address: str, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    holders = {"maya": b"key-of-maya", "omar": b"key-of-omar"}
    file = tmp_path / "keys"
    file.write_text("\n".join(f"{name} {hashlib.sha256(key).hexdigest()}" for name, key in holders.items()))
    async with bare_gateway(address, api_keys_file=file, requests_per_minute=20) as gateway:
        yield gateway


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic key-of-maya"}, {"X-API-Key": ""}],
    ids=["none", "wrong", "not a bearer", "empty"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/chat/stream"),
        ("POST", "/chat"),
        ("GET", "/chat/stream/m_1"),
        ("DELETE", "/chat/stream/m_1"),
        ("GET", "/threads/t_1"),
        ("DELETE", "/threads/t_1"),
        ("POST", "/feedback"),
    ],
)
async def test_where_keys_are_configured_every_route_asks_for_one(
    guarded: RunningGateway, method: str, path: str, headers: dict[str, str]
) -> None:
    response = await guarded.http.request(method, path, headers=headers, json={"query": "?"})

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "unauthorized"
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("headers", [MAYA, OMAR], ids=["Authorization", "X-API-Key"])
async def test_a_known_key_opens_in_either_header(guarded: RunningGateway, headers: dict[str, str]) -> None:
    response = await guarded.http.post("/chat", json={"query": "?"}, headers=headers)

    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/page.json", "/livez", "/readyz"])
async def test_page_reference_and_probes_need_none(guarded: RunningGateway, path: str) -> None:
    await asyncio.wait_for(guarded.parts.reached.wait(), 10)

    assert (await guarded.http.get(path)).status_code == 200


async def test_the_ids_of_one_key_mean_nothing_to_another(
    guarded: RunningGateway, orchestrator: FakeOrchestrator
) -> None:
    answer = (await guarded.http.post("/chat", json={"query": "?"}, headers=MAYA)).json()
    thread_id, message_id = answer["thread_id"], answer["message_id"]

    attempts = [
        await guarded.http.get(f"/threads/{thread_id}", headers=OMAR),
        await guarded.http.delete(f"/threads/{thread_id}", headers=OMAR),
        await guarded.http.get(f"/chat/stream/{message_id}", headers=OMAR),
        await guarded.http.delete(f"/chat/stream/{message_id}", headers=OMAR),
        await guarded.http.post("/feedback", json={"message_id": message_id, "score": "up"}, headers=OMAR),
        await guarded.http.post("/chat", json={"query": "?", "thread_id": thread_id}, headers=OMAR),
    ]

    assert [attempt.status_code for attempt in attempts] == [404] * 6
    assert len(orchestrator.asked) == 1
    assert (orchestrator.read, orchestrator.stopped, orchestrator.erased, orchestrator.feedback) == ([], [], [], [])


async def test_the_same_idempotency_key_of_two_holders_names_two_turns(
    guarded: RunningGateway, orchestrator: FakeOrchestrator
) -> None:
    for headers in (MAYA, OMAR):
        await guarded.http.post("/chat", json={"query": "?"}, headers=headers | {"Idempotency-Key": "once"})

    assert len({request.message_id for request in orchestrator.asked}) == 2


async def test_one_holder_does_not_use_up_anothers_requests(guarded: RunningGateway) -> None:
    for _ in range(21):
        last = await guarded.http.get("/threads/t_1", headers=MAYA)

    assert last.status_code == 429
    assert (await guarded.http.get("/threads/t_1", headers=OMAR)).status_code == 404


async def test_the_page_knows_that_a_key_is_needed(guarded: RunningGateway) -> None:
    assert (await guarded.http.get("/page.json")).json()["key_required"] is True


async def test_a_signing_key_keeps_ids_valid_on_another_replica(address: str) -> None:
    signing = {"signing_key": "0123456789abcdef" * 2}
    async with bare_gateway(address, **signing) as one, bare_gateway(address, **signing) as other:
        thread_id = (await one.http.post("/chat", json={"query": "?"})).json()["thread_id"]
        response = await other.http.get(f"/threads/{thread_id}")

    assert response.status_code == 200


async def test_without_one_ids_hold_for_one_process_only(address: str) -> None:
    async with bare_gateway(address) as one, bare_gateway(address) as other:
        thread_id = (await one.http.post("/chat", json={"query": "?"})).json()["thread_id"]
        response = await other.http.get(f"/threads/{thread_id}")

    assert response.status_code == 404
