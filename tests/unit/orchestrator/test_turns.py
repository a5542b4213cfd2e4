import asyncio
from collections.abc import AsyncGenerator

import pytest
from prometheus_client import REGISTRY

from marianne_orchestrator.events import Done, Event, FinishReason, Status
from marianne_orchestrator.records import Question
from marianne_orchestrator.turn import Tell
from marianne_orchestrator.turn_log import MemoryTurnLog, UnknownTurnError
from marianne_orchestrator.turns import Turns

LONG_S = 600.0
HERE = Question("Combien ?", "t1", "m1", resumable=True)
ONCE = Question("Combien ?", "t1", "m1", resumable=False)


class FakeRunner:
    """Says one thing, and ends when the test lets it."""

    def __init__(self) -> None:
        self.runs = 0
        self.may_end = asyncio.Event()

    async def run(self, question: Question, emit: Tell) -> None:
        self.runs += 1
        reason: FinishReason = "cancelled"
        try:
            await emit(Status("understanding"))
            await self.may_end.wait()
            reason = "stop"
        finally:
            await emit(Done(reason))


@pytest.fixture(name="runner")
async def _runner() -> FakeRunner:
    return FakeRunner()


def make_turns(runner: FakeRunner, grace_s: float = LONG_S) -> Turns:
    return Turns(runner, MemoryTurnLog(LONG_S), grace_s)


async def enter(events: AsyncGenerator[tuple[int, Event]]) -> AsyncGenerator[tuple[int, Event]]:
    """Reads the first event."""
    assert await anext(events) == (1, Status("understanding"))
    return events


async def end_of(turns: Turns, after: int = 0) -> FinishReason:
    """Reads the turn to its end, and says how it ended."""
    async with asyncio.timeout(10):
        events = [event async for _, event in turns.read("m1", after)]
    assert [isinstance(event, Done) for event in events] == [*[False] * (len(events) - 1), True]
    assert isinstance(events[-1], Done)
    return events[-1].finish_reason


async def test_a_turn_is_read_from_its_first_event_to_done(runner: FakeRunner) -> None:
    runner.may_end.set()
    events = [numbered async for numbered in make_turns(runner).ask(HERE)]
    assert events == [(1, Status("understanding")), (2, Done("stop"))]


@pytest.mark.parametrize("question", [HERE, ONCE], ids=["resumable", "not_resumable"])
async def test_a_second_ask_reads_the_first_turn_and_starts_nothing(runner: FakeRunner, question: Question) -> None:
    turns = make_turns(runner)
    first = await enter(turns.ask(question))
    second = await enter(turns.ask(question))
    runner.may_end.set()
    assert [event async for _, event in first] == [event async for _, event in second] == [Done("stop")]
    assert await end_of(turns) == "stop"
    assert runner.runs == 1


async def test_a_turn_that_is_not_resumable_ends_when_its_reader_leaves(runner: FakeRunner) -> None:
    turns = make_turns(runner)
    await (await enter(turns.ask(ONCE))).aclose()
    assert await end_of(turns) == "cancelled"


async def test_a_resumable_turn_outlives_its_reader(runner: FakeRunner) -> None:
    turns = make_turns(runner)
    await (await enter(turns.ask(HERE))).aclose()
    runner.may_end.set()
    assert await end_of(turns) == "stop"


async def test_a_resumable_turn_is_stopped_after_the_grace(runner: FakeRunner) -> None:
    log = MemoryTurnLog(LONG_S)
    turns = Turns(runner, log, 0.01)
    await (await enter(turns.ask(HERE))).aclose()
    async with asyncio.timeout(10):
        assert [event async for _, event in log.read("m1", 1)] == [Done("cancelled")]


async def test_a_reader_who_comes_back_ends_the_grace(runner: FakeRunner) -> None:
    turns = make_turns(runner, grace_s=0.05)
    await (await enter(turns.ask(HERE))).aclose()
    back = await enter(turns.read("m1", 0))
    past = asyncio.Event()
    asyncio.get_running_loop().call_later(0.06, past.set)
    await past.wait()
    runner.may_end.set()
    assert [event async for _, event in back] == [Done("stop")]


