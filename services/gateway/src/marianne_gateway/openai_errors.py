"""Errors as clients of OpenAI's API expect them: https://platform.openai.com/docs/guides/error-codes."""

from collections.abc import Mapping
from typing import Any

PREFIX = "/v1/"
_CODES = {"unauthorized": "invalid_api_key", "rate_limited": "rate_limit_exceeded"}


def translated(status: int, failure: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """The status and the error of what would otherwise be told in our own form."""
    field = failure.get("field")
    if field == "model" and failure["code"] == "invalid_request":
        return 404, _error(failure["message"], "invalid_request_error", field, "model_not_found")
    code = _CODES.get(failure["code"], failure["code"])
    return 400 if status == 422 else status, _error(failure["message"], _kind(status), field, code)


def in_stream(failure: Mapping[str, Any]) -> dict[str, Any]:
    """For an error after the response has begun."""
    return _error(failure["message"], "server_error", None, failure["code"])


def _kind(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"


def _error(message: str, kind: str, param: str | None, code: str) -> dict[str, Any]:
    return {"message": message, "type": kind, "param": param, "code": code}
