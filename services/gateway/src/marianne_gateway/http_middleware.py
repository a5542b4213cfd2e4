"""What stands around the routes: limits of the body's size, and rate, errors and duration of requests."""

import time

from opentelemetry import trace
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marianne_chassis.metrics import exemplar
from marianne_gateway import metrics, openai_errors
from marianne_gateway.errors import error_response, failure

MAX_BODY_BYTES = 64 * 1024
# Clients of OpenAI's API send the whole conversation with each question.
_MAX_CONVERSATION_BYTES = 1024 * 1024
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class BodyLimit:
    """Refuses a body above `MAX_BODY_BYTES` (1 MiB for conversations) with 413: before it is read if its length is
    declared, else while it is.

    FastAPI's own `max_body_size` answers declared lengths in plain text.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = _most_bytes(scope)
        if scope["type"] == "http" and _declared_bytes(scope) > most:
            await error_response(scope["path"], 413, failure("too_large", None))(scope, receive, send)
            return
        seen = 0

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(413)
            return message

        await self._app(scope, receive_counted, send)


class RequestMetrics:
    """Counts and times every request by its route's template; 499 is the code of those whose caller left unanswered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        code = "499"

        async def send_noted(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception:
            code = "500"
            raise
        finally:
            route, method = _route(scope), _method(scope)
            metrics.REQUESTS.labels(route, method, code).inc()
            metrics.REQUEST_SECONDS.labels(route, method).observe(
                time.perf_counter() - started, exemplar(trace.get_current_span().get_span_context())
            )


class WithoutQueryString:
    """Takes the query string away before telemetry sees it: no route reads one, and people put questions there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "query_string": b""}, receive, send)


def _most_bytes(scope: Scope) -> int:
    return _MAX_CONVERSATION_BYTES if scope.get("path", "").startswith(openai_errors.PREFIX) else MAX_BODY_BYTES


def _declared_bytes(scope: Scope) -> int:
    declared = Headers(scope=scope).get("content-length", "")
    return int(declared) if declared.isdecimal() else 0


def _route(scope: Scope) -> str:
    """The template of the route, or the place where files are mounted; never what the caller wrote."""
    path: str | None = getattr(scope.get("route"), "path", None)
    return path or scope.get("root_path") or "unmatched"


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in _METHODS else "other"