async def test_a_turn_goes_on_while_anybody_reads(runner: FakeRunner) -> None:
    turns = make_turns(runner)
    leaving, staying = await enter(turns.ask(ONCE)), await enter(turns.read("m1", 0))
    await leaving.aclose()
    runner.may_end.set()
    assert [event async for _, event in staying] == [Done("stop")]


async def test_whether_a_turn_is_resumable_was_said_when_it_began(runner: FakeRunner) -> None:
    turns = make_turns(runner)
    first, second = await enter(turns.ask(HERE)), await enter(turns.ask(ONCE))
    await first.aclose()
    await second.aclose()
    runner.may_end.set()
    assert await end_of(turns) == "stop"


async def test_the_last_reader_of_a_turn_that_is_not_resumable_ends_it(runner: FakeRunner) -> None:
    turns = make_turns(runner)
    first, second = await enter(turns.ask(ONCE)), await enter(turns.read("m1", 0))
    await first.aclose()
    await second.aclose()
    assert await end_of(turns) == "cancelled"


async def test_a_stopped_turn_tells_its_reader(runner: FakeRunner) -> None:
    turns = make_turns(runner)
    events = await enter(turns.ask(HERE))
    await turns.stop("m1")
    assert [event async for _, event in events] == [Done("cancelled")]


async def test_a_turn_that_is_stopped_before_its_first_step_ends_too(runner: FakeRunner) -> None:
    turns = make_turns(runner)
    first = asyncio.ensure_future(anext(turns.ask(HERE)))
    await asyncio.sleep(0)
    assert runner.runs == 0
    await turns.stop("m1")
    assert await end_of(turns) == "cancelled"
    await first


async def test_a_reader_who_leaves_before_the_first_step_ends_the_turn(runner: FakeRunner) -> None:
    turns = make_turns(runner)
    first = asyncio.ensure_future(anext(turns.ask(ONCE)))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    assert await end_of(turns) == "cancelled"


async def test_stopping_what_does_not_run_does_nothing(runner: FakeRunner) -> None:
    runner.may_end.set()
    turns = make_turns(runner)
    await turns.stop("m1")
    assert len([numbered async for numbered in turns.ask(HERE)]) == 2
    await turns.stop("m1")
    assert await end_of(turns) == "stop"


async def test_an_unknown_turn_cannot_be_read(runner: FakeRunner) -> None:
    with pytest.raises(UnknownTurnError):
        await anext(make_turns(runner).read("m1", 0))


async def test_draining_waits_for_detached_turns(runner: FakeRunner) -> None:
    turns = make_turns(runner)
    await (await enter(turns.ask(HERE))).aclose()
    draining = asyncio.create_task(turns.drain(LONG_S))
    await asyncio.sleep(0)
    assert not draining.done()
    runner.may_end.set()
    await draining
    assert await end_of(turns) == "stop"


async def test_draining_cancels_what_does_not_end_in_time(runner: FakeRunner) -> None:
    turns = make_turns(runner)
    await (await enter(turns.ask(HERE))).aclose()
    await turns.drain(0)
    assert await end_of(turns) == "cancelled"


async def test_draining_without_turns_is_done_at_once(runner: FakeRunner) -> None:
    await make_turns(runner).drain(LONG_S)


async def test_running_turns_are_counted(runner: FakeRunner) -> None:
    before = REGISTRY.get_sample_value("chat_active_streams") or 0
    turns = make_turns(runner)
    events = await enter(turns.ask(HERE))
    assert REGISTRY.get_sample_value("chat_active_streams") == before + 1
    runner.may_end.set()
    assert [event async for _, event in events] == [Done("stop")]
    await turns.drain(LONG_S)
    assert REGISTRY.get_sample_value("chat_active_streams") == before
