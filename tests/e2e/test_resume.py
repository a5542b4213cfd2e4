"""Two gateways, two orchestrators, one Redis: a stream goes on whoever is killed, exactly once."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from support.llm import DONE, FakeLLM, RecordedRequest, Reply, Send, Wait, chunk, frame
from support.otlp import OtlpSink, Span
from support.redis import RedisServer, running_redis
from support.replicas import KEYS, Replicas, running_replicas
from support.sample import questions
from support.writer import cite, plain_ids

DEMO = questions()[0].text
ONE, TWO = "gateway", "gateway_2"
LIMIT_S = 30
LEASE_S = 1.0

pytestmark = [pytest.mark.system("redis-server"), pytest.mark.asyncio(loop_scope="module")]


class PausedModel(FakeLLM):
    """Writes one sentence and the beginning of the next, and goes on when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.begin_again()

    def begin_again(self) -> None:
        self.may_go_on = asyncio.Event()
        self.requests.clear()
        self.respond_with(self._two_sentences)

    def _two_sentences(self, request: RecordedRequest) -> Reply:
        first, second = (cite(request, sentence) for sentence in plain_ids(request, 2))
        return Reply((said(f"{first} {second[:9]}"), Wait(self.may_go_on), said(second[9:]), Send(DONE)))


def said(text: str) -> Send:
    return Send(frame(chunk({"content": text})))


@dataclass
class Reading:
    """The frames of a turn as they came, over one connection or several."""

    frames: list[str] = field(default_factory=list)

    def named(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(lines[2][6:]) for lines in self._lines() if lines[1] == f"event: {name}"]

    @property
    def ids(self) -> list[int]:
        return [int(lines[0].removeprefix("id: ")) for lines in self._lines()]

    @property
    def text(self) -> str:
        return "".join(token["text"] for token in self.named("token"))

    @property
    def message_id(self) -> str:
        return str(self.named("meta")[0]["message_id"])

    @property
    def finish_reason(self) -> str:
        [done] = self.named("done")
        return str(done["finish_reason"])

    def _lines(self) -> Iterator[list[str]]:
        return (told.split("\n") for told in self.frames)


class Door:
    """Asks one of the gateways."""

    def __init__(self, url: str, holder: str = "maya") -> None:
        self.http = httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {KEYS[holder]}"}, timeout=LIMIT_S
        )

    @asynccontextmanager
    async def asking(self, key: str | None = None, **headers: str) -> AsyncIterator["Frames"]:
        given = headers | ({"Idempotency-Key": key} if key else {})
        async with self.http.stream("POST", "/chat/stream", json={"query": DEMO}, headers=given) as response:
            assert response.status_code == 200, await response.aread()
            yield Frames(response)

    @asynccontextmanager
    async def resuming(self, message_id: str, after: int) -> AsyncIterator["Frames"]:
        headers = {"Last-Event-ID": str(after)}
        async with self.http.stream("GET", f"/chat/stream/{message_id}", headers=headers) as response:
            assert response.status_code == 200, await response.aread()
            yield Frames(response)

    async def resume(self, reading: Reading) -> None:
        """Reads the rest of the turn."""
        async with self.resuming(reading.message_id, reading.ids[-1]) as frames:
            await frames.to_the_end(reading)


OpenDoor = Callable[..., Door]


