"""What the reader and the operator get when something is down: the bytes of the stream, and the metric."""

import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from marianne_client.events import Error, Event, Meta, Sources, Token
from support.events import answer, ask, degraded, finish_reason, of_kind, one, verdicts
from support.llm import FakeLLM, refusing_base_url
from support.peers import silent_server
from support.redis import RedisServer, running_redis
from support.sample import questions
from support.stack import Stack, StartStack

DEMO = questions()[0].text
OFFICIAL = "https://www.service-public.gouv.fr"
UNREACHABLE_WITHIN_S = 2.0


@pytest_asyncio.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    async with running_redis(tmp_path) as server:
        yield server


async def stream(stack: Stack, query: str = DEMO) -> tuple[str, float]:
    """The bytes of the stream as they left the gateway, and the seconds it took."""
    async with httpx.AsyncClient(timeout=20) as http:
        started = time.monotonic()
        response = await http.post(f"{stack.url}/chat/stream", json={"query": query})
    assert response.status_code == 200
    return response.text, time.monotonic() - started


async def until_recalled(stack: Stack, thread_id: str) -> tuple[float, list[Event]]:
    """The seconds until a turn has tried to recall its conversation, and the turn's events."""
    events: list[Event] = []
    recalled = float("nan")
    async with stack.client() as client:
        started = time.monotonic()
        async for event in client.ask(DEMO, thread_id=thread_id):
            if isinstance(event, Meta):
                recalled = time.monotonic() - started
            events.append(event)
    return recalled, events


async def test_with_retrieval_stopped_no_law_is_stated_and_official_links_are_given(start_stack: StartStack) -> None:
    stack = await start_stack()
    await stack.stop("retrieval")

    text, seconds = await stream(stack)

    assert seconds <= UNREACHABLE_WITHIN_S
    assert OFFICIAL in text
    assert '"dependency":"retrieval"' in text
    assert '"verdict":"fixed"' in text
    assert '"verdict":"quoted"' not in text
    assert await stack.metric("orchestrator", "degraded_total", dependency="retrieval") == 1


async def test_with_retrieval_hanging_the_answer_comes_in_time(start_stack: StartStack) -> None:
    stack = await start_stack()
    stack.programs["retrieval"].send(signal.SIGSTOP)

    text, seconds = await stream(stack)

    assert seconds <= UNREACHABLE_WITHIN_S
    assert '"dependency":"retrieval"' in text
    assert OFFICIAL in text


async def test_without_an_index_it_says_so_and_an_index_that_appears_is_served(
    start_stack: StartStack, sample_index: Path, tmp_path: Path
) -> None:
    index = tmp_path / "later"
    stack = await start_stack(INDEX_DIR=str(index))

    text, _ = await stream(stack)
    index.symlink_to(sample_index)
    events = await ask(stack, DEMO)

    assert '"dependency":"qdrant"' in text
    assert OFFICIAL in text
    assert one(events, Sources).sources
    assert await stack.metric("orchestrator", "degraded_total", dependency="qdrant") == 1


async def test_with_a_hanging_qdrant_server_the_answer_comes_in_time(start_stack: StartStack) -> None:
    async with silent_server() as port:
        stack = await start_stack(QDRANT_URL="http://127.0.0.1:1", QDRANT_GRPC_PORT=str(port))

        text, seconds = await stream(stack)

    assert seconds <= UNREACHABLE_WITHIN_S
    assert '"dependency":"qdrant"' in text
    assert await stack.metric("orchestrator", "degraded_total", dependency="qdrant") == 1


async def test_a_model_that_refuses_connections_is_replaced_by_quotes(start_stack: StartStack) -> None:
    with refusing_base_url() as address:
        stack = await start_stack(LLM_BASE_URL=address, LLM_MODEL="fake-1")
        events = await ask(stack, DEMO)

    assert "llm" in degraded(events)
    assert verdicts(events) == {"quoted"}


async def test_with_guardrails_stopped_no_model_is_called_and_only_quotes_leave(start_stack: StartStack) -> None:
    async with FakeLLM() as model:
        stack = await start_stack(LLM_BASE_URL=model.base_url, LLM_MODEL="fake-1")
        await stack.stop("guardrails")

        events = await ask(stack, DEMO)

    assert "guardrails" in degraded(events)
    assert verdicts(events) == {"quoted"}
    assert model.requests == []
    assert finish_reason(events) == "stop"
    assert await stack.metric("orchestrator", "degraded_total", dependency="guardrails") == 1


async def test_with_guardrails_stopped_the_question_is_kept_nowhere(start_stack: StartStack) -> None:
    stack = await start_stack()
    await stack.stop("guardrails")
    await ask(stack, "Je suis Zacharie Bonnevialle : comment renouveler mon titre de séjour ?")

    [trail] = (stack.folder / "audit").glob("*.jsonl")

    assert "Bonnevialle" not in trail.read_text(encoding="utf-8")
    assert "Bonnevialle" not in stack.output()


