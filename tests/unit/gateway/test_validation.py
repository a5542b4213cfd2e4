import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest

from marianne_gateway.countries import COUNTRIES
from support.gateway import RunningGateway
from support.orchestrator import FakeOrchestrator

SECRET = "mon-secret-a-moi"
FAR = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=4 * 366)).isoformat()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "query"),
        ({"query": None}, "query"),
        ({"query": 12}, "query"),
        ({"query": [SECRET]}, "query"),
        ({"query": ""}, "query"),
        ({"query": " \n\t\N{NO-BREAK SPACE}"}, "query"),
        ({"query": SECRET + "x" * 2000}, "query"),
        ({"query": SECRET + "\x00"}, "query"),
        ({"query": f"{SECRET}\rfin"}, "query"),
        ({"query": SECRET + "\x1b[2J"}, "query"),
        ({"query": f"{SECRET}\x85fin"}, "query"),
        ({"query": "?", "language": "de"}, "language"),
        ({"query": "?", "language": SECRET}, "language"),
        ({"query": "?", "language": ""}, "language"),
        ({"query": "?", "language": "fr_FR"}, "language"),
        ({"query": "?", "user_nationality": "XX"}, "user_nationality"),
        ({"query": "?", "user_nationality": "FRA"}, "user_nationality"),
        ({"query": "?", "user_nationality": SECRET}, "user_nationality"),
        ({"query": "?", "as_of": SECRET}, "as_of"),
        ({"query": "?", "as_of": "2026-02-30"}, "as_of"),
        ({"query": "?", "as_of": 20260101}, "as_of"),
        ({"query": "?", "as_of": "2026-01-01T00:00:00"}, "as_of"),
        ({"query": "?", "as_of": FAR}, "as_of"),
        ({"query": "?", "model": ""}, "model"),
        ({"query": "?", "model": 3}, "model"),
        ({"query": "?", "thread_id": SECRET * 10}, "thread_id"),
        ({"query": "?", "temperature": SECRET}, "temperature"),
        ({"query": "?", f"{SECRET} !": 1}, "body"),
        ([SECRET], "body"),
        (SECRET, "body"),
        (None, "body"),
    ],
)
async def test_a_bad_value_is_refused_with_its_field_and_never_repeated(
    bare: RunningGateway, orchestrator: FakeOrchestrator, body: Any, field: str
) -> None:
    for path in ("/chat/stream", "/chat"):
        response = await bare.http.post(path, json=body)

        assert response.status_code == 422
        error = response.json()["error"]
        assert (error["code"], error["field"]) == ("invalid_request", field)
        assert SECRET not in response.text
    assert orchestrator.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"{" + SECRET.encode(),
        b"[" * 60_000,
        b'{"query": "\xff\xfe"}',
        b'{"query": "\\ud800"}',
        b'{"query": 1' + b"0" * 5_000 + b"}",
        b"",
    ],
    ids=["cut", "deep", "not UTF-8", "surrogate", "long number", "empty"],
)
async def test_what_is_no_sound_json_is_refused(bare: RunningGateway, body: bytes) -> None:
    response = await bare.http.post("/chat", content=body, headers={"Content-Type": "application/json"})

    assert response.status_code in {400, 422}
    assert response.json()["error"]["field"] in {"body", "query"}
    assert SECRET not in response.text


async def test_json_must_be_said_to_be_json(bare: RunningGateway) -> None:
    response = await bare.http.post("/chat", content=b'{"query": "?"}')

    assert response.json()["error"]["field"] == "body"


@pytest.mark.parametrize("query", ["?", "x" * 2000, "Ligne 1\nLigne 2\tfin", "\N{ARABIC LETTER ALEF}ختبار", "🙂"])
async def test_everything_else_is_a_question(bare: RunningGateway, orchestrator: FakeOrchestrator, query: str) -> None:
    await bare.http.post("/chat", json={"query": query})

    assert orchestrator.asked[0].query == query


async def test_two_thousand_characters_are_counted_after_the_edges_are_trimmed(bare: RunningGateway) -> None:
    response = await bare.http.post("/chat", json={"query": " " * 5000 + "x" * 2000 + " " * 5000})

    assert response.status_code == 200


@pytest.mark.parametrize(("tag", "language"), [("fr", "fr"), ("FR-ca", "fr"), ("pt-BR", "pt"), ("ar-Arab-DZ", "ar")])
async def test_a_language_tag_counts_by_its_language(
    bare: RunningGateway, orchestrator: FakeOrchestrator, tag: str, language: str
) -> None:
    await bare.http.post("/chat", json={"query": "?", "language": tag})

    assert orchestrator.asked[0].language == language


async def test_readers_of_english_are_told_in_english(bare: RunningGateway) -> None:
    response = await bare.http.post("/chat", json={"query": "", "language": "en"})

    assert response.json()["error"]["message"] == "This field cannot be empty."


@pytest.mark.parametrize("key", ["", "deux mots", "x" * 201, "clé".encode()])
async def test_an_idempotency_key_is_visible_ascii(bare: RunningGateway, key: str | bytes) -> None:
    raw = key if isinstance(key, bytes) else key.encode()

    response = await bare.http.post("/chat", json={"query": "?"}, headers={b"Idempotency-Key": raw})

    assert (response.status_code, response.json()["error"]["field"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize("place", ["-1", "one", "1.5", "9" * 30, "²"])
async def test_a_last_event_id_is_a_place_in_the_stream(bare: RunningGateway, place: str) -> None:
    message_id = bare.parts.ids.new("message", "")

    headers = {b"Last-Event-ID": place.encode()}
    response = await bare.http.get(f"/chat/stream/{message_id}", headers=headers)

    assert (response.status_code, response.json()["error"]["field"]) == (422, "Last-Event-ID")


async def test_a_large_body_is_refused_by_its_length_alone(gateway: RunningGateway) -> None:
    response = await gateway.http.post("/chat", content=b" " * 70_000, headers={"Content-Type": "application/json"})

    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")


async def test_a_large_body_without_a_length_is_refused_while_it_comes(gateway: RunningGateway) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b" " * 65_536

    response = await gateway.http.post("/chat", content=endless(), headers={"Content-Type": "application/json"})

    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "not_found"), ("PUT", "/chat", 405, "method_not_allowed")],
)
async def test_every_error_has_the_same_shape(
    bare: RunningGateway, method: str, path: str, status: int, code: str
) -> None:
    response = await bare.http.request(method, path)

    assert response.status_code == status
    assert response.json()["error"]["code"] == code


def test_there_are_249_countries() -> None:
    assert len(COUNTRIES) == 249
    assert all(len(code) == 2 and code.isascii() and code.isupper() for code in COUNTRIES)
