"""Turns that a language model answers: the real graph, gate and model client over a real HTTP server."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableBinding

from marianne_chassis.settings import load_settings
from marianne_orchestrator.agents import FINAL_ANSWER, Agent, answer_chain
from marianne_orchestrator.config import OrchestratorSettings
from marianne_orchestrator.events import Degraded, Done, Error, Meta, Sources, Status, Token, Usage, Withheld
from marianne_orchestrator.models import ConfiguredModels
from marianne_orchestrator.nodes import Nodes, Step, announce
from marianne_orchestrator.signals import OpenGate
from marianne_orchestrator.state import TurnState
from support.llm import (
    Cut,
    FakeLLM,
    Hang,
    Reply,
    Wait,
    chunk,
    end_frames,
    frame,
    misbehaviour,
    reply_frames,
    reply_text,
    token_frames,
)
from support.ports import FakeAnswerCheck, exchange, verdict, withheld
from support.turns import QUESTION, SOURCES, Rig, answer, llm, of, one, stages, texts

FIRST = "Le titre se renouvelle en ligne [1.1]."
SECOND = "Il faut compter 225 euros [1.3]."
TEXT = f"{FIRST} {SECOND}"
ENGLISH = replace(QUESTION, text="How do I renew my residence permit?")
VERBATIM = {sentence for source in SOURCES for sentence in source.sentences}


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "audit")


@pytest.fixture(name="fake")
async def _fake(rig: Rig) -> AsyncIterator[FakeLLM]:
    async with llm(rig, TEXT) as fake:
        yield fake


def cut_for_length(text: str) -> Reply:
    return reply_frames(*token_frames(text), frame(chunk({}, finish_reason="length")), *end_frames(text)[1:])


def prompts(fake: FakeLLM) -> list[str]:
    """How each request begins to tell the model what to do."""
    return [request.body["messages"][0]["content"].split()[0] for request in fake.requests]


async def test_what_the_model_writes_is_shown_checked_and_without_marks(rig: Rig, fake: FakeLLM) -> None:
    events = await rig.run()
    assert of(events, Token) == [
        Token("Le titre se renouvelle en ligne.", "fr", "cited", ("1.1",)),
        Token(" Il faut compter 225 euros.", "fr", "cited", ("1.3",)),
    ]
    assert isinstance(events[0], Meta)
    assert stages(events) == ["understanding", "retrieving", "answering", "checking"]
    assert not of(events, Degraded)
    assert events[-1] == one(events, Done)


async def test_sources_and_stages_come_before_the_first_sentence(rig: Rig, fake: FakeLLM) -> None:
    events = await rig.run()
    first = events.index(of(events, Token)[0])
    assert {Meta, Status, Sources} <= {type(event) for event in events[:first]}
    assert "answering" in stages(events[:first])


async def test_the_model_gets_fenced_sources_history_and_question(rig: Rig, fake: FakeLLM) -> None:
    await rig.threads.append("thread-1", exchange("Une question.", answer="Une réponse."))
    await rig.run(replace(QUESTION, new_thread=False))
    system, before, said, asked = fake.requests[0].body["messages"]
    assert "whose code is fr" in system["content"]
    assert (before["content"], said["content"]) == ("Une question.", "Une réponse.")
    assert f"[1.3] {SOURCES[0].sentences[2]}" in asked["content"]
    assert asked["content"].endswith(QUESTION.text)


async def test_usage_and_model_are_told(rig: Rig, fake: FakeLLM) -> None:
    done = one(await rig.run(), Done)
    assert done.usage == Usage(7, len(TEXT.split()))


async def test_the_model_that_was_asked_for_answers(rig: Rig, fake: FakeLLM) -> None:
    events = await rig.run(replace(QUESTION, model="fake-2"))
    assert rig.models.asked == ["fake-2"]
    assert one(events, Meta).model == "fake-2"


async def test_an_answer_cut_for_length_says_so(rig: Rig, fake: FakeLLM) -> None:
    fake.script(cut_for_length(TEXT))
    assert one(await rig.run(), Done).finish_reason == "length"


async def test_a_translation_cut_for_length_is_not_the_answer(rig: Rig, fake: FakeLLM) -> None:
    fake.script(cut_for_length("renouveler un titre"), reply_text(TEXT))
    assert one(await rig.run(ENGLISH), Done).finish_reason == "stop"


async def test_a_french_question_needs_one_call(rig: Rig, fake: FakeLLM) -> None:
    await rig.run()
    assert prompts(fake) == ["You"]
    assert rig.finder.queries == [QUESTION.text]


async def test_another_language_is_searched_in_french_after_one_more_call(rig: Rig, fake: FakeLLM) -> None:
    fake.script(reply_text("renouveler un titre de séjour."), reply_text("The permit is renewed online [1.1]."))
    events = await rig.run(ENGLISH)
    assert prompts(fake) == ["Rewrite", "You"]
    assert rig.finder.queries == ["renouveler un titre de séjour."]
    assert one(events, Token) == Token("The permit is renewed online.", "en", "cited", ("1.1",))


async def test_the_translation_sees_the_questions_before(rig: Rig, fake: FakeLLM) -> None:
    await rig.threads.append("thread-1", exchange("How do I renew my permit?"))
    await rig.run(replace(ENGLISH, text="And how much is it?", new_thread=False))
    [_, asked] = fake.requests[0].body["messages"]
    assert "How do I renew my permit?" in asked["content"]
    assert "And how much is it?" in asked["content"]


async def test_a_translation_that_fails_leaves_the_question(rig: Rig, fake: FakeLLM) -> None:
    fake.script(misbehaviour("server_error"), reply_text(TEXT))
    events = await rig.run(ENGLISH)
    assert rig.finder.queries == [ENGLISH.text]
    assert of(events, Token)
    assert len(fake.requests) == 2


async def test_without_a_model_another_language_is_searched_as_it_is(rig: Rig) -> None:
    await rig.run(ENGLISH)
    assert rig.finder.queries == [ENGLISH.text]


async def test_a_refused_question_reaches_no_model(rig: Rig, fake: FakeLLM) -> None:
    rig.input_check.refused = ("permit",)
    await rig.run(ENGLISH)
    assert fake.requests == []


async def test_the_model_sees_the_redacted_question_only(rig: Rig, fake: FakeLLM) -> None:
    await rig.run(replace(ENGLISH, text="I am Ana. How do I renew my residence permit?"))
    assert len(fake.requests) == 2
    assert not any(b"Ana" in request.raw_body for request in fake.requests)


async def test_without_guardrails_no_model_is_asked(rig: Rig, fake: FakeLLM) -> None:
    rig.input_check.away = True
    events = await rig.run(ENGLISH)
    assert fake.requests == []
    assert {token.verdict for token in of(events, Token)} == {"quoted"}
    assert [degraded.dependency for degraded in of(events, Degraded)] == ["guardrails"]


async def test_without_the_texts_no_model_is_asked(rig: Rig, fake: FakeLLM) -> None:
    rig.finder.found = replace(rig.finder.found, sources=())
    await rig.run()
    assert fake.requests == []


async def test_guardrails_that_die_midway_end_the_stream_and_leave_quotes(rig: Rig, fake: FakeLLM) -> None:
    check = rig.check = FakeAnswerCheck()
    check.dies_after = 1
    fake.script(reply_frames(*token_frames(TEXT), end=(Hang(),)))
    events = await rig.run()
    await fake.closed(0)
    shown, *quotes = of(events, Token)
    assert shown.citations == ("1.1",)
    assert one(events, Degraded).dependency == "guardrails"
    assert quotes
    assert all(quote.text.strip() in VERBATIM and quote.verdict == "quoted" for quote in quotes)
    assert all("1.1" not in quote.citations for quote in quotes)
    assert one(events, Done).finish_reason == "stop"


async def test_too_much_withheld_ends_the_stream_and_leaves_quotes(rig: Rig, fake: FakeLLM) -> None:
    rig.check = FakeAnswerCheck(withheld)
    fake.script(reply_frames(*token_frames("Un faux [9.9]. Un autre faux [9.9]. Encore"), end=(Hang(),)))
    events = await rig.run()
    await fake.closed(0)
    assert len(of(events, Withheld)) == 2
    assert any(token.verdict == "quoted" for token in of(events, Token))
    assert one(events, Done).finish_reason == "withheld"


@pytest.mark.parametrize("fault", ["unauthorized", "server_error", "zero_tokens", "cut_before_first_token"])
async def test_a_model_that_gives_nothing_is_replaced_by_quotes(rig: Rig, fake: FakeLLM, fault: str) -> None:
    fake.respond_with(lambda _request: misbehaviour(fault))
    events = await rig.run()
    assert one(events, Degraded) == Degraded("llm", texts().get("consequence.llm", "fr"))
    assert {token.text.strip() for token in of(events, Token)} <= VERBATIM
    assert one(events, Done).finish_reason == "stop"


async def test_a_model_cut_before_its_first_sentence_is_replaced_by_quotes(rig: Rig, fake: FakeLLM) -> None:
    fake.script(reply_frames(*token_frames("Le titre se renou"), end=(Cut(),)))
    events = await rig.run()
    assert one(events, Degraded).dependency == "llm"
    assert "renou" in answer(events)
    assert {token.text.strip() for token in of(events, Token)} <= VERBATIM
    assert not of(events, Error)


async def test_a_model_cut_after_a_sentence_is_told_and_nothing_is_made_up(rig: Rig, fake: FakeLLM) -> None:
    fake.script(reply_frames(*token_frames(f"{FIRST} Il faut compter 22"), end=(Cut(),)))
    events = await rig.run()
    assert answer(events) == "Le titre se renouvelle en ligne."
    assert events[-2] == Error("llm", texts().get("error.llm", "fr"), retryable=True)
    assert one(events, Done).finish_reason == "error"
    assert events[-1] == one(events, Done)


async def test_whether_anything_was_shown_waits_for_the_verdicts_due(rig: Rig, fake: FakeLLM) -> None:
    check = rig.check = FakeAnswerCheck()
    check.due.clear()
    fake.script(reply_frames(*token_frames(f"{FIRST} Il"), end=(Cut(),)))
    turn = asyncio.create_task(rig.run())
    await check.received(1)
    await fake.closed(0)
    assert not turn.done()
    check.due.set()
    events = await turn
    assert answer(events) == "Le titre se renouvelle en ligne."
    assert one(events, Error).code == "llm"


async def test_a_sentence_is_shown_while_the_model_still_writes(rig: Rig, fake: FakeLLM) -> None:
    go_on = asyncio.Event()
    check = rig.check = FakeAnswerCheck()
    fake.script(reply_frames(*token_frames(FIRST), end=(Wait(go_on), *reply_text(f" {SECOND}").steps)))
    turn = asyncio.create_task(rig.run())
    assert (await check.received(1))[0].text == "Le titre se renouvelle en ligne."
    go_on.set()
    assert answer(await turn) == "Le titre se renouvelle en ligne. Il faut compter 225 euros."


async def test_the_model_is_read_on_while_a_verdict_is_held_back(rig: Rig, fake: FakeLLM) -> None:
    check = rig.check = FakeAnswerCheck(lambda unit: verdict(unit, "supported"))
    check.due.clear()
    turn = asyncio.create_task(rig.run())
    assert len(await check.received(2)) == 2
    check.due.set()
    assert {token.verdict for token in of(await turn, Token)} == {"supported"}


async def test_cancelling_closes_the_stream_of_the_model(rig: Rig, fake: FakeLLM) -> None:
    check = rig.check = FakeAnswerCheck()
    fake.script(reply_frames(*token_frames(FIRST), end=(Hang(),)))
    turn = asyncio.create_task(rig.run())
    await check.received(1)
    turn.cancel()
    await asyncio.wait([turn])
    await fake.closed(0)
    assert check.closed.is_set()


class UntaggedProcedure(Nodes):
    """The graph as it is, but the answers of one agent lack the tag."""

    def answering(self, agent: Agent) -> Step:
        if agent.name != "procedure":
            return super().answering(agent)

        async def answer(state: TurnState) -> TurnState:
            await announce(OpenGate(state["sources"], state["question"], state["query"], guarded=True))
            await _untagged(agent, self.models.answering("")).ainvoke(state)
            return {}

        return answer


def _untagged(agent: Agent, model: BaseChatModel) -> Runnable[TurnState, BaseMessage]:
    chain = answer_chain(agent, model)
    assert isinstance(chain, RunnableBinding)
    assert chain.config["tags"] == [FINAL_ANSWER]
    return chain.with_config(tags=[])


async def test_no_token_of_an_untagged_chain_is_seen(rig: Rig, fake: FakeLLM) -> None:
    rig.nodes = UntaggedProcedure
    events = await rig.run()
    assert len(fake.requests) == 1
    assert of(events, Token) == []
    assert one(events, Done).finish_reason == "stop"


async def test_the_other_agents_are_still_seen(rig: Rig, fake: FakeLLM) -> None:
    rig.nodes = UntaggedProcedure
    events = await rig.run(replace(QUESTION, text="Ai-je le droit de renouveler mon titre de séjour ?"))
    assert len(of(events, Token)) == 2


async def test_the_settings_name_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("LLM_MODEL", "small")
    monkeypatch.setenv("LLM_MODELS", "large, small")
    async with httpx.AsyncClient() as http:
        models = ConfiguredModels(load_settings(OrchestratorSettings), http)
    assert models.configured()
    assert models.names == ("small", "large")
    assert models.answering("") is models.answering("small")
    with pytest.raises(KeyError):
        models.answering("other")


async def test_without_an_address_there_is_only_the_quoting_model() -> None:
    async with httpx.AsyncClient() as http:
        models = ConfiguredModels(load_settings(OrchestratorSettings), http)
    assert not models.configured()
    assert models.names == ("extractive",)
