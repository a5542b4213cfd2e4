"""The orchestrator as the gateway sees it; the only place that knows its protos."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from marianne_chassis.shared_metrics import DEGRADED
from marianne_gateway.events import GROUNDING, Event, EventName, PeerError, PeerFault, PeerRefusalError
from marianne_proto.orchestrator.v1 import orchestrator_pb2 as pb
from marianne_proto.orchestrator.v1 import orchestrator_pb2_grpc

R = TypeVar("R")

_SERVICE = "marianne.orchestrator.v1.OrchestratorService"
# Unary methods that may be sent twice.
IDEMPOTENT_METHODS = tuple(f"{_SERVICE}/{name}" for name in ("StopTurn", "GetThread", "DeleteThread", "ListModels"))

_LAST_STATUS_S = 0.2
# Faults of a call rather than of its turn.
_BROKEN_OFF = frozenset({"unavailable", "interrupted"})
_FIELD = re.compile(r"([a-z_]{1,40}): ")
_FAULTS: dict[grpc.StatusCode, PeerFault] = {
    grpc.StatusCode.UNAVAILABLE: "unavailable",
    grpc.StatusCode.DEADLINE_EXCEEDED: "timeout",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "overloaded",
    grpc.StatusCode.CANCELLED: "interrupted",
}


@dataclass(frozen=True, slots=True)
class Question:
    """One turn as it is asked for; "" stands for what the user left open."""

    query: str
    thread_id: str
    message_id: str
    new_thread: bool
    resumable: bool
    language: str = ""
    user_nationality: str = ""
    as_of: str = ""
    model: str = ""


class Orchestrator:
    """Raises PeerError when the orchestrator is away or fails, PeerRefusalError when it does not know what is named."""

    def __init__(
        self, channel: grpc.aio.Channel, *, call_timeout_s: float, first_event_timeout_s: float, turn_timeout_s: float
    ) -> None:
        self._stub = orchestrator_pb2_grpc.OrchestratorServiceStub(channel)
        self._call_timeout_s = call_timeout_s
        self._first_event_timeout_s = first_event_timeout_s
        self._turn_timeout_s = turn_timeout_s

    def ask(self, question: Question) -> AsyncGenerator[Event]:
        """The events of a turn from its first, which a sound orchestrator sends at once. Closing cancels the call.

        A resumable turn whose call breaks off is read on from another orchestrator.
        """
        request = pb.HandleQueryRequest(
            query=question.query,
            thread_id=question.thread_id,
            message_id=question.message_id,
            new_thread=question.new_thread,
            language=question.language,
            user_nationality=question.user_nationality,
            as_of=question.as_of,
            model=question.model,
            resumable=question.resumable,
        )
        asked = self._events(self._stub.HandleQuery, request, first_within_s=self._first_event_timeout_s)
        return self._read_on(asked, question.message_id, resumable=False)

    def resume(self, message_id: str, after: int) -> AsyncGenerator[Event]:
        """The events that follow sequence `after`; the next one may be long in coming."""
        return self._read_on(self._rest(message_id, after), message_id, resumable=True)

    async def stop(self, message_id: str) -> None:
        await self._answer(self._stub.StopTurn(pb.StopTurnRequest(message_id=message_id), timeout=self._call_timeout_s))

    async def models(self) -> list[str]:
        """The names that a question may give, the default one first."""
        response = await self._answer(self._stub.ListModels(pb.ListModelsRequest(), timeout=self._call_timeout_s))
        return [model.id for model in sorted(response.models, key=lambda model: not model.is_default)]

    async def turns(self, thread_id: str) -> list[dict[str, Any]]:
        """The conversation, oldest turn first; empty when it is unknown or has expired."""
        request = pb.GetThreadRequest(thread_id=thread_id)
        response = await self._answer(self._stub.GetThread(request, timeout=self._call_timeout_s))
        return [_turn(turn) for turn in response.turns]

    async def forget(self, thread_id: str) -> None:
        request = pb.DeleteThreadRequest(thread_id=thread_id)
        await self._answer(self._stub.DeleteThread(request, timeout=self._call_timeout_s))

    async def record_feedback(self, message_id: str, score: str, reason: str, comment: str) -> None:
        request = pb.RecordFeedbackRequest(message_id=message_id, score=score, reason=reason, comment=comment)
        await self._answer(self._stub.RecordFeedback(request, timeout=self._call_timeout_s))

    async def _answer(self, call: Awaitable[R]) -> R:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise _translated(error) from error

    async def _read_on(
        self, events: AsyncGenerator[Event], message_id: str, *, resumable: bool
    ) -> AsyncGenerator[Event]:
        """The events, and the rest of the turn as often as the call breaks off after having brought something."""
        while True:
            after = 0
            try:
                async with aclosing(events):
                    async for event in events:
                        after = event.sequence or after
                        resumable = resumable or (event.name == "meta" and event.payload["resumable"])
                        yield event
            except PeerError as error:
                if not (resumable and after and error.code in _BROKEN_OFF):
                    raise
            else:
                return
            events = self._rest_or_interrupted(message_id, after)

    async def _rest_or_interrupted(self, message_id: str, after: int) -> AsyncGenerator[Event]:
        """A turn that was just read and is unknown went down with its orchestrator."""
        try:
            async with aclosing(self._rest(message_id, after)) as events:
                async for event in events:
                    yield event
        except PeerRefusalError as error:
            raise PeerError("interrupted") from error

    def _rest(self, message_id: str, after: int) -> AsyncGenerator[Event]:
        request = pb.ReadTurnRequest(message_id=message_id, after_sequence=after)
        return self._events(self._stub.ReadTurn, request, first_within_s=None)

    async def _events(
        self, method: Callable[..., Any], request: Message, *, first_within_s: float | None
    ) -> AsyncGenerator[Event]:
        # An orchestrator that is just restarting is waited for, as long as its first event may take.
        call = method(request, timeout=self._turn_timeout_s, wait_for_ready=first_within_s is not None)
        try:
            responses = aiter(call)
            async with asyncio.timeout(first_within_s):
                response = await anext(responses, None)
            while response is not None:
                if event := _event(response.event):
                    if event.name == "done":
                        await _ended(call)
                    yield event
                response = await anext(responses, None)
        except grpc.aio.AioRpcError as error:
            raise _translated(error) from error
        except TimeoutError as error:
            DEGRADED.labels("orchestrator").inc()
            raise PeerError("unavailable") from error
        finally:
            call.cancel()


async def _ended(call: grpc.aio.Call) -> None:
    """Lets a call that has nothing more to say end by itself, so that no trace shows it as cancelled."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_STATUS_S):
            await call.code()