class Frames:
    def __init__(self, response: httpx.Response) -> None:
        self._texts = response.aiter_text()
        self._rest = ""

    async def until(self, reading: Reading, event: str) -> None:
        """Up to the first event of that name."""
        async for told in self._frames():
            reading.frames.append(told)
            if f"\nevent: {event}\n" in f"\n{told}\n":
                return
        raise AssertionError(f"no {event} in {reading.frames}")

    async def to_the_end(self, reading: Reading) -> None:
        async for told in self._frames():
            reading.frames.append(told)

    async def to_the_break(self, reading: Reading) -> None:
        with pytest.raises(httpx.TransportError):
            await self.to_the_end(reading)

    async def _frames(self) -> AsyncIterator[str]:
        while True:
            *whole, self._rest = self._rest.split("\n\n")
            for place, told in enumerate(whole):
                if told and not told.startswith(":"):
                    self._rest = "\n\n".join([*whole[place + 1 :], self._rest])
                    yield told
                    break
            else:
                text = await anext(self._texts, None)
                if text is None:
                    return
                self._rest += text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[PausedModel]:
    async with PausedModel() as fake:
        yield fake


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def redis(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisServer]:
    async with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(
    model: PausedModel,
    redis: RedisServer,
    sample_index: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Replicas]:
    environment = {
        "LLM_BASE_URL": model.base_url,
        "LLM_MODEL": "fake-1",
        "GUARDRAILS_JUDGE": "off",
        "REDIS_URL": redis.url,
        "ORCHESTRATOR_REDIS_TIMEOUT_S": "1",
        "ORCHESTRATOR_TURN_LEASE_S": str(LEASE_S),
        "ORCHESTRATOR_RESUME_GRACE_S": str(LIMIT_S),
        "ORCHESTRATOR_LLM_TOKEN_TIMEOUT_S": str(2 * LIMIT_S),
    }
    async with running_replicas(tmp_path_factory.mktemp("replicas"), sample_index, **environment) as replicas:
        yield replicas


@pytest_asyncio.fixture(loop_scope="module")
async def replicas(running: Replicas, model: PausedModel) -> AsyncIterator[Replicas]:
    """All of them alive, and nothing asked yet; what a test killed is started again."""
    model.begin_again()
    yield running
    model.may_go_on.set()
    dead = [name for name, program in running.programs.items() if program.returncode is not None]
    await running.start(*dead)


@pytest_asyncio.fixture(loop_scope="module")
async def door(running: Replicas) -> AsyncIterator[OpenDoor]:
    async with AsyncExitStack() as doors:

        def open_door(gateway: str, holder: str = "maya") -> Door:
            opened = Door(running.url_of(gateway), holder)
            doors.push_async_callback(opened.http.aclose)
            return opened

        yield open_door


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    return f"key-of-{request.node.name}"


@asynccontextmanager
async def paused(door: Door, key: str | None = None) -> AsyncIterator[tuple[Reading, Frames]]:
    """A turn of which the first sentence has come."""
    reading = Reading()
    async with asyncio.timeout(LIMIT_S), door.asking(key) as frames:
        await frames.until(reading, "token")
        yield reading, frames


def whole(reading: Reading) -> bool:
    """Both sentences once, numbered without a gap, and a normal end."""
    assert reading.ids == list(range(1, len(reading.ids) + 1)), reading.frames
    assert len(reading.named("token")) == 2, reading.frames
    assert reading.finish_reason == "stop"
    return True


async def test_a_stream_goes_on_after_its_gateway_was_killed(
    replicas: Replicas, door: OpenDoor, model: PausedModel, key: str
) -> None:
    async with paused(door(ONE), key) as (reading, frames):
        await replicas.stop(ONE, signal.SIGKILL)
        await frames.to_the_break(reading)
    before = reading.text
    model.may_go_on.set()
    await door(TWO).resume(reading)
    assert whole(reading)
    assert reading.text.startswith(before)
    assert len(model.requests) == 1


async def test_readers_notice_nothing_when_an_orchestrator_that_only_relays_is_killed(
    replicas: Replicas, door: OpenDoor, model: PausedModel, key: str
) -> None:
    async with paused(door(ONE), key) as (reading, frames):
        again = [Reading(), Reading()]
        two = door(TWO)
        # Two calls of one gateway go to both orchestrators in turn.
        async with two.resuming(reading.message_id, 0) as first, two.resuming(reading.message_id, 0) as second:
            await asyncio.gather(*(each.until(at, "token") for each, at in zip((first, second), again, strict=True)))
            await replicas.stop(await replicas.other(), signal.SIGKILL)
            model.may_go_on.set()
            await asyncio.gather(*(each.to_the_end(at) for each, at in zip((first, second), again, strict=True)))
        await frames.to_the_end(reading)
    assert all(whole(each) for each in (reading, *again))
    assert reading.frames == again[0].frames == again[1].frames


