"""Refusals, and the one shape in which every error leaves: `{"error": {code, message, field?, retryable?}}`."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from marianne_gateway import openai_errors
from marianne_gateway.events import PeerError, PeerRefusalError
from marianne_gateway.messages import message

# What the gateway answers for a peer is never a 500, which is for its own faults.
STATUS_OF_FAULT: Mapping[str, int] = {
    "unavailable": 503,
    "timeout": 504,
    "overloaded": 503,
    "interrupted": 503,
    "internal": 502,
}
_CODE_OF_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
_KEY_OF_PYDANTIC_TYPE = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "string_too_short": "empty",
    "string_too_long": "too_long",
    "string_type": "wrong_type",
    "string_unicode": "control_characters",
    "literal_error": "choice",
    "control_characters": "control_characters",
    "language": "language",
    "country": "country",
    "date": "date",
    "far_date": "far_date",
}
# FastAPI's other complaint of 4xx: a body that cannot be parsed.
_BROKEN_BODY = {"key": "json", "field": "body"}
# A key of the body is the caller's text too; one that does not look like a field's name is not repeated.
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")


class Refusal(Exception):  # noqa: N818  it is the caller's error, not ours
    """A request that is answered with 4xx or 503. `key` names its message when the code's own is not meant."""

    def __init__(
        self, status: int, code: str, *, field: str | None = None, key: str | None = None, retry_after_s: float = 0
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.field = field
        self.key = key or code
        self.retry_after_s = retry_after_s


def is_retryable(code: str) -> bool:
    return code in {"unavailable", "timeout", "overloaded", "interrupted", "rate_limited", "too_many_streams"}


def failure(code: str, language: str | None, *, key: str | None = None, field: str | None = None) -> dict[str, Any]:
    """The object that error events and error bodies carry."""
    body: dict[str, Any] = {"code": code, "message": message(key or code, language), "retryable": is_retryable(code)}
    return body if field is None else body | {"field": field}


def install_handlers(app: FastAPI) -> None:
    for kind in (Refusal, PeerError, PeerRefusalError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _answer)


async def _answer(request: Request, error: Exception) -> JSONResponse:
    language: str | None = getattr(request.state, "language", None)  # that of the question, once it has been read
    match error:
        case Refusal():
            body = failure(error.code, language, key=error.key, field=error.field)
            return error_response(request.url.path, error.status, body, _headers(error))
        case PeerError():
            return error_response(request.url.path, STATUS_OF_FAULT[error.code], failure(error.code, language))
        case PeerRefusalError():
            return error_response(
                request.url.path,
                404 if error.code == "not_found" else 422,
                failure(error.code, language, field=error.field),
            )
        case RequestValidationError():
            return error_response(request.url.path, 422, _first_fault(error))
        case HTTPException():
            code = _CODE_OF_STATUS.get(error.status_code, "invalid_request")
            body = _BROKEN_BODY if code == "invalid_request" else {}
            return error_response(request.url.path, error.status_code, failure(code, language, **body), error.headers)
        case _:
            return error_response(request.url.path, 500, failure("internal", language))


def error_response(
    path: str, status: int, error: dict[str, Any], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """In the form that clients of that path expect."""
    if path.startswith(openai_errors.PREFIX):
        status, error = openai_errors.translated(status, error)
    return JSONResponse({"error": error}, status, headers)


def _headers(refusal: Refusal) -> dict[str, str]:
    headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}
    return headers | ({"Retry-After": str(math.ceil(refusal.retry_after_s))} if refusal.retry_after_s else {})


def _first_fault(error: RequestValidationError) -> dict[str, Any]:
    """Of several faults the first, in words of our own: pydantic's report would repeat the input."""
    language = error.body.get("language") if isinstance(error.body, dict) else None
    fault = error.errors()[0]
    field = _field(fault["loc"])
    key = _KEY_OF_PYDANTIC_TYPE.get(fault["type"], "invalid_request")
    if field == "body" and key != "unknown_field":
        key = "json"
    return failure("invalid_request", language, key=key, field=field)


def _field(location: Sequence[str | int]) -> str:
    """`("body", "query")` is the field `query`; ("body",) and places in broken JSON are the body as a whole."""
    names = [part for part in location if isinstance(part, str)]
    last = names[-1] if names else "body"
    return last if _FIELD_NAME.fullmatch(last) else "body"
