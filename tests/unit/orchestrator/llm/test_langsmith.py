"""LangSmith gets nothing, whatever the environment asks for."""

import asyncio
import sys

import pytest

from support.llm import FakeLLM, RecordedRequest, Reply, reply_json

TRACED_CALL = """
import asyncio, sys
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers.langchain import wait_for_all_tracers
from marianne_orchestrator.llm.extractive import ExtractiveModel
from langsmith.utils import tracing_is_enabled
from marianne_orchestrator.llm.langsmith import disable_langsmith_tracing

if sys.argv[1] == "disabled late":
    assert tracing_is_enabled()
if sys.argv[1].startswith("disabled"):
    disable_langsmith_tracing()
prompt = RunnableLambda(lambda text: [HumanMessage(text, additional_kwargs={"passages": [], "question": text})])

async def ask():
    async for _ in (prompt | ExtractiveModel()).astream_events("Mon secret ?", version="v2"):
        pass

asyncio.run(ask())
wait_for_all_tracers()
"""


def accepting(_request: RecordedRequest) -> Reply:
    return reply_json({})


async def call_in_a_process(fake: FakeLLM, mode: str, variables: dict[str, str]) -> None:
    fake.respond_with(accepting)
    environment = {"LANGSMITH_ENDPOINT": f"http://127.0.0.1:{fake.port}", "LANGSMITH_API_KEY": "key", **variables}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TRACED_CALL, mode, env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()


@pytest.mark.parametrize(
    "variables",
    [
        {"LANGSMITH_TRACING": "true"},
        {"LANGCHAIN_TRACING_V2": "true", "LANGCHAIN_PROJECT": "p"},
        {"LANGCHAIN_TRACING": "true", "LANGCHAIN_HANDLER": "langchain"},
    ],
    ids=lambda variables: next(iter(variables)),
)
async def test_nothing_is_sent_when_the_environment_asks_for_tracing(fake: FakeLLM, variables: dict[str, str]) -> None:
    await call_in_a_process(fake, "disabled", variables)

    assert fake.requests == []


async def test_nothing_is_sent_when_the_environment_was_read_before(fake: FakeLLM) -> None:
    await call_in_a_process(fake, "disabled late", {"LANGSMITH_TRACING": "true"})

    assert fake.requests == []


async def test_without_the_switch_the_same_call_would_be_sent(fake: FakeLLM) -> None:
    await call_in_a_process(fake, "as configured", {"LANGSMITH_TRACING": "true"})

    assert any(request.method == "POST" for request in fake.requests)
