"""The steps of a turn. Each talks to one port, names its own fallback, and announces what the reader should know."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from langchain_core.callbacks import adispatch_custom_event
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from marianne_orchestrator.agents import Agent, answer_chain
from marianne_orchestrator.checks import GuardrailsUnavailableError, InputCheck
from marianne_orchestrator.emergencies import Emergencies
from marianne_orchestrator.events import Degraded, Dependency, Source, Sources, Status, Token
from marianne_orchestrator.llm.errors import LLMError
from marianne_orchestrator.passages import PassageCheck, readable_history, readable_sources
from marianne_orchestrator.prompt_files import load_prompt, note_on_span
from marianne_orchestrator.signals import TURN_EVENT, OpenGate, Outcome, Settle, Signal, Understood
from marianne_orchestrator.sources import SourceFinder, SourcesUnavailableError, UnknownArticle
from marianne_orchestrator.state import TurnState
from marianne_orchestrator.texts import Texts
from marianne_orchestrator.understanding import Registry, on_subject

FIXED_ANSWERS = ("refused", "smalltalk", "out_of_scope", "not_found", "unreachable")
PASSAGES = 6

tracer = trace.get_tracer(__name__)


class Step(Protocol):
    """A node: gives back what it changes."""

    def __call__(self, state: TurnState) -> Awaitable[TurnState]: ...


class EntryCheck(InputCheck, PassageCheck, Protocol):
    """The checks of all that a model will read."""


class Models(Protocol):
    """`quoting` answers without any language model."""

    quoting: BaseChatModel

    def configured(self) -> bool: ...

    def answering(self, name: str) -> BaseChatModel: ...

    def understanding(self, name: str) -> BaseChatModel: ...


async def announce(signal: Signal) -> None:
    # In a dict, because astream_events writes the graph's input into the data of the first event.
    await adispatch_custom_event(TURN_EVENT, {"signal": signal})


def traced(name: str) -> Callable[[Step], Step]:
    def decorate(step: Step) -> Step:
        @functools.wraps(step)
        async def run(state: TurnState) -> TurnState:
            # Exceptions may quote what a user wrote, so only their types are recorded.
            with tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span:
                try:
                    return await step(state)
                except Exception as error:
                    span.set_status(StatusCode.ERROR, type(error).__name__)
                    raise

        return run

    return decorate


@dataclass(frozen=True, slots=True)
class Nodes:
    """The steps, over the ports they need."""

    input_check: EntryCheck
    finder: SourceFinder
    models: Models
    registry: Registry
    texts: Texts
    emergencies: Emergencies = field(default_factory=Emergencies.load)

    def recognise_emergencies(self) -> Step:
        @traced("recognise_emergencies")
        async def recognise(state: TurnState) -> TurnState:
            kinds = self.emergencies.recognise(state["question"], state["language"])
            for kind in kinds:
                text = self.emergencies.text(kind, state["language"])
                await announce(Token(f"{text}\n\n", state["language"], "fixed"))
            return {"emergency": bool(kinds)}

        return recognise

    def check_input(self) -> Step:
        @traced("check_input")
        async def check_input(state: TurnState) -> TurnState:
            try:
                verdict = await self.input_check.check_input(state["question"], state["language"])
                history = await readable_history(self.input_check, state["history"])
            except GuardrailsUnavailableError:
                await announce(self._degraded("guardrails", state))
                return {"allowed": True, "guarded": False}
            return {"allowed": verdict.allowed, "guarded": True, "question": verdict.text, "history": history}

        return check_input

    def understand(self) -> Step:
        @traced("understand")
        async def understand(state: TurnState) -> TurnState:
            await announce(Status("understanding"))
            understood = self.registry.understand(state["question"], state["history"], state["language"])
            query = understood.query
            if state["language"] != "fr" and state["guarded"] and self.models.configured():
                query = await self._in_french(state, query)
            question = state["question"] if state["guarded"] else ""
            await announce(Understood(question, understood.intent, understood.topic, query))
            return {"intent": understood.intent, "topic": understood.topic, "query": query}

        return understand

    def retrieve(self) -> Step:
        @traced("retrieve")
        async def retrieve(state: TurnState) -> TurnState:
            await announce(Status("retrieving"))
            try:
                found = await self.finder.search(
                    state["query"], as_of=state["as_of"], limit=PASSAGES, redacted=state["guarded"]
                )
            except SourcesUnavailableError as error:
                await announce(self._degraded(error.dependency, state))
                return {"reachable": False, "on_subject": True, "sources": ()}
            for dependency in found.degraded:
                await announce(self._degraded(dependency, state))
            for article in found.unknown:
                await announce(Token(self._not_there(article, state["language"]), state["language"], "fixed"))
            sources, guarded = await self._readable(found.sources, state)
            relevant = on_subject(state["topic"], state["query"], sources)
            if relevant and sources:
                await announce(Sources(sources))
            return {"reachable": True, "on_subject": relevant, "sources": sources, "guarded": guarded}

        return retrieve

    def answering(self, agent: Agent) -> Step:
        @traced(agent.name)
        async def answer(state: TurnState) -> TurnState:
            await announce(OpenGate(state["sources"], state["question"], state["query"], state["guarded"]))
            await announce(Status("answering"))
            quoting = answer_chain(agent, self.models.quoting)
            if not state["guarded"]:
                await quoting.ainvoke(state)
                return {}
            if not self.models.configured():
                await announce(Degraded("llm", self.texts.get("consequence.no_llm", state["language"]), expected=True))
                await quoting.ainvoke(state)
                return {}
            try:
                await answer_chain(agent, self.models.answering(state["model"])).ainvoke(state)
            except LLMError:
                if await _anything_shown():
                    raise
                await announce(self._degraded("llm", state))
                await quoting.ainvoke(state)
            return {}

        return answer

    def saying(self, key: str) -> Step:
        @traced(key)
        async def say(state: TurnState) -> TurnState:
            await announce(Token(self.texts.get(key, state["language"]), state["language"], "fixed"))
            if key == "refused":
                await announce(Outcome("refused"))
            return {}

        return say

    async def _in_french(self, state: TurnState, query: str) -> str:
        """The question as a French query; the question itself when the model cannot say it."""
        earlier = "\n".join(exchange.question for exchange in state["history"][-2:])
        prompt = load_prompt("translate")
        note_on_span(prompt)
        messages = [
            SystemMessage(prompt.text),
            HumanMessage(f"Earlier questions:\n{earlier}\n\nQuestion:\n{state['question']}"),
        ]
        try:
            reply = await self.models.understanding(state["model"]).ainvoke(messages)
        except LLMError:
            return query
        return str(reply.content).strip() or query

    async def _readable(self, sources: tuple[Source, ...], state: TurnState) -> tuple[tuple[Source, ...], bool]:
        """The sources that may be read, and whether they were checked; unchecked ones may be quoted only."""
        if not state["guarded"]:
            return sources, False
        try:
            return await readable_sources(self.input_check, sources), True
        except GuardrailsUnavailableError:
            await announce(self._degraded("guardrails", state))
            return sources, False

    def _not_there(self, article: UnknownArticle, language: str) -> str:
        """Told before the answer, whose texts are about something else."""
        key = "replaced_article" if article.replaced_by else "unknown_article"
        text = self.texts.get(key, language, article=article.number, successors=", ".join(article.replaced_by))
        return f"{text}\n\n"

    def _degraded(self, dependency: Dependency, state: TurnState) -> Degraded:
        return Degraded(dependency, self.texts.get(f"consequence.{dependency}", state["language"]))


async def _anything_shown() -> bool:
    shown: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    await announce(Settle(shown))
    return await shown
