from typing import Any

import pytest

from marianne_gateway.event_schemas import EVENTS
from support.gateway import RunningGateway, frames


@pytest.fixture(name="openapi")
async def _openapi(bare: RunningGateway) -> dict[str, Any]:
    described: dict[str, Any] = (await bare.http.get("/openapi.json")).json()
    return described


def test_every_public_route_is_described(openapi: dict[str, Any]) -> None:
    assert set(openapi["paths"]) == {
        "/v1/chat/completions",
        "/v1/models",
        "/v1/models/{name}",
        "/chat/stream",
        "/chat/stream/{message_id}",
        "/chat",
        "/threads/{thread_id}",
        "/feedback",
    }
    for path in openapi["paths"].values():
        assert all(operation["summary"] for operation in path.values())


def test_the_stream_is_described_event_by_event(openapi: dict[str, Any]) -> None:
    content = openapi["paths"]["/chat/stream"]["post"]["responses"]["200"]["content"]["text/event-stream"]

    described = {kind["title"]: kind["properties"]["data"]["contentSchema"] for kind in content["itemSchema"]["oneOf"]}

    assert described.keys() == EVENTS.keys()
    for reference in described.values():
        assert reference["$ref"].removeprefix("#/components/schemas/") in openapi["components"]["schemas"]


def test_its_example_is_a_real_stream(openapi: dict[str, Any]) -> None:
    content = openapi["paths"]["/chat/stream"]["post"]["responses"]["200"]["content"]["text/event-stream"]

    example = frames(content["example"])

    assert example[-1].name == "done"
    for frame in example:
        EVENTS[frame.name].model_validate(frame.data)


def test_both_ways_to_send_a_key_are_described(openapi: dict[str, Any]) -> None:
    assert len(openapi["components"]["securitySchemes"]) == 2


def test_no_reference_leads_nowhere(openapi: dict[str, Any]) -> None:
    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            here = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return here + [found for value in node.values() for found in references(value)]
        return [found for value in node for found in references(value)] if isinstance(node, list) else []

    for reference in references(openapi):
        assert reference.removeprefix("#/components/schemas/") in openapi["components"]["schemas"]
