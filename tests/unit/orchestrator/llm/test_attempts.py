"""When a model is asked again, and when another one is asked instead."""

import asyncio
from collections.abc import Callable

import pytest
from langchain_core.messages import HumanMessage

from marianne_orchestrator.llm.errors import (
    LLMError,
    LLMInterrupted,
    LLMNoText,
    LLMProtocolError,
    LLMRefused,
    LLMTimeout,
    LLMUnavailable,
)
from marianne_orchestrator.llm.openai_compatible import OpenAICompatibleModel
from marianne_orchestrator.llm.policy import Endpoint
from support.llm import FakeLLM, misbehaviour, reply_json

ModelFactory = Callable[..., OpenAICompatibleModel]
PROMPT = [HumanMessage("Bonjour ?")]


async def answer(model: OpenAICompatibleModel) -> str:
    return "".join([str(chunk.content) async for chunk in model.astream(PROMPT)])


@pytest.mark.parametrize("name", ["server_error", "overloaded", "cut_before_first_token", "error_frame"])
async def test_a_failing_server_is_asked_again(make_model: ModelFactory, fake: FakeLLM, name: str) -> None:
    fake.script(misbehaviour(name), misbehaviour(name))

    assert await answer(make_model(fake.base_url, attempts=3)) == fake.text


async def test_a_failing_server_is_not_asked_for_ever(make_model: ModelFactory, fake: FakeLLM) -> None:
    fake.respond_with(lambda _request: misbehaviour("overloaded"))

    with pytest.raises(LLMUnavailable, match="503"):
        await answer(make_model(fake.base_url, attempts=3))

    assert len(fake.requests) == 3


async def test_a_rate_limited_model_is_asked_again_after_the_wait_it_names(
    make_model: ModelFactory, fake: FakeLLM
) -> None:
    fake.script(reply_json({}, 429, retry_after="0"))

    assert await answer(make_model(fake.base_url, attempts=2)) == fake.text


async def test_a_longer_wait_than_allowed_is_not_waited_for(make_model: ModelFactory, fake: FakeLLM) -> None:
    fake.respond_with(lambda _request: misbehaviour("rate_limited"))

    with pytest.raises(LLMUnavailable, match="429") as caught:
        await answer(make_model(fake.base_url, attempts=3, longest_wait_s=0.9))

    assert caught.value.retry_after_s == 1
    assert len(fake.requests) == 1


@pytest.mark.parametrize("name", ["unauthorized", "not_found", "zero_tokens", "tool_calls", "web_page"])
async def test_what_asking_again_does_not_change_is_not_asked_again(
    make_model: ModelFactory, fake: FakeLLM, name: str
) -> None:
    fake.respond_with(lambda _request: misbehaviour(name))

    with pytest.raises((LLMRefused, LLMNoText, LLMProtocolError)):
        await answer(make_model(fake.base_url, attempts=3))

    assert len(fake.requests) == 1


async def test_a_model_that_does_not_answer_is_not_asked_again(make_model: ModelFactory, fake: FakeLLM) -> None:
    fake.respond_with(lambda _request: misbehaviour("hang_before_head"))

    with pytest.raises(LLMTimeout):
        await answer(make_model(fake.base_url, attempts=3, first_token_timeout_s=0.5))

    assert len(fake.requests) == 1


@pytest.mark.parametrize("name", ["unauthorized", "rate_limited", "overloaded", "web_page", "zero_tokens"])
async def test_a_second_provider_answers_when_the_first_cannot(
    make_model: ModelFactory, fake: FakeLLM, second: FakeLLM, name: str
) -> None:
    fake.respond_with(lambda _request: misbehaviour(name))
    model = make_model(fake.base_url, second.base_url, attempts=2, longest_wait_s=0.1)

    assert await answer(model) == second.text


async def test_a_second_provider_answers_when_the_first_does_not(
    make_model: ModelFactory, fake: FakeLLM, second: FakeLLM
) -> None:
    fake.script(misbehaviour("hang_before_first_token"))

    assert await answer(make_model(fake.base_url, second.base_url, first_token_timeout_s=1)) == second.text


async def test_a_second_provider_answers_when_nobody_listens_at_the_first(
    make_model: ModelFactory, refusing: str, second: FakeLLM
) -> None:
    assert await answer(make_model(refusing, second.base_url, attempts=2)) == second.text


async def test_an_answer_without_stream_fails_over_too(
    make_model: ModelFactory, fake: FakeLLM, second: FakeLLM
) -> None:
    fake.script(misbehaviour("server_error"))

    message = await make_model(fake.base_url, second.base_url).ainvoke(PROMPT)

    assert message.content == second.text


async def test_the_error_of_the_last_provider_is_told(make_model: ModelFactory, fake: FakeLLM, second: FakeLLM) -> None:
    fake.script(misbehaviour("overloaded"))
    second.script(misbehaviour("unauthorized"))

    with pytest.raises(LLMRefused, match="401"):
        await answer(make_model(fake.base_url, second.base_url))


@pytest.mark.parametrize("name", ["cut_mid_stream", "invalid_json", "hang_mid_stream"])
async def test_nobody_is_asked_once_text_has_been_given(
    make_model: ModelFactory, fake: FakeLLM, second: FakeLLM, name: str
) -> None:
    fake.script(misbehaviour(name))

    with pytest.raises(LLMInterrupted):
        await answer(make_model(fake.base_url, second.base_url, attempts=3, token_timeout_s=0.05))

    assert len(fake.requests) == 1
    assert second.requests == []


async def test_each_provider_is_asked_with_its_own_key_and_model_name(
    make_model: ModelFactory, fake: FakeLLM, second: FakeLLM
) -> None:
    fake.script(misbehaviour("overloaded"))
    endpoints = (Endpoint(fake.base_url, "sk-1"), Endpoint(second.base_url, model="other/small"))

    await answer(make_model(fake.base_url).model_copy(update={"endpoints": endpoints}))

    assert fake.requests[0].headers["authorization"] == "Bearer sk-1"
    assert fake.requests[0].body["model"] == "small"
    assert "authorization" not in second.requests[0].headers
    assert second.requests[0].body["model"] == "other/small"


async def test_a_connection_that_died_while_idle_costs_one_attempt(make_model: ModelFactory, fake: FakeLLM) -> None:
    model = make_model(fake.base_url, attempts=2)
    await answer(model)

    fake.script(misbehaviour("cut_before_first_token"))

    assert await answer(model) == fake.text


async def test_waiting_for_the_next_attempt_can_be_cancelled(make_model: ModelFactory, fake: FakeLLM) -> None:
    fake.respond_with(lambda _request: misbehaviour("overloaded"))
    asking = asyncio.create_task(answer(make_model(fake.base_url, attempts=2, backoff_s=600, longest_wait_s=600)))
    await fake.closed(0)

    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_every_failure_is_one_family() -> None:
    for error in (LLMUnavailable("x"), LLMRefused(401), LLMTimeout("total"), LLMNoText(None), LLMInterrupted("a")):
        assert isinstance(error, LLMError)