async def test_with_guardrails_killed_mid_answer_verbatim_quotes_follow(start_stack: StartStack) -> None:
    async with FakeLLM() as model:
        stack = await start_stack(LLM_BASE_URL=model.base_url, LLM_MODEL="fake-1")
        model.text = "Une première phrase sans source. Une autre. " * 50
        async with stack.client() as client:
            events = []
            async for event in client.ask(DEMO):
                if isinstance(event, Sources):
                    await stack.stop("guardrails", signal.SIGKILL)
                events.append(event)

    assert "guardrails" in degraded(events)
    assert of_kind(events, Token)[-1].verdict == "quoted"
    assert "sans source" not in answer(events)


@pytest.mark.system("redis-server")
async def test_a_conversation_is_kept_in_redis_across_an_orchestrators_restart(
    start_stack: StartStack, redis: RedisServer
) -> None:
    stack = await start_stack(REDIS_URL=redis.url)
    first = await ask(stack, DEMO)
    await stack.stop("orchestrator")
    await stack.start("orchestrator")

    second = await ask(stack, "Et quels documents faut-il ?", one(first, Meta).thread_id)

    assert one(second, Meta).memory == "kept"


@pytest.mark.system("redis-server")
async def test_with_redis_stopped_mid_conversation_the_answer_still_comes(
    start_stack: StartStack, redis: RedisServer
) -> None:
    stack = await start_stack(REDIS_URL=redis.url)
    first = await ask(stack, DEMO)
    _, usual = await stream(stack)
    await redis.program.stop()

    started = time.monotonic()
    second = await ask(stack, DEMO, one(first, Meta).thread_id)
    seconds = time.monotonic() - started

    assert "redis" in degraded(second)
    assert not one(second, Meta).resumable
    assert verdicts(second) == {"quoted"}
    assert seconds <= usual + 0.3
    assert await stack.metric("orchestrator", "degraded_total", dependency="redis") == 1


@pytest.mark.system("redis-server")
async def test_a_hanging_redis_costs_at_most_its_time_limit(start_stack: StartStack, redis: RedisServer) -> None:
    stack = await start_stack(REDIS_URL=redis.url)
    thread_id = one(await ask(stack, DEMO), Meta).thread_id
    usual, _ = await until_recalled(stack, thread_id)
    redis.program.send(signal.SIGSTOP)

    seconds, events = await until_recalled(stack, thread_id)

    assert "redis" in degraded(events)
    assert seconds <= usual + 0.3


@pytest.mark.system("redis-server")
async def test_an_expired_conversation_starts_empty_and_says_so(start_stack: StartStack, redis: RedisServer) -> None:
    stack = await start_stack(REDIS_URL=redis.url, ORCHESTRATOR_THREAD_TTL_S="0.05")
    first = await ask(stack, DEMO)
    await redis.empty()

    second = await ask(stack, "Et quels documents faut-il ?", one(first, Meta).thread_id)

    assert one(second, Meta).memory == "expired"


async def test_with_the_orchestrator_stopped_the_gateway_stays_ready_and_says_so(start_stack: StartStack) -> None:
    stack = await start_stack()
    await stack.stop("orchestrator")

    text, seconds = await stream(stack)
    async with httpx.AsyncClient() as http:
        ready = await http.get(f"{stack.url}/readyz")

    assert seconds <= UNREACHABLE_WITHIN_S
    assert '"code":"unavailable"' in text
    assert "event: done" in text.rstrip().rsplit("\n\n", 1)[-1]
    assert ready.status_code == 200
    assert await stack.metric("gateway", "degraded_total", dependency="orchestrator") == 1


async def test_an_orchestrator_killed_mid_stream_ends_in_an_error_and_done(start_stack: StartStack) -> None:
    async with FakeLLM() as model:
        stack = await start_stack(LLM_BASE_URL=model.base_url, LLM_MODEL="fake-1")
        events = []
        async with (
            httpx.AsyncClient(timeout=20) as http,
            http.stream("POST", f"{stack.url}/chat/stream", json={"query": DEMO}) as response,
        ):
            async for line in response.aiter_lines():
                if line == "event: sources":
                    await stack.stop("orchestrator", signal.SIGKILL)
                if line.startswith("event: "):
                    events.append(line.removeprefix("event: "))

    assert events[-2:] == ["error", "done"]


async def test_a_collector_and_an_audit_disk_that_are_away_change_nothing(
    start_stack: StartStack, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no directory")
    stack = await start_stack(
        ORCHESTRATOR_AUDIT_DIR=str(blocked),
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1",
        OTEL_BSP_SCHEDULE_DELAY="50",
    )

    events = await ask(stack, DEMO)

    assert verdicts(events) == {"quoted"}
    assert not of_kind(events, Error)
    assert await stack.metric("orchestrator", "audit_write_failures_total") == 1
