"""The door for clients of OpenAI's API."""

from typing import Annotated, Any

from fastapi import APIRouter, Header
from starlette.responses import Response

from marianne_gateway import chores
from marianne_gateway.admission import Holder, Slot, require_own
from marianne_gateway.errors import Refusal
from marianne_gateway.gateway import CurrentGateway, Gateway
from marianne_gateway.openai_bodies import CompletionRequest
from marianne_gateway.openai_completions import (
    Completion,
    CompletionStream,
    FixedStream,
    WholeCompletion,
    fixed_answer,
)
from marianne_gateway.orchestrator_client import Question

router = APIRouter(prefix="/v1", tags=["API compatible avec OpenAI"])


ChatId = Annotated[
    str | None, Header(alias="X-OpenWebUI-Chat-Id", max_length=200, description="La conversation d’Open WebUI.")
]


@router.post("/chat/completions", summary="Poser une question par l’API d’OpenAI", response_class=Response)
async def complete(
    body: CompletionRequest, gateway: CurrentGateway, holder: Holder, _slot: Slot, chat_id: ChatId = None
) -> Response:
    """La dernière question de la conversation, et sa réponse vérifiée. Les sources sont des liens à la fin du texte, et
    en entier dans le champ `marianne`, avec `thread_id` pour poursuivre la conversation.
    """
    include_usage = bool(body.stream_options and body.stream_options.include_usage)
    if chores.is_chore(body.prompt):
        completion = Completion(f"chatcmpl-{gateway.ids.new('message', holder)}", body.model)
        text = chores.answer(body.prompt, body.first_question)
        if body.stream:
            return FixedStream(text, completion, include_usage=include_usage)
        return fixed_answer(text, completion)
    question = _question(body, gateway, holder, chat_id)
    completion = Completion(f"chatcmpl-{question.message_id}", body.model)
    events = gateway.orchestrator.ask(question)
    if body.stream:
        return CompletionStream(events, completion, gateway.settings.heartbeat_s, include_usage=include_usage)
    return WholeCompletion(events, completion)


@router.get("/models", summary="Les modèles que l’on peut nommer")
async def list_models(gateway: CurrentGateway, _holder: Holder) -> dict[str, Any]:
    return {"object": "list", "data": [_model(name) for name in await gateway.orchestrator.models()]}


@router.get("/models/{name:path}", summary="Un modèle")
async def read_model(name: str, gateway: CurrentGateway, _holder: Holder) -> dict[str, Any]:
    if name not in await gateway.orchestrator.models():
        raise Refusal(422, "invalid_request", field="model")
    return _model(name)


def _question(body: CompletionRequest, gateway: Gateway, holder: str, chat_id: str | None) -> Question:
    """The last message of the user, and no other: what a client says that it or we said before is not to be trusted.

    Earlier turns count through the thread alone, which holds what was really asked and answered: the one that the
    client names, or that of its chat.
    """
    asked = body.question()
    if asked.thread_id is not None:
        require_own(gateway, holder, "thread", asked.thread_id)
    known = asked.thread_id or (gateway.ids.derived("thread", holder, f"openwebui {chat_id}") if chat_id else None)
    return Question(
        query=asked.query,
        thread_id=known or gateway.ids.new("thread", holder),
        message_id=gateway.ids.new("message", holder),
        new_thread=known is None or (asked.thread_id is None and body.is_first),
        resumable=False,
        model=body.model,
    )


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "marianne"}
