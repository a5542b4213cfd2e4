"""Domain events as JSON, and back."""

from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter

from marianne_orchestrator.events import Event


def encode(event: Event) -> tuple[str, bytes]:
    """The name of its kind, and its fields."""
    name = type(event).__name__
    return name, _kinds()[name].dump_json(event)


def decode(name: str, fields: bytes) -> Event:
    """Raises KeyError for a kind, and pydantic's ValidationError for fields, that this version does not know."""
    event: Event = _kinds()[name].validate_json(fields)
    return event


@cache
def _kinds() -> dict[str, TypeAdapter[Any]]:
    return {kind.__name__: TypeAdapter(kind) for kind in get_args(Event)}
