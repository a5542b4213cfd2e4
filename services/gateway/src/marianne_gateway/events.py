"""What the gateway hears of a turn: events, or that its peer failed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

EventName = Literal["meta", "status", "sources", "token", "withheld", "clarification", "degraded", "error", "done"]
PeerFault = Literal["unavailable", "timeout", "overloaded", "interrupted", "internal"]
PeerRefusal = Literal["not_found", "invalid_request"]

# What `done` counts sentences by.
GROUNDING = ("quoted", "supported", "cited", "no_claim", "fixed", "withheld")


@dataclass(frozen=True, slots=True)
class Event:
    """`sequence` is the event's place in its turn; None for what the gateway adds, from which nobody can resume."""

    name: EventName
    payload: Mapping[str, Any]
    sequence: int | None = None


class PeerError(Exception):
    """The orchestrator could not be asked, or failed while it answered."""

    def __init__(self, code: PeerFault) -> None:
        super().__init__(code)
        self.code: PeerFault = code


class PeerRefusalError(Exception):
    """The orchestrator understood and said no: it does not know the thing, or does not take the value of `field`."""

    def __init__(self, code: PeerRefusal, field: str | None = None) -> None:
        super().__init__(code)
        self.code: PeerRefusal = code
        self.field = field
