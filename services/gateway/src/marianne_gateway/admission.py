"""Who may come in, and how often; what each route asks for before it does anything."""

import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from marianne_gateway.errors import Refusal
from marianne_gateway.gateway import CurrentGateway
from marianne_gateway.ids import Kind
from marianne_gateway.orchestrator_client import Question
from marianne_gateway.request_bodies import ChatRequest

_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}")

_bearer = HTTPBearer(auto_error=False, description="Clé d’accès de l’installation, quand elle en demande une.")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="La même clé, dans un en-tête à elle.")


async def _holder(
    request: Request,
    gateway: CurrentGateway,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    header: Annotated[str | None, Depends(_header)],
) -> str:
    """The name of the key that asks, "" where no keys are configured."""
    holder = ""
    if gateway.keys:
        presented = bearer.credentials if bearer else header or ""
        known = gateway.keys.holder(presented)
        if known is None:
            raise Refusal(401, "unauthorized")
        holder = known
    wait_s = await gateway.rates.admit(_caller(request, holder))
    if wait_s:
        raise Refusal(429, "rate_limited", retry_after_s=wait_s)
    return holder


Holder = Annotated[str, Depends(_holder)]


async def _slot(request: Request, gateway: CurrentGateway, holder: Holder) -> AsyncIterator[None]:
    """A place among the answers under way, given back when the response has ended."""
    with gateway.streams.slot():
        async with gateway.caller_streams.slot(_caller(request, holder)):
            yield


def _caller(request: Request, holder: str) -> str:
    """Who is counted: the key, or the address where there are no keys."""
    return f"key {holder}" if holder else f"address {request.client.host if request.client else ''}"


Slot = Annotated[None, Depends(_slot)]


async def _question(
    request: Request,
    gateway: CurrentGateway,
    holder: Holder,
    body: ChatRequest,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="1 à 200 caractères ASCII visibles. La même clé ne lance jamais un second tour ; avec elle, un "
            "flux coupé se reprend. Sans elle, quitter le flux arrête tout.",
        ),
    ] = None,
) -> Question:
    request.state.language = body.language
    if idempotency_key is not None and not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise Refusal(422, "invalid_request", field="Idempotency-Key", key="idempotency_key")
    if body.thread_id is not None:
        require_own(gateway, holder, "thread", body.thread_id)

    def fresh(kind: Kind) -> str:
        if idempotency_key is None:
            return gateway.ids.new(kind, holder)
        return gateway.ids.derived(kind, holder, idempotency_key)

    return Question(
        query=body.query,
        thread_id=body.thread_id or fresh("thread"),
        message_id=fresh("message"),
        new_thread=body.thread_id is None,
        resumable=idempotency_key is not None,
        language=body.language or "",
        user_nationality=body.user_nationality or "",
        as_of=body.as_of.isoformat() if body.as_of else "",
        model=body.model or "",
    )


AskedQuestion = Annotated[Question, Depends(_question)]


def require_own(gateway: CurrentGateway, holder: str, kind: Kind, token: str) -> None:
    """Raises Refusal 404 unless the id was made here, of that kind, for that key."""
    if not gateway.ids.is_valid(kind, holder, token):
        raise Refusal(404, "not_found", field=f"{kind}_id")
