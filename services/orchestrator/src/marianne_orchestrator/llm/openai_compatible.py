"""A chat model of LangChain over any server with the chat completions API of OpenAI."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Never

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field, SkipValidation
from typing_extensions import override

from marianne_orchestrator.llm.delivery import Delivery
from marianne_orchestrator.llm.exchange import Exchange
from marianne_orchestrator.llm.policy import CallPolicy, Endpoint
from marianne_orchestrator.llm.pump import TextBuffer, pumped
from marianne_orchestrator.llm.stream import Completion, Usage
from marianne_orchestrator.llm.telemetry import LLMObserver, Operation, recorded_call

_ROLES: Mapping[type[BaseMessage], str] = {SystemMessage: "system", HumanMessage: "user", AIMessage: "assistant"}


class OpenAICompatibleModel(BaseChatModel):
    """Streams from the first of `endpoints` that answers.

    `parameters` are fields of every request, such as `temperature`; a call's keyword arguments (`.bind(...)`) come on
    top, so that `.bind(model=...)` chooses another model and `.bind(response_format=...)` a schema. Only the text of
    messages is sent, never their `additional_kwargs`. The last chunk has no text; it carries `usage_metadata` and, in
    `response_metadata`, `finish_reason` and `model_name`, each if the server gave it. A call raises LLMError.

    The client is shared and stays open; only its owner closes it.
    """

    http: SkipValidation[httpx.AsyncClient] = Field(exclude=True, repr=False)
    endpoints: tuple[Endpoint, ...] = Field(min_length=1, exclude=True, repr=False)
    model: str
    operation: Operation
    observer: SkipValidation[LLMObserver] = Field(exclude=True, repr=False)
    policy: CallPolicy = CallPolicy()
    parameters: dict[str, Any] = Field(default_factory=dict)

    @property
    def _llm_type(self) -> str:
        return "openai-compatible"

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[ChatGenerationChunk, None]:
        call = _Call(self, self._payload(messages, stop, {**kwargs, "stream": True}))
        async with aclosing(pumped(call.write)) as texts:
            async for text in texts:
                yield ChatGenerationChunk(message=AIMessageChunk(content=text))
        yield _last_chunk(call.completion)

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        call = _Call(self, self._payload(messages, stop, {**kwargs, "stream": False}))
        async with aclosing(pumped(call.write)) as texts:
            content = "".join([text async for text in texts])
        message = AIMessage(content=content, usage_metadata=_usage_metadata(call.completion.usage))
        return ChatResult(generations=[ChatGeneration(message=message, generation_info=_info(call.completion))])

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Never:
        raise NotImplementedError("this model is asynchronous: use ainvoke or astream")

    def _payload(self, messages: Sequence[BaseMessage], stop: list[str] | None, call: dict[str, Any]) -> dict[str, Any]:
        payload = {"model": self.model, **self.parameters, **call, "messages": [_api_message(m) for m in messages]}
        if stop:
            payload["stop"] = stop
        if payload["stream"]:
            payload["stream_options"] = {"include_usage": True}
        return payload


class _Call:
    """One request of a model; `completion` is known when `write` has ended."""

    def __init__(self, model: OpenAICompatibleModel, payload: dict[str, Any]) -> None:
        self._model = model
        self._payload = payload
        self.completion = Completion()

    async def write(self, buffer: TextBuffer) -> None:
        model, name, stream = self._model, self._payload["model"], self._payload["stream"]
        exchange = Exchange(model.http, model.endpoints, model.policy, self._payload)
        with recorded_call(model.observer, model=name, operation=model.operation, stream=stream) as record:
            self.completion = await exchange.run(Delivery(buffer, record, model.policy), record)


def _api_message(message: BaseMessage) -> dict[str, str]:
    role = next((role for kind, role in _ROLES.items() if isinstance(message, kind)), None)
    if role is None or not isinstance(message.content, str):
        raise TypeError(f"a prompt holds system, human and AI messages of plain text, not {type(message).__name__}")
    return {"role": role, "content": message.content}


def _last_chunk(completion: Completion) -> ChatGenerationChunk:
    usage = _usage_metadata(completion.usage)
    message = AIMessageChunk(content="", usage_metadata=usage, chunk_position="last")
    return ChatGenerationChunk(message=message, generation_info=_info(completion))


def _info(completion: Completion) -> dict[str, str]:
    named = {"finish_reason": completion.finish_reason, "model_name": completion.model}
    return {name: value for name, value in named.items() if value}


def _usage_metadata(usage: Usage | None) -> UsageMetadata | None:
    if usage is None:
        return None
    return UsageMetadata(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.input_tokens + usage.output_tokens,
    )
