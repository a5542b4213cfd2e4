"""The model inside a LangGraph graph, read as a turn reads it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, TypedDict

import pytest
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from marianne_orchestrator.llm.errors import LLMInterrupted, LLMUnavailable
from marianne_orchestrator.llm.extractive import ExtractiveModel
from marianne_orchestrator.llm.openai_compatible import OpenAICompatibleModel
from marianne_orchestrator.llm.prompting import NumberedPassage
from support.llm import FakeLLM, Hang, Reply, Send, Wait, end_frames, misbehaviour, token_frames

ModelFactory = Callable[..., OpenAICompatibleModel]
PASSAGE = NumberedPassage(1, "Carte", ("La carte dure un an.", "La demande est gratuite."))


class State(TypedDict, total=False):
    question: str
    answer: str


Graph = CompiledStateGraph[State, None, State, State]


def graph_over(model: BaseChatModel, tag: str = "final_answer") -> Graph:
    async def prompt(state: State) -> list[BaseMessage]:
        kwargs = {"passages": [PASSAGE], "question": state["question"]}
        return [HumanMessage(state["question"], additional_kwargs=kwargs)]

    final = (RunnableLambda(prompt) | model).with_config(tags=[tag])

    async def agent(state: State, config: RunnableConfig) -> State:
        return {"answer": str((await final.ainvoke(state, config)).content)}

    graph = StateGraph(State)
    graph.add_node("agent", agent)
    graph.add_edge(START, "agent")
    graph.add_edge("agent", END)
    return graph.compile()


async def tokens(graph: Graph, *callbacks: BaseCallbackHandler) -> AsyncGenerator[str, None]:
    state: State = {"question": "La carte dure combien de temps ?"}
    config: RunnableConfig = {"callbacks": list(callbacks)}
    events = graph.astream_events(state, config, version="v2", include_types=["chat_model"])
    async with aclosing(events):  # type: ignore[type-var]  # declared an iterator, made as a generator
        async for event in events:
            if event["event"] == "on_chat_model_stream" and "final_answer" in event["tags"]:
                text = event["data"]["chunk"].content
                if text:
                    yield text


async def test_tokens_arrive_as_they_are_sent(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    first_read = asyncio.Event()
    first, *rest = token_frames("Bonjour. Voici.")
    fake.script(Reply((Send(first), Wait(first_read), *map(Send, [*rest, *end_frames("x")]))))

    received = []
    async with asyncio.timeout(10):
        async for text in tokens(graph_over(model)):
            received.append(text)
            first_read.set()

    assert received[0] == "Bonjour. "
    assert "".join(received) == "Bonjour. Voici."


async def test_a_paced_stream_shows_its_first_sentence_at_once(make_model: ModelFactory, fake: FakeLLM) -> None:
    first_read = asyncio.Event()
    sentence = [Send(frame) for frame in token_frames("Une phrase entière. Une ")]
    fake.script(Reply((*sentence, Wait(first_read), *map(Send, [*token_frames("autre."), *end_frames("x")]))))

    received = ""
    async with asyncio.timeout(10):
        async for text in tokens(graph_over(make_model(fake.base_url, read_interval_s=0.01))):
            received += text
            if "entière." in received:
                first_read.set()

    assert received == "Une phrase entière. Une autre."


async def test_only_the_tagged_chain_is_heard(model: OpenAICompatibleModel) -> None:
    assert [text async for text in tokens(graph_over(model, tag="other"))] == []


async def test_the_whole_answer_reaches_the_state(model: OpenAICompatibleModel, fake: FakeLLM) -> None:
    state = await graph_over(model).ainvoke({"question": "Bonjour ?"})

    assert state["answer"] == fake.text
    assert fake.requests[0].body["stream"] is False


async def test_the_extractive_model_takes_the_same_way() -> None:
    received = [text async for text in tokens(graph_over(ExtractiveModel()))]

    assert received == ["La carte dure un an. [1.1]"]


@pytest.mark.parametrize("name", ["cut_mid_stream", "invalid_json"])
async def test_an_error_reaches_the_reader_after_the_tokens(
    model: OpenAICompatibleModel, fake: FakeLLM, name: str
) -> None:
    fake.script(misbehaviour(name, "Bonjour. Voici."))
    received = ""

    async def read() -> None:
        nonlocal received
        async for text in tokens(graph_over(model)):
            received += text

    with pytest.raises(LLMInterrupted) as caught:
        await read()

    assert received == "Bonjour. "
    assert caught.value.given == "Bonjour. "


async def test_an_error_before_any_token_reaches_the_reader(make_model: ModelFactory, refusing: str) -> None:
    with pytest.raises(LLMUnavailable):
        [text async for text in tokens(graph_over(make_model(refusing)))]


@pytest.mark.parametrize("sent", [0, 1, 40])
async def test_cancelling_the_reader_closes_the_upstream_within_100_ms(
    make_model: ModelFactory, fake: FakeLLM, sent: int
) -> None:
    fake.script(Reply((*map(Send, token_frames("mot. " * sent)), Hang())))
    read = asyncio.Event()

    async def turn() -> None:
        async for _ in tokens(graph_over(make_model(fake.base_url, read_interval_s=0.03))):
            read.set()

    task = asyncio.create_task(turn())
    await (read.wait() if sent else fake.received(0))

    await cancelled_and_closed(task, fake)


async def test_cancelling_while_a_token_is_handled_closes_the_upstream_within_100_ms(
    model: OpenAICompatibleModel, fake: FakeLLM
) -> None:
    handling = asyncio.Event()

    class Stuck(AsyncCallbackHandler):
        async def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
            handling.set()
            await asyncio.Event().wait()

    fake.script(Reply((*map(Send, token_frames("Bonjour.")), Hang())))

    async def turn() -> None:
        async for _ in tokens(graph_over(model), Stuck()):
            pass

    task = asyncio.create_task(turn())
    await handling.wait()

    await cancelled_and_closed(task, fake)


async def test_leaving_the_stream_early_closes_the_upstream_within_100_ms(
    model: OpenAICompatibleModel, fake: FakeLLM
) -> None:
    fake.script(Reply((*map(Send, token_frames("Bonjour.")), Hang())))

    async with aclosing(tokens(graph_over(model))) as texts:
        await anext(texts)

    assert await seconds_until_closed(fake) < 0.1


async def cancelled_and_closed(task: asyncio.Task[None], fake: FakeLLM) -> None:
    task.cancel()
    assert await seconds_until_closed(fake) < 0.1
    with pytest.raises(asyncio.CancelledError):
        await task


async def seconds_until_closed(fake: FakeLLM) -> float:
    """Seconds of this process, which never rests meanwhile: what other processes take is left out, timers are not."""
    closed = asyncio.create_task(fake.closed(0))
    started = time.process_time()
    while not closed.done():  # noqa: ASYNC110  resting would hide how long it takes
        await asyncio.sleep(0)
    return time.process_time() - started


async def test_a_hundred_cancelled_turns_leave_no_task_and_no_connection(
    model: OpenAICompatibleModel, fake: FakeLLM
) -> None:
    fake.respond_with(lambda _request: Reply((*map(Send, token_frames("Bonjour.")), Hang())))
    before = asyncio.all_tasks()

    async def turn() -> None:
        async for _ in tokens(graph_over(model)):
            pass

    turns = [asyncio.create_task(turn()) for _ in range(100)]
    await fake.received(99)
    for task in turns:
        task.cancel()
    await asyncio.gather(*turns, return_exceptions=True)
    await asyncio.gather(*(fake.closed(index) for index in range(100)))

    await fake.idle()

    assert asyncio.all_tasks() == before
