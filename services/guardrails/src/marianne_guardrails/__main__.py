"""Composes the guardrails service."""

import asyncio

from marianne_chassis.grpc_server import GrpcServer
from marianne_chassis.lifecycle import run_service
from marianne_chassis.settings import load_settings
from marianne_guardrails.answer_check import Judging
from marianne_guardrails.config import GuardrailsSettings
from marianne_guardrails.judge.batches import JudgeLimits
from marianne_guardrails.judge.configured import open_judge
from marianne_guardrails.servicer import GuardrailsServicer
from marianne_proto.guardrails.v1.guardrails_pb2_grpc import add_GuardrailsServiceServicer_to_server

SERVICE = "marianne.guardrails.v1.GuardrailsService"


async def serve(settings: GuardrailsSettings, stop: asyncio.Event) -> None:
    limits = JudgeLimits(settings.judge_first_timeout_s, settings.judge_timeout_s)
    async with open_judge(settings) as judge:
        judging = Judging(judge, limits, required=settings.judge == "required") if judge else None
        server = GrpcServer(settings)
        add_GuardrailsServiceServicer_to_server(GuardrailsServicer(judging), server.server)
        await server.serve(stop, [SERVICE])


def main() -> None:
    settings = load_settings(GuardrailsSettings)
    run_service("guardrails", settings, lambda stop: serve(settings, stop))


if __name__ == "__main__":
    main()
