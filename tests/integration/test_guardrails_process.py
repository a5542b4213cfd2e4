"""The guardrails service as its own process."""

import signal
from pathlib import Path
from typing import Any

from grpc_health.v1 import health_pb2, health_pb2_grpc

from marianne_chassis.grpc_client import open_channel
from marianne_guardrails.__main__ import SERVICE
from marianne_proto.guardrails.v1 import guardrails_pb2 as pb
from marianne_proto.guardrails.v1.guardrails_pb2_grpc import GuardrailsServiceStub
from support.processes import Program, free_port, python


async def test_a_process_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    port, metrics_port = free_port(), free_port()
    environment = {
        "GUARDRAILS_PORT": str(port),
        "GUARDRAILS_METRICS_PORT": str(metrics_port),
        "GUARDRAILS_DRAIN_S": "5",
    }
    program = Program("guardrails", python("marianne_guardrails"), environment, tmp_path)
    await program.start()
    try:
        async with open_channel(f"127.0.0.1:{port}") as channel:
            health: Any = health_pb2_grpc.HealthStub(channel)  # its types leave its methods out
            status = await health.Check(health_pb2.HealthCheckRequest(service=SERVICE), wait_for_ready=True, timeout=60)
            verdict = await GuardrailsServiceStub(channel).CheckInput(
                pb.CheckInputRequest(text="Quel est le prix ?"), timeout=30
            )
        returned = await program.stop(signal.SIGTERM)
    finally:
        await program.end()

    assert status.status == health_pb2.HealthCheckResponse.SERVING
    assert verdict.decision == pb.DECISION_ALLOW
    assert returned == 0, program.output()


async def test_a_bad_setting_stops_the_start(tmp_path: Path) -> None:
    program = Program("guardrails", python("marianne_guardrails"), {"GUARDRAILS_PORT": "many"}, tmp_path)
    await program.start()

    assert await program.stop(signal.SIGCONT) == 78
    assert "GUARDRAILS_PORT" in program.output()
