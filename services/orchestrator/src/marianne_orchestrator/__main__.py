"""Composes the orchestrator."""

import asyncio
from contextlib import AsyncExitStack

from marianne_chassis.grpc_client import open_channel
from marianne_chassis.grpc_server import GrpcServer
from marianne_chassis.lifecycle import run_service
from marianne_chassis.settings import load_settings
from marianne_orchestrator import guardrails_client, metrics
from marianne_orchestrator.audit import AuditLogger
from marianne_orchestrator.config import OrchestratorSettings
from marianne_orchestrator.feedback import FeedbackBox
from marianne_orchestrator.graph import build_graph
from marianne_orchestrator.guardrails_client import GuardrailsClient
from marianne_orchestrator.interruption import AuditedInterruption
from marianne_orchestrator.language_detection import LanguageDetector
from marianne_orchestrator.llm.langsmith import disable_langsmith_tracing
from marianne_orchestrator.models import open_models
from marianne_orchestrator.nodes import Nodes
from marianne_orchestrator.retrieval_client import RetrievalClient
from marianne_orchestrator.servicer import OrchestratorServicer
from marianne_orchestrator.stores import open_stores
from marianne_orchestrator.texts import Texts
from marianne_orchestrator.turn import TurnRunner
from marianne_orchestrator.turns import Turns
from marianne_orchestrator.understanding import Registry
from marianne_proto.orchestrator.v1.orchestrator_pb2_grpc import add_OrchestratorServiceServicer_to_server

SERVICE = "marianne.orchestrator.v1.OrchestratorService"


async def serve(settings: OrchestratorSettings, stop: asyncio.Event) -> None:
    async with AsyncExitStack() as stack:
        texts = Texts.load()
        retrieval = await stack.enter_async_context(open_channel(settings.retrieval_addr))
        guardrails = await stack.enter_async_context(open_channel(settings.guardrails_addr, guardrails_client.RETRIED))
        finder = RetrievalClient(retrieval, settings.search_timeout_s)
        checks = GuardrailsClient(
            guardrails,
            input_timeout_s=settings.input_check_timeout_s,
            answer_timeout_s=settings.turn_limit_s,
            verdict_timeout_s=settings.verdict_timeout_s,
        )
        models = await stack.enter_async_context(open_models(settings))
        audit = AuditLogger(settings.audit_dir, settings.audit_secret, metrics.AUDIT_FAILURES)
        stores = await stack.enter_async_context(open_stores(settings, AuditedInterruption(texts, audit)))
        nodes = Nodes(checks, finder, models, Registry.load(), texts)
        runner = TurnRunner(
            graph=build_graph(nodes),
            check=checks,
            finder=finder,
            threads=stores.threads,
            detector=LanguageDetector(),
            texts=texts,
            audit=audit,
            model_name=models.default_name,
            limit_s=settings.turn_limit_s,
        )
        turns = Turns(runner, stores.turns, settings.resume_grace_s)
        stack.push_async_callback(turns.drain, settings.drain_s)
        server = GrpcServer(settings)
        servicer = OrchestratorServicer(turns, stores.threads, FeedbackBox(audit, checks), models.names)
        add_OrchestratorServiceServicer_to_server(servicer, server.server)
        await server.serve(stop, [SERVICE])


def main() -> None:
    disable_langsmith_tracing()
    settings = load_settings(OrchestratorSettings)
    run_service("orchestrator", settings, lambda stop: serve(settings, stop))


if __name__ == "__main__":
    main()
