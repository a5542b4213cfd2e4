"""A resumable turn whose call breaks off is read on; what only its own call could give is not made up."""

import asyncio

import grpc

from support.gateway import RunningGateway, ask
from support.orchestrator import Break, FakeOrchestrator, done, meta, token

KEY = {"Idempotency-Key": "0b5e-once"}
AWAY = Break(grpc.StatusCode.UNAVAILABLE)


async def test_a_resumable_turn_is_read_on_after_the_last_event_that_came(
    orchestrator: FakeOrchestrator, gateway: RunningGateway
) -> None:
    orchestrator.play(meta(), token("Un. "), AWAY, token("Deux."), done())

    told = await ask(gateway, headers=KEY)

    assert [frame.name for frame in told] == ["meta", "token", "token", "done"]
    assert [frame.id for frame in told] == ["1", "2", "3", "4"]
    assert orchestrator.read[0].after_sequence == 2


async def test_a_turn_that_is_not_resumable_breaks_off(orchestrator: FakeOrchestrator, gateway: RunningGateway) -> None:
    orchestrator.play(meta(), token("Un. "), AWAY, token("Deux."), done())

    told = await ask(gateway)

    assert [frame.name for frame in told] == ["meta", "token", "error", "done"]
    assert told[2].data["code"] == "unavailable"
    assert orchestrator.read == []


async def test_a_turn_that_went_down_with_its_orchestrator_is_interrupted(
    orchestrator: FakeOrchestrator, gateway: RunningGateway
) -> None:
    may_break = asyncio.Event()
    orchestrator.play(meta(), may_break, AWAY)

    async def forget() -> None:
        await orchestrator.heard.wait()
        orchestrator._turns.clear()
        may_break.set()

    told, _ = await asyncio.gather(ask(gateway, headers=KEY), forget())

    assert [frame.name for frame in told] == ["meta", "error", "done"]
    assert told[1].data["code"] == "interrupted"
    assert told[1].data["retryable"]
