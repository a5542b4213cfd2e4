"""The gate inside a turn: the model is read on while verdicts are due, and let go when it leaves its sources."""

import asyncio
from pathlib import Path

from marianne_orchestrator.events import Done, Event, Token, Withheld
from support.llm import DONE, FakeLLM, Hang, RecordedRequest, Reply, Send, Wait, chunk, frame
from support.ports import FakeAnswerCheck, cited, withheld
from support.turns import QUESTION, Rig, llm, of, one

HELD_S = 0.5
ONE, TWO, THREE = ("Le titre se renouvelle en ligne [1.1]. ", "Il coûte 225 € [1.3]. ", "Il se dépose tôt [1.2]. ")


def said(text: str) -> Send:
    return Send(frame(chunk({"content": text})))


async def test_while_a_verdict_is_due_the_next_unit_is_sent_and_the_model_is_read(tmp_path: Path) -> None:
    check = FakeAnswerCheck()
    check.due.clear()
    second_sent = asyncio.Event()

    def goes_on_once_the_second_was_sent(_: RecordedRequest) -> Reply:
        return Reply((said(ONE), said(TWO), Wait(second_sent), said(THREE), Send(DONE)))

    rig = Rig(tmp_path / "audit", check=check)
    async with llm(rig, "") as model, asyncio.timeout(20):
        model.respond_with(goes_on_once_the_second_was_sent)
        events: list[Event] = []

        async def emit(event: Event) -> None:
            events.append(event)

        turn = asyncio.create_task(rig.runner().run(QUESTION, emit))
        await check.received(1)
        held = asyncio.get_running_loop().time()
        await check.received(2)
        second_sent.set()
        await check.received(3)
        assert not of(events, Token)
        assert asyncio.get_running_loop().time() - held < HELD_S
        asyncio.get_running_loop().call_at(held + HELD_S, check.due.set)
        await turn

    assert [token.text.strip() for token in of(events, Token)] == [
        text.split(" [")[0] + "." for text in (ONE, TWO, THREE)
    ]


async def closed(model: FakeLLM) -> None:
    async with asyncio.timeout(10):
        await model.closed(0)


async def test_after_two_withheld_in_a_row_the_model_is_let_go_and_quotes_follow(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "audit", check=FakeAnswerCheck(withheld))
    async with llm(rig, "") as model:
        model.respond_with(lambda _: Reply((said("Six mois. "), said("Neuf mois. "), said("Dix"), Hang())))
        events = await rig.run()
        await closed(model)

    assert len(of(events, Withheld)) == 2
    tokens = of(events, Token)
    assert [token.verdict for token in tokens[:2]] == ["fixed", "fixed"]
    assert tokens[2:]
    assert {token.verdict for token in tokens[2:]} == {"quoted"}
    assert one(events, Done).finish_reason == "withheld"


async def test_once_six_are_judged_three_in_ten_withheld_are_enough(tmp_path: Path) -> None:
    verdicts = iter([False, True, False, False, True, False, False])
    rig = Rig(tmp_path / "audit", check=FakeAnswerCheck(lambda unit: withheld(unit) if next(verdicts) else cited(unit)))
    async with llm(rig, "") as model:
        model.respond_with(lambda _: Reply((*(said(f"Le titre {word} [1.1]. ") for word in "abcdef"), Hang())))
        events = await rig.run()
        await closed(model)

    assert len(of(events, Withheld)) == 2
    assert one(events, Done).finish_reason == "withheld"