async def test_a_killed_owner_interrupts_the_turn_and_asking_again_starts_it_anew(
    replicas: Replicas, door: OpenDoor, model: PausedModel, key: str
) -> None:
    async with paused(door(ONE), key) as (lost, frames):
        await replicas.stop(await replicas.owner(), signal.SIGKILL)
        await frames.to_the_end(lost)
    assert [error["code"] for error in lost.named("error")] == ["interrupted"]
    assert lost.named("error")[0]["retryable"]
    assert lost.finish_reason == "interrupted"

    model.may_go_on.set()
    anew = Reading()
    async with asyncio.timeout(LIMIT_S), door(TWO).asking(key) as frames:
        await frames.to_the_end(anew)
    assert anew.message_id == lost.message_id
    assert anew.ids[0] == lost.ids[-1] + 1
    assert len(anew.named("token")) == 2
    assert anew.finish_reason == "stop"
    assert audited(replicas, lost.message_id) == ["interrupted", "stop"]


def audited(replicas: Replicas, message_id: str) -> list[str]:
    lines = [line for path in (replicas.folder / "audit").glob("*.jsonl") for line in path.read_text().splitlines()]
    records = sorted(map(json.loads, lines), key=lambda record: str(record["time"]))
    return [record["outcome"] for record in records if record["message_id"] == message_id]


async def test_the_stream_flows_on_without_redis_and_says_that_it_cannot_be_resumed(
    replicas: Replicas, door: OpenDoor, redis: RedisServer, model: PausedModel, key: str
) -> None:
    async with paused(door(ONE), key) as (reading, frames):
        await redis.program.stop(signal.SIGKILL)
        try:
            model.may_go_on.set()
            await frames.to_the_end(reading)
            without = Reading()
            async with asyncio.timeout(LIMIT_S), door(ONE).asking(f"{key}-2") as second:
                await second.to_the_end(without)
        finally:
            await redis.start()
            # The next test must not wait until they try Redis again.
            for name in ("orchestrator", "orchestrator_2"):
                await replicas.stop(name, signal.SIGKILL)
    assert whole(reading)
    assert reading.named("meta")[0]["resumable"] is True
    assert without.named("meta")[0]["resumable"] is False
    assert without.finish_reason == "stop"
    assert len(without.named("token")) == 2


async def test_the_same_key_at_both_gateways_makes_one_turn(
    replicas: Replicas, door: OpenDoor, model: PausedModel, key: str
) -> None:
    readings = [Reading() for _ in range(4)]

    async def ask(at: Door, reading: Reading) -> None:
        async with asyncio.timeout(LIMIT_S), at.asking(key) as frames:
            await frames.until(reading, "token")
            model.may_go_on.set()
            await frames.to_the_end(reading)

    doors = [door(gateway) for gateway in (ONE, TWO, ONE, TWO)]
    await asyncio.gather(*(ask(at, reading) for at, reading in zip(doors, readings, strict=True)))
    assert all(whole(reading) for reading in readings)
    assert len({tuple(reading.frames) for reading in readings}) == 1
    assert len(model.requests) == 1
    assert audited(replicas, readings[0].message_id) == ["stop"]


@pytest.mark.parametrize("attempt", [1, 2])
async def test_a_delete_through_any_pod_stops_the_turn_at_once(
    replicas: Replicas, door: OpenDoor, model: PausedModel, key: str, attempt: int
) -> None:
    async with paused(door(ONE), key) as (reading, frames):
        stopped = await door(TWO).http.delete(f"/chat/stream/{reading.message_id}")
        assert stopped.status_code == 204
        await frames.to_the_end(reading)
        await model.closed(0)
    assert reading.finish_reason == "cancelled"


