"""What the model makes of well-behaved and of odd servers; each oddity has its own test."""

import asyncio
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage

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
from support.llm import FakeLLM, Reply, Send, Wait, end_frames, misbehaviour, reply_text, token_frames

ModelFactory = Callable[..., OpenAICompatibleModel]
TEXT = "Déjà vu, « très » utile 👍. Fin."
PROMPT = [SystemMessage("Réponds."), HumanMessage("Mon secret ?", additional_kwargs={"passages": ["x"]})]


async def streamed(model: OpenAICompatibleModel, **kwargs: Any) -> AIMessageChunk:
    """The merged chunks of a streamed answer."""
    chunks = [chunk async for chunk in model.astream(PROMPT, **kwargs)]
    merged = chunks[0]
    for chunk in chunks[1:]:
        merged = merged + chunk
    return merged


async def answer_to(fake: FakeLLM, model: OpenAICompatibleModel, name: str) -> str:
    fake.script(misbehaviour(name, TEXT))
    return str((await streamed(model)).content)


async def test_text_usage_finish_reason_and_model_arrive(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    answer = await streamed(model)

    assert answer.content == fake.text
    assert answer.usage_metadata == {"input_tokens": 7, "output_tokens": 4, "total_tokens": 11}
    assert answer.response_metadata == {"finish_reason": "stop", "model_name": "fake-1"}


async def test_an_answer_without_stream_is_the_same(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    answer = await model.ainvoke(PROMPT)

    assert fake.requests[0].body["stream"] is False
    assert "stream_options" not in fake.requests[0].body
    assert answer.content == fake.text
    assert answer.usage_metadata == {"input_tokens": 7, "output_tokens": 4, "total_tokens": 11}
    assert answer.response_metadata == {"finish_reason": "stop", "model_name": "fake-1"}


async def test_the_request_holds_the_texts_of_the_messages_and_nothing_else(
    model: OpenAICompatibleModel, fake: FakeLLM
) -> None:
    await model.ainvoke([*PROMPT, AIMessage("Oui."), HumanMessage("Et ?")], stop=["\n\n"])

    request = fake.requests[0]
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer sk-secret"
    assert request.headers["accept-encoding"] == "identity"
    assert request.body == {
        "model": "small",
        "messages": [
            {"role": "system", "content": "Réponds."},
            {"role": "user", "content": "Mon secret ?"},
            {"role": "assistant", "content": "Oui."},
            {"role": "user", "content": "Et ?"},
        ],
        "stop": ["\n\n"],
        "stream": False,
    }


async def test_parameters_go_with_every_request_and_a_call_may_change_them(
    model: OpenAICompatibleModel, fake: FakeLLM
) -> None:
    cool = model.model_copy(update={"parameters": {"temperature": 0, "max_tokens": 9}})

    await cool.bind(model="large", max_tokens=5).ainvoke(PROMPT)

    body = fake.requests[0].body
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("large", 0, 5)


async def test_messages_of_other_kinds_are_refused_before_anything_is_sent(
    model: OpenAICompatibleModel, fake: FakeLLM
) -> None:
    with pytest.raises(TypeError, match="ToolMessage"):
        await model.ainvoke([ToolMessage("x", tool_call_id="1")])

    assert fake.requests == []


async def test_a_finished_answer_leaves_the_connection_for_the_next(
    model: OpenAICompatibleModel, fake: FakeLLM
) -> None:
    await streamed(model)
    await streamed(model)
    await model.ainvoke(PROMPT)

    assert len(fake.connections) == 1


async def test_each_token_arrives_before_the_next_is_sent(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    frames, read = token_frames("un deux trois"), [asyncio.Event(), asyncio.Event()]
    fake.script(Reply((Send(frames[0]), Wait(read[0]), Send(frames[1]), Wait(read[1]), *map(Send, end_frames("")))))

    received = []
    async with asyncio.timeout(5):
        async for chunk in model.astream(PROMPT):
            received.append(chunk.content)
            if len(received) <= len(read):
                read[len(received) - 1].set()

    assert received[:2] == ["un ", "deux "]


async def test_tokens_that_arrive_together_come_in_few_chunks(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    fake.script(reply_text("mot " * 500))

    chunks = [chunk.content async for chunk in model.astream(PROMPT)]

    assert "".join(map(str, chunks)) == "mot " * 500
    assert len(chunks) < 50


async def test_paced_reading_loses_nothing(make_model: ModelFactory, fake: FakeLLM) -> None:
    text = "Une phrase. " * 40
    fake.script(reply_text(text))

    assert (await streamed(make_model(fake.base_url, read_interval_s=0.001))).content == text


async def test_lines_may_end_in_crlf(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    assert await answer_to(fake, model, "crlf") == TEXT


async def test_data_may_follow_its_colon_without_space(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    assert await answer_to(fake, model, "no_space_after_data") == TEXT


async def test_comments_and_other_fields_are_passed_over(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    assert await answer_to(fake, model, "comments") == TEXT


async def test_utf8_may_be_cut_inside_a_character(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    assert await answer_to(fake, model, "utf8_cut") == TEXT


async def test_the_first_chunk_may_hold_only_a_role(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    assert await answer_to(fake, model, "role_only_first") == TEXT


async def test_content_may_be_null(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    assert await answer_to(fake, model, "null_content") == TEXT


async def test_content_may_come_in_parts_of_which_only_text_counts(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    assert await answer_to(fake, model, "content_parts") == TEXT


async def test_choices_may_be_empty_beside_the_usage(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    assert await answer_to(fake, model, "empty_choices_with_usage") == TEXT


async def test_done_may_be_missing_after_a_finish_reason(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    assert await answer_to(fake, model, "no_done") == TEXT


async def test_a_finish_reason_may_be_missing_before_done(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    assert await answer_to(fake, model, "no_finish_reason") == TEXT


async def test_reasoning_is_not_given(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    assert await answer_to(fake, model, "reasoning") == TEXT


async def test_a_server_may_answer_a_stream_with_one_document(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    assert await answer_to(fake, model, "ignores_stream") == TEXT


async def test_a_body_compressed_against_our_wish_is_read(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    assert await answer_to(fake, model, "compressed") == TEXT


async def test_a_broken_compression_is_no_answer(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    fake.script(Reply((Send(b"no gzip"),), headers={"content-encoding": "gzip"}))

    with pytest.raises(LLMProtocolError):
        await streamed(model)


async def test_a_server_that_holds_the_line_after_done_delays_nobody(
    model: OpenAICompatibleModel, fake: FakeLLM
) -> None:
    async with asyncio.timeout(5):
        assert await answer_to(fake, model, "hang_after_done") == TEXT
        await fake.closed(0)


@pytest.mark.parametrize(("name", "finish_reason"), [("zero_tokens", "stop"), ("tool_calls", "tool_calls")])
async def test_an_answer_without_text_is_an_error(
    model: OpenAICompatibleModel, fake: FakeLLM, name: str, finish_reason: str
) -> None:
    with pytest.raises(LLMNoText) as caught:
        await answer_to(fake, model, name)

    assert caught.value.finish_reason == finish_reason


@pytest.mark.parametrize(
    ("name", "status", "advice"),
    [("unauthorized", 401, "LLM_API_KEY"), ("not_found", 404, "LLM_BASE_URL"), ("not_found", 404, "LLM_MODEL")],
)
async def test_a_refusal_tells_its_status_and_what_to_check(
    model: OpenAICompatibleModel, fake: FakeLLM, name: str, status: int, advice: str
) -> None:
    with pytest.raises(LLMRefused, match=advice) as caught:
        await answer_to(fake, model, name)

    assert caught.value.status == status


@pytest.mark.parametrize(
    "name", ["rate_limited", "server_error", "overloaded", "error_frame", "cut_before_first_token"]
)
async def test_a_failing_server_is_unavailable(model: OpenAICompatibleModel, fake: FakeLLM, name: str) -> None:
    with pytest.raises(LLMUnavailable):
        await answer_to(fake, model, name)


async def test_a_refused_connection_is_unavailable(make_model: ModelFactory, refusing: str) -> None:
    with pytest.raises(LLMUnavailable, match="ConnectError"):
        await streamed(make_model(refusing))


@pytest.mark.parametrize("name", ["cut_mid_stream", "ends_mid_stream", "invalid_json"])
async def test_a_stream_that_breaks_off_keeps_what_was_given(
    model: OpenAICompatibleModel, fake: FakeLLM, name: str
) -> None:
    fake.script(misbehaviour(name, TEXT))
    received = ""

    async def read() -> None:
        nonlocal received
        async for chunk in model.astream(PROMPT):
            received += str(chunk.content)

    with pytest.raises(LLMInterrupted) as caught:
        await read()

    assert received == "Déjà "
    assert caught.value.given == "Déjà "
    assert isinstance(caught.value.__cause__, LLMError)


async def test_a_line_without_end_is_no_answer(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    with pytest.raises(LLMProtocolError):
        await answer_to(fake, model, "endless_line")


async def test_a_web_page_is_no_answer(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    with pytest.raises(LLMProtocolError, match="LLM_BASE_URL"):
        await answer_to(fake, model, "web_page")


async def test_a_document_that_is_no_json_is_no_answer(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    fake.script(Reply((Send(b"{"),), headers={"content-type": "application/json"}))

    with pytest.raises(LLMProtocolError):
        await model.ainvoke(PROMPT)


@pytest.mark.parametrize("name", ["hang_before_head", "hang_before_first_token"])
async def test_a_first_token_that_does_not_come_times_out(make_model: ModelFactory, fake: FakeLLM, name: str) -> None:
    with pytest.raises(LLMTimeout, match="first_token"):
        await answer_to(fake, make_model(fake.base_url, first_token_timeout_s=0.5), name)

    await fake.closed(0)


async def test_tokens_that_stop_coming_interrupt_the_answer(make_model: ModelFactory, fake: FakeLLM) -> None:
    with pytest.raises(LLMInterrupted) as caught:
        await answer_to(fake, make_model(fake.base_url, token_timeout_s=0.05), "hang_mid_stream")

    assert isinstance(caught.value.__cause__, LLMTimeout)
    assert caught.value.__cause__.phase == "between_tokens"
    await fake.closed(0)


async def test_the_first_token_may_take_longer_than_the_later_ones(make_model: ModelFactory, fake: FakeLLM) -> None:
    late = asyncio.Event()
    fake.script(Reply((Wait(late), *reply_text(TEXT).steps)))
    asyncio.get_running_loop().call_later(0.6, late.set)

    answer = await streamed(make_model(fake.base_url, token_timeout_s=0.5, first_token_timeout_s=20))

    assert answer.content == TEXT


async def test_a_slow_reader_is_no_timeout(make_model: ModelFactory, fake: FakeLLM) -> None:
    more_than_is_held = "x" * 70_000
    text = f"{more_than_is_held} {more_than_is_held} fin."
    fake.script(reply_text(text))
    chunks = make_model(fake.base_url, token_timeout_s=0.5).astream(PROMPT)

    received = str((await anext(chunks)).content)
    longer_than_the_timeout = asyncio.Event()
    asyncio.get_running_loop().call_later(0.6, longer_than_the_timeout.set)
    await longer_than_the_timeout.wait()
    received += "".join([str(chunk.content) async for chunk in chunks])

    assert received == text


async def test_a_call_as_a_whole_is_bounded(make_model: ModelFactory, fake: FakeLLM) -> None:
    with pytest.raises(LLMTimeout, match="total"):
        await answer_to(fake, make_model(fake.base_url, total_timeout_s=0.05), "hang_before_head")

    fake.script(misbehaviour("hang_before_head"))
    with pytest.raises(LLMTimeout, match="total"):
        await make_model(fake.base_url, total_timeout_s=0.05, first_token_timeout_s=0.01).ainvoke(PROMPT)


@pytest.mark.parametrize("name", ["unauthorized", "server_error", "invalid_json", "cut_mid_stream", "error_frame"])
async def test_errors_show_no_key_no_question_and_no_answer(
    model: OpenAICompatibleModel, fake: FakeLLM, name: str
) -> None:
    with pytest.raises(LLMError) as caught:
        await answer_to(fake, model, name)

    shown = "".join(traceback.format_exception_only(caught.value)) + repr(caught.value) + str(caught.value.__cause__)
    for word in ("sk-secret", "secret", "Déjà", str(fake.port)):
        assert word not in shown


async def test_it_is_asynchronous_only(model: OpenAICompatibleModel) -> None:
    with pytest.raises(NotImplementedError, match="ainvoke"):
        model.invoke(PROMPT)


async def test_the_client_stays_open_for_others(model: OpenAICompatibleModel, http: httpx.AsyncClient) -> None:
    await streamed(model)

    assert not http.is_closed


async def test_its_representation_holds_no_secret(model: OpenAICompatibleModel) -> None:
    assert "secret" not in repr(model)
    assert "secret" not in str(model.model_dump())
