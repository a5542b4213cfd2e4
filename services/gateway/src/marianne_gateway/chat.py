"""Questions and their answers."""

import re
from typing import Annotated

from fastapi import APIRouter, Header, Response

from marianne_gateway.admission import AskedQuestion, Holder, Slot, require_own
from marianne_gateway.documentation import ANSWER, ERRORS, STREAM
from marianne_gateway.errors import Refusal
from marianne_gateway.gateway import CurrentGateway
from marianne_gateway.responses import TurnStream, WholeAnswer

router = APIRouter(tags=["Questions"], responses=ERRORS)

_SEQUENCE = re.compile(r"\d{1,18}", re.ASCII)


@router.post(
    "/chat/stream",
    summary="Poser une question, lire la réponse au fil de l’eau",
    status_code=200,
    response_class=TurnStream,
    responses=STREAM,
)
async def ask_streaming(question: AskedQuestion, gateway: CurrentGateway, _slot: Slot) -> TurnStream:
    """La réponse est un flux d’événements (`text/event-stream`). Chaque phrase est vérifiée avant de partir ; les
    textes des événements `token`, mis bout à bout, forment la réponse entière. `done` vient toujours en dernier, après
    une erreur aussi. Une ligne de commentaire part toutes les quinze secondes de silence.
    """
    return TurnStream(gateway.orchestrator.ask(question), question.language or None, gateway.settings.heartbeat_s)


@router.post("/chat", summary="Poser une question, lire la réponse entière", responses=ANSWER)
async def ask(question: AskedQuestion, gateway: CurrentGateway, _slot: Slot) -> WholeAnswer:
    """La même réponse que celle du flux, en un seul objet JSON. Si le tour a échoué, le statut est 502, 503 ou 504 et
    `error` dit pourquoi.
    """
    return WholeAnswer(gateway.orchestrator.ask(question), question.language or None)


@router.get(
    "/chat/stream/{message_id}",
    summary="Reprendre un flux coupé",
    status_code=200,
    response_class=TurnStream,
    responses=STREAM,
)
async def resume(
    message_id: str,
    gateway: CurrentGateway,
    holder: Holder,
    _slot: Slot,
    last_event_id: Annotated[
        str | None,
        Header(alias="Last-Event-ID", description="Numéro du dernier événement reçu ; absent : depuis le premier."),
    ] = None,
) -> TurnStream:
    """Donne les événements qui suivent `Last-Event-ID`, et attend ceux qui restent à venir. N’importe quelle instance
    de la passerelle peut répondre.
    """
    require_own(gateway, holder, "message", message_id)
    if last_event_id and not _SEQUENCE.fullmatch(last_event_id):
        raise Refusal(422, "invalid_request", field="Last-Event-ID", key="last_event_id")
    events = gateway.orchestrator.resume(message_id, int(last_event_id or 0))
    return TurnStream(events, None, gateway.settings.heartbeat_s, resumed=True)


@router.delete("/chat/stream/{message_id}", summary="Arrêter une réponse", status_code=204)
async def stop(message_id: str, gateway: CurrentGateway, holder: Holder) -> Response:
    """Le flux en cours se termine par `done`, avec `finish_reason: cancelled`."""
    require_own(gateway, holder, "message", message_id)
    await gateway.orchestrator.stop(message_id)
    return Response(status_code=204)
