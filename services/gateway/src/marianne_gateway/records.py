"""What is kept: conversations, and what readers thought of answers."""

from fastapi import APIRouter, Response

from marianne_gateway.admission import Holder, require_own
from marianne_gateway.documentation import ERRORS
from marianne_gateway.event_schemas import Thread
from marianne_gateway.gateway import CurrentGateway
from marianne_gateway.request_bodies import FeedbackRequest

router = APIRouter(tags=["Conversations"], responses=ERRORS)


@router.get("/threads/{thread_id}", summary="Relire une conversation", response_model=Thread)
async def read_thread(thread_id: str, gateway: CurrentGateway, holder: Holder) -> dict[str, object]:
    """Les questions telles qu’elles ont été conservées, sans données personnelles, et le texte des réponses. Une
    conversation expirée est vide.
    """
    require_own(gateway, holder, "thread", thread_id)
    turns = await gateway.orchestrator.turns(thread_id)
    return {"thread_id": thread_id, "memory": "kept" if turns else "expired", "turns": turns}


@router.delete("/threads/{thread_id}", summary="Effacer une conversation", status_code=204)
async def erase_thread(thread_id: str, gateway: CurrentGateway, holder: Holder) -> Response:
    require_own(gateway, holder, "thread", thread_id)
    await gateway.orchestrator.forget(thread_id)
    return Response(status_code=204)


@router.post("/feedback", summary="Donner son avis sur une réponse", status_code=204)
async def give_feedback(feedback: FeedbackRequest, gateway: CurrentGateway, holder: Holder) -> Response:
    """L’avis est rattaché à la trace et à l’enregistrement d’audit de la réponse."""
    require_own(gateway, holder, "message", feedback.message_id)
    await gateway.orchestrator.record_feedback(feedback.message_id, feedback.score, feedback.reason, feedback.comment)
    return Response(status_code=204)
