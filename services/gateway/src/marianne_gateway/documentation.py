"""The OpenAPI description of what FastAPI cannot see by itself: streams, whole answers, errors."""

from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from marianne_gateway import sse
from marianne_gateway.event_schemas import EVENTS, Answer, ErrorBody

Responses = dict[int | str, dict[str, Any]]

_REF = "#/components/schemas/{model}"

_EXAMPLE_EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("status", {"stage": "retrieving"}),
    (
        "token",
        {
            "text": "Une phrase de la réponse, avec sa source. ",
            "lang": "fr",
            "citations": ["1.2"],
            "verdict": "supported",
        },
    ),
    (
        "token",
        {
            "text": "Une phrase reprise mot pour mot d’un texte officiel.",
            "lang": "fr",
            "citations": ["2.1"],
            "verdict": "quoted",
            "replaces": "unsupported_fact",
        },
    ),
    (
        "done",
        {
            "finish_reason": "stop",
            "usage": {"prompt_tokens": 812, "completion_tokens": 64},
            "grounding": {"quoted": 1, "supported": 1, "cited": 0, "no_claim": 0, "fixed": 0, "withheld": 1},
            "timings": {"first_token": 640.0, "total": 1890.0},
        },
    ),
]
_EXAMPLE = b"".join(
    sse.frame(name, payload, sequence) for sequence, (name, payload) in enumerate(_EXAMPLE_EVENTS, start=1)
).decode()

# https://spec.openapis.org/oas/v3.2.0.html#server-sent-event-streams
_EVENT_SCHEMA = {
    "oneOf": [
        {
            "type": "object",
            "title": name,
            "required": ["event", "data"],
            "properties": {
                "id": {"type": "string", "description": "Place de l’événement dans son tour, pour `Last-Event-ID`."},
                "event": {"const": name},
                "data": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": {"$ref": _REF.format(model=model.__name__)},
                },
            },
        }
        for name, model in EVENTS.items()
    ]
}

STREAM: Responses = {
    200: {
        "description": "Les événements du tour : " + " · ".join(f"`{name}`" for name in EVENTS),
        "content": {"text/event-stream": {"itemSchema": _EVENT_SCHEMA, "example": _EXAMPLE}},
    }
}
ANSWER: Responses = {
    200: {"description": "La réponse entière.", "model": Answer},
    **{status: {"description": "Le tour a échoué.", "model": Answer} for status in (502, 503, 504)},
}
ERRORS: Responses = {
    401: {"description": "Clé d’accès absente ou inconnue.", "model": ErrorBody},
    404: {"description": "Identifiant inconnu, expiré, ou d’une autre clé.", "model": ErrorBody},
    413: {"description": "Plus de 64 Kio, ou de 1 Mio pour une conversation entière.", "model": ErrorBody},
    422: {"description": "Une valeur n’est pas acceptée ; `field` la nomme.", "model": ErrorBody},
    429: {"description": "Trop de demandes ; `Retry-After` dit quand réessayer, en secondes.", "model": ErrorBody},
    503: {"description": "Marianne est momentanément indisponible.", "model": ErrorBody},
}


def install(app: FastAPI) -> None:
    """Makes `app` describe itself, once, when first asked."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents


def _described(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    models: list[tuple[type[BaseModel], Literal["serialization"]]]
    models = [(model, "serialization") for model in EVENTS.values()]
    _, definitions = models_json_schema(models, ref_template=_REF)
    schema["components"]["schemas"] |= definitions["$defs"]
    return schema
