"""OrchestratorService: translates between proto and the domain, and errors into status codes."""

import re
from contextlib import aclosing
from datetime import date
from typing import Any, NoReturn, cast, get_args

import grpc

from marianne_orchestrator.event_messages import event_message
from marianne_orchestrator.feedback import Feedback, FeedbackBox, Score
from marianne_orchestrator.records import Question
from marianne_orchestrator.threads import ThreadStore, ThreadsUnavailableError
from marianne_orchestrator.turn_log import TurnsUnavailableError, UnknownTurnError
from marianne_orchestrator.turns import Turns
from marianne_proto.orchestrator.v1 import orchestrator_pb2 as pb
from marianne_proto.orchestrator.v1.orchestrator_pb2_grpc import OrchestratorServiceServicer

MAX_QUERY_CHARS = 2000
MAX_ID_CHARS = 200

_COUNTRY = re.compile(r"[A-Z]{2}")

Context = grpc.aio.ServicerContext[Any, Any]


class OrchestratorServicer(OrchestratorServiceServicer):
    def __init__(self, turns: Turns, threads: ThreadStore, feedback: FeedbackBox, models: tuple[str, ...]) -> None:
        self._turns = turns
        self._threads = threads
        self._feedback = feedback
        self._models = models

    async def HandleQuery(self, request: pb.HandleQueryRequest, context: Context) -> None:  # type: ignore[override]  # a coroutine that writes, not an iterator
        if complaint := self._complaint(request):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, complaint)
        question = Question(
            text=request.query,
            thread_id=request.thread_id,
            message_id=request.message_id,
            new_thread=request.new_thread,
            language=request.language,
            nationality=request.user_nationality,
            as_of=request.as_of,
            model=request.model,
            resumable=request.resumable,
        )
        try:
            async with aclosing(self._turns.ask(question)) as events:
                async for sequence, event in events:
                    await context.write(pb.HandleQueryResponse(event=event_message(sequence, event)))
        except TurnsUnavailableError:
            await _turns_away(context)

    async def ReadTurn(self, request: pb.ReadTurnRequest, context: Context) -> None:  # type: ignore[override]  # a coroutine that writes, not an iterator
        try:
            async with aclosing(self._turns.read(request.message_id, request.after_sequence)) as events:
                async for sequence, event in events:
                    await context.write(pb.ReadTurnResponse(event=event_message(sequence, event)))
        except UnknownTurnError:
            await context.abort(grpc.StatusCode.NOT_FOUND, "message_id: no such turn")
        except TurnsUnavailableError:
            await _turns_away(context)

    async def StopTurn(self, request: pb.StopTurnRequest, context: Context) -> pb.StopTurnResponse:
        try:
            await self._turns.stop(request.message_id)
        except TurnsUnavailableError:
            await _turns_away(context)
        return pb.StopTurnResponse()

    async def GetThread(self, request: pb.GetThreadRequest, context: Context) -> pb.GetThreadResponse:
        try:
            thread = await self._threads.load(request.thread_id)
        except ThreadsUnavailableError:
            await _threads_away(context)
        return pb.GetThreadResponse(
            turns=[
                pb.Turn(
                    message_id=exchange.message_id,
                    question=exchange.question,
                    answer=exchange.answer,
                    asked_at=exchange.asked_at,
                )
                for exchange in thread.exchanges
            ]
        )

    async def DeleteThread(self, request: pb.DeleteThreadRequest, context: Context) -> pb.DeleteThreadResponse:
        try:
            await self._threads.delete(request.thread_id)
        except ThreadsUnavailableError:
            await _threads_away(context)
        return pb.DeleteThreadResponse()

    async def RecordFeedback(self, request: pb.RecordFeedbackRequest, context: Context) -> pb.RecordFeedbackResponse:
        if complaint := _id_complaint(request, "message_id"):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, complaint)
        if request.score not in get_args(Score):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "score: must be up or down")
        score = cast(Score, request.score)
        await self._feedback.record(Feedback(request.message_id, score, request.reason, request.comment))
        return pb.RecordFeedbackResponse()

    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        models = [pb.Model(id=name, is_default=not place) for place, name in enumerate(self._models)]
        return pb.ListModelsResponse(models=models)

    def _complaint(self, request: pb.HandleQueryRequest) -> str | None:
        if not request.query.strip() or len(request.query) > MAX_QUERY_CHARS:
            return f"query: must have 1 to {MAX_QUERY_CHARS} characters"
        if complaint := _id_complaint(request, "thread_id", "message_id"):
            return complaint
        if request.user_nationality and not _COUNTRY.fullmatch(request.user_nationality):
            return "user_nationality: must be an ISO 3166-1 alpha-2 code such as DZ"
        if request.as_of and not _is_date(request.as_of):
            return "as_of: must be an ISO 8601 date such as 2026-01-31"
        if request.model and request.model not in self._models:
            return "model: not one of ListModels"
        return None


def _id_complaint(request: pb.HandleQueryRequest | pb.RecordFeedbackRequest, *fields: str) -> str | None:
    for field in fields:
        if not 1 <= len(getattr(request, field)) <= MAX_ID_CHARS:
            return f"{field}: must have 1 to {MAX_ID_CHARS} characters"
    return None


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


async def _threads_away(context: Context) -> NoReturn:
    await context.abort(grpc.StatusCode.UNAVAILABLE, "conversations are unavailable for now")


async def _turns_away(context: Context) -> NoReturn:
    await context.abort(grpc.StatusCode.UNAVAILABLE, "turns of other processes are unavailable for now")