def _translated(error: grpc.aio.AioRpcError) -> PeerError | PeerRefusalError:
    match error.code():
        case grpc.StatusCode.NOT_FOUND:
            return PeerRefusalError("not_found")
        case grpc.StatusCode.INVALID_ARGUMENT:
            # By contract its details begin with the name of the field.
            named = _FIELD.match(error.details() or "")
            return PeerRefusalError("invalid_request", named[1] if named else None)
        case code:
            DEGRADED.labels("orchestrator").inc()
            return PeerError(_FAULTS.get(code, "internal"))


def _event(event: pb.TurnEvent) -> Event | None:
    """None for a kind of event that this gateway does not know yet."""
    name: EventName | None = event.WhichOneof("event")
    if name is None:
        return None
    return Event(name, _PAYLOADS[name](getattr(event, name)), event.sequence)


def _meta(meta: pb.MetaEvent) -> dict[str, Any]:
    return {
        "thread_id": meta.thread_id,
        "message_id": meta.message_id,
        "trace_id": meta.trace_id,
        "trace_sampled": meta.trace_sampled,
        "model": meta.model,
        "language": meta.language,
        "memory": meta.memory,
        "resumable": meta.resumable,
        "corpus": {"name": meta.corpus.name, "snapshot_at": meta.corpus.snapshot_at or None},
    }


def _source(source: pb.Source) -> dict[str, Any]:
    return {
        "n": source.n,
        "id": source.id,
        "title": source.title,
        "context": list(source.context),
        "url": source.url,
        "dataset": source.dataset,
        "official": source.official,
        "status": source.status,
        "start_date": source.start_date or None,
        "end_date": source.end_date or None,
        "updated_at": source.updated_at or None,
        "snapshot_at": source.snapshot_at or None,
        "lang": source.lang,
        "sentences": list(source.sentences),
        "score": source.score,
    }


def _token(token: pb.TokenEvent) -> dict[str, Any]:
    payload = {
        "text": token.text,
        "lang": token.lang,
        "citations": list(token.citations),
        "verdict": token.verdict,
    }
    return payload | ({"replaces": token.replaces} if token.replaces else {})


def _clarifying(question: pb.ClarifyingQuestion) -> dict[str, Any]:
    payload = {"slot": question.slot, "question": question.question, "why": question.why}
    return payload | ({"options": list(question.options)} if question.options else {})


def _done(done: pb.DoneEvent) -> dict[str, Any]:
    return {
        "finish_reason": done.finish_reason,
        "usage": {
            "prompt_tokens": done.usage.prompt_tokens,
            "completion_tokens": done.usage.completion_tokens,
        },
        "grounding": {verdict: getattr(done.grounding, verdict) for verdict in GROUNDING},
        # Proto maps have no order; a resumed stream repeats the same bytes.
        "timings": dict(sorted(done.timings.items())),
    }


def _turn(turn: pb.Turn) -> dict[str, Any]:
    return {
        "message_id": turn.message_id,
        "question": turn.question,
        "answer": turn.answer,
        "asked_at": turn.asked_at or None,
    }


_PAYLOADS: dict[EventName, Callable[[Any], dict[str, Any]]] = {
    "meta": _meta,
    "status": lambda status: {"stage": status.stage},
    "sources": lambda sources: {"sources": [_source(source) for source in sources.sources]},
    "token": _token,
    "withheld": lambda withheld: {"reason": withheld.reason},
    "clarification": lambda clarification: {
        "questions": [_clarifying(question) for question in clarification.questions]
    },
    "degraded": lambda degraded: {"dependency": degraded.dependency, "consequence": degraded.consequence},
    "error": lambda error: {"code": error.code, "message": error.message, "retryable": error.retryable},
    "done": _done,
}
