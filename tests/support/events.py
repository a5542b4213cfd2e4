"""Asks a running stack, and picks apart what it answered."""

from typing import TypeVar

from marianne_client.events import Degraded, Done, Event, Token
from support.stack import Stack

E = TypeVar("E")


async def ask(stack: Stack, query: str, thread_id: str | None = None) -> list[Event]:
    async with stack.client() as client:
        return [event async for event in client.ask(query, thread_id=thread_id)]


def of_kind(events: list[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def one(events: list[Event], kind: type[E]) -> E:
    [event] = of_kind(events, kind)
    return event


def answer(events: list[Event]) -> str:
    return "".join(token.text for token in of_kind(events, Token))


def verdicts(events: list[Event]) -> set[str]:
    return {token.verdict for token in of_kind(events, Token)}


def degraded(events: list[Event]) -> list[str]:
    return [event.dependency for event in of_kind(events, Degraded)]


def finish_reason(events: list[Event]) -> str:
    assert isinstance(events[-1], Done), events
    return one(events, Done).finish_reason
