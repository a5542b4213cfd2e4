"""Marianne's Python client."""

from marianne_client.client import MarianneClient
from marianne_client.errors import (
    ConnectionLostError,
    InvalidRequestError,
    MarianneError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    RequestRefusedError,
    UnauthorizedError,
    UnavailableError,
    UnreachableError,
)
from marianne_client.events import (
    Clarification,
    Degraded,
    Done,
    Error,
    Event,
    Meta,
    Source,
    Sources,
    Status,
    Token,
    Withheld,
)

__all__ = [
    "Clarification",
    "ConnectionLostError",
    "Degraded",
    "Done",
    "Error",
    "Event",
    "InvalidRequestError",
    "MarianneClient",
    "MarianneError",
    "Meta",
    "NotFoundError",
    "ProtocolError",
    "RateLimitedError",
    "RequestRefusedError",
    "Source",
    "Sources",
    "Status",
    "Token",
    "UnauthorizedError",
    "UnavailableError",
    "UnreachableError",
    "Withheld",
]
