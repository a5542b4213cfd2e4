"""Probes: alive as soon as it serves, ready once it has reached the orchestrator a first time, until it closes."""

from fastapi import APIRouter
from starlette.responses import PlainTextResponse

from marianne_gateway.gateway import CurrentGateway

router = APIRouter(include_in_schema=False)


@router.get("/livez")
async def is_alive() -> PlainTextResponse:
    return PlainTextResponse("alive\n")


@router.get("/readyz")
async def is_ready(gateway: CurrentGateway) -> PlainTextResponse:
    return PlainTextResponse("ready\n") if gateway.is_ready else PlainTextResponse("not ready\n", 503)
