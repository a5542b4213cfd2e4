"""Why an answer did not come, or not to its end. What the turn itself reports is an `Error` event, not an exception."""

from typing import Any


class MarianneError(Exception):
    """The parent of all."""


class UnreachableError(MarianneError):
    """Nobody answers at the address."""


class ConnectionLostError(MarianneError):
    """The stream broke off and could not be resumed."""


class ProtocolError(MarianneError):
    """What answers at the address does not speak Marianne's protocol."""


class RequestRefusedError(MarianneError):
    """The gateway said no, with `status`, a `code` and, if one value is to blame, its `field`."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.status = status
        self.code = code
        self.field = field


class InvalidRequestError(RequestRefusedError):
    """A value was not accepted (4xx)."""


class UnauthorizedError(RequestRefusedError):
    """The API key is missing or unknown (401)."""


class NotFoundError(RequestRefusedError):
    """The id is unknown, has expired, or belongs to another key (404)."""


class RateLimitedError(RequestRefusedError):
    """Too much at once (429); try again in `retry_after_s`."""

    retry_after_s: float = 1.0


class UnavailableError(RequestRefusedError):
    """The gateway, or what stands behind or before it, cannot answer now (5xx)."""


def refusal(status: int, body: Any, retry_after: str | None) -> RequestRefusedError:
    """The exception for a response of 400 or more; `body` is its JSON, or None if it was none."""
    error = body.get("error") if isinstance(body, dict) else None
    told = error if isinstance(error, dict) else {}
    kind = _KINDS.get(status, InvalidRequestError if status < 500 else UnavailableError)
    raised = kind(
        status, str(told.get("code", "unknown")), str(told.get("message", f"HTTP {status}")), told.get("field")
    )
    if isinstance(raised, RateLimitedError) and retry_after is not None and retry_after.isdecimal():
        raised.retry_after_s = float(retry_after)
    return raised


_KINDS: dict[int, type[RequestRefusedError]] = {401: UnauthorizedError, 404: NotFoundError, 429: RateLimitedError}
