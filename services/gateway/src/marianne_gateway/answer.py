"""A whole turn as one JSON object."""

from collections.abc import Mapping, Sequence
from typing import Any

from marianne_gateway.errors import STATUS_OF_FAULT
from marianne_gateway.events import Event, EventName

_META = (
    "thread_id",
    "message_id",
    "trace_id",
    "trace_sampled",
    "model",
    "language",
    "memory",
    "resumable",
    "corpus",
)


def answer_of(events: Sequence[Event]) -> dict[str, Any]:
    """What the events of a turn say together; `answer` is all released text, null stands for what never came."""
    sentences = _payloads(events, "token")
    return {
        **(_last(events, "meta") or dict.fromkeys(_META)),
        "answer": "".join(sentence["text"] for sentence in sentences),
        "sentences": sentences,
        "sources": (_last(events, "sources") or {"sources": []})["sources"],
        "withheld": _payloads(events, "withheld"),
        "clarification": _last(events, "clarification"),
        "degraded": _payloads(events, "degraded"),
        "error": _last(events, "error"),
        **(_last(events, "done") or {}),
    }


def status_of(answer: dict[str, Any]) -> int:
    """200 unless the turn erred: a script must not take half an answer for a whole one."""
    error = answer["error"]
    if error is None:
        return 200
    return STATUS_OF_FAULT.get(error["code"], 503 if error["retryable"] else 502)


def _payloads(events: Sequence[Event], name: EventName) -> list[Mapping[str, Any]]:
    return [event.payload for event in events if event.name == name]


def _last(events: Sequence[Event], name: EventName) -> Mapping[str, Any] | None:
    payloads = _payloads(events, name)
    return payloads[-1] if payloads else None