async def test_leaving_without_a_key_cancels_everything_at_once(
    replicas: Replicas, door: OpenDoor, model: PausedModel
) -> None:
    async with paused(door(ONE)) as (reading, _):
        assert reading.named("meta")[0]["resumable"] is False
    async with asyncio.timeout(2):
        await model.closed(0)


async def test_a_turn_that_was_left_is_read_on_by_whoever_asked(
    replicas: Replicas, door: OpenDoor, model: PausedModel, key: str
) -> None:
    async with paused(door(ONE), key) as (reading, _):
        pass
    assert await replicas.owner()
    model.may_go_on.set()
    await door(TWO).resume(reading)
    assert whole(reading)


async def test_another_key_neither_resumes_nor_stops_nor_reads_the_conversation(
    replicas: Replicas, door: OpenDoor, model: PausedModel, key: str
) -> None:
    omar = door(TWO, "omar").http
    async with paused(door(ONE), key) as (reading, frames):
        thread_id = reading.named("meta")[0]["thread_id"]
        asked = [
            await omar.get(f"/chat/stream/{reading.message_id}"),
            await omar.delete(f"/chat/stream/{reading.message_id}"),
            await omar.get(f"/threads/{thread_id}"),
            await omar.delete(f"/threads/{thread_id}"),
            await omar.post("/chat/stream", json={"query": DEMO, "thread_id": thread_id}),
        ]
        model.may_go_on.set()
        await frames.to_the_end(reading)
    assert [response.status_code for response in asked] == [404] * 5
    assert whole(reading)


async def test_parallel_turns_of_one_thread_are_both_kept(
    replicas: Replicas, door: OpenDoor, model: PausedModel, key: str
) -> None:
    model.may_go_on.set()
    first = Reading()
    async with door(ONE).asking(key) as frames:
        await frames.to_the_end(first)
    thread_id = first.named("meta")[0]["thread_id"]
    body = {"query": DEMO, "thread_id": thread_id}
    answers = await asyncio.gather(*(door(each).http.post("/chat", json=body) for each in (ONE, TWO) * 2))
    asked = {first.message_id, *(answer.json()["message_id"] for answer in answers)}
    kept = (await door(TWO).http.get(f"/threads/{thread_id}")).json()["turns"]
    assert {turn["message_id"] for turn in kept} == asked
    assert len(asked) == 5


async def test_a_conversation_that_is_erased_while_a_turn_runs_stays_erased(
    replicas: Replicas, door: OpenDoor, model: PausedModel, key: str
) -> None:
    async with paused(door(ONE), key) as (reading, frames):
        thread_id = reading.named("meta")[0]["thread_id"]
        erased = await door(TWO).http.delete(f"/threads/{thread_id}")
        model.may_go_on.set()
        await frames.to_the_end(reading)
    assert erased.status_code == 204
    assert whole(reading)
    assert (await door(ONE).http.get(f"/threads/{thread_id}")).json()["turns"] == []


async def test_a_resume_is_a_trace_of_its_own_with_a_link_to_the_first(
    sample_index: Path, tmp_path: Path, otlp: OtlpSink
) -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp.endpoint,
        "OTEL_EXPORTER_OTLP_INSECURE": "true",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    async with running_replicas(tmp_path, sample_index, **environment) as traced:
        reading = Reading()
        # Without Redis a turn is known to its orchestrator alone.
        await traced.stop("orchestrator_2")
        one = Door(traced.url_of(ONE))
        async with one.http, one.asking("key-of-a-trace") as frames:
            await frames.to_the_end(reading)
            async with one.resuming(reading.message_id, 1) as rest:
                await rest.to_the_end(Reading())
        first = reading.named("meta")[0]["trace_id"]
        resumed = await linked(otlp, "marianne.orchestrator.v1.OrchestratorService/ReadTurn")
    assert resumed.trace_id != first
    assert any(link.startswith(first) or first in link for link in resumed.links), resumed.links


async def linked(otlp: OtlpSink, name: str) -> Span:
    def found(spans: list[Span]) -> bool:
        return any(span.name == name and span.links for span in spans)

    return next(span for span in await otlp.wait_for(found) if span.name == name and span.links)
