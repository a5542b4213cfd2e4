"""The agents that answer from texts: each has its own role, and the intents that it serves."""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import Runnable, RunnableLambda

from marianne_orchestrator.events import Source
from marianne_orchestrator.llm.prompting import NumberedPassage, new_nonce, render_passages
from marianne_orchestrator.prompt_files import Prompt, load_prompt, note_on_span
from marianne_orchestrator.state import TurnState
from marianne_orchestrator.understanding import Intent

FINAL_ANSWER = "final_answer"
REMEMBERED_EXCHANGES = 4


@dataclass(frozen=True, slots=True)
class Agent:
    name: str
    intents: tuple[Intent, ...]


AGENTS = (Agent("legal", ("legal",)), Agent("locator", ("locator",)), Agent("procedure", ("procedure", "fact")))


def agent_for(intent: Intent) -> Agent:
    """A question whose intent no agent claims is answered as a procedure."""
    return next((agent for agent in AGENTS if intent in agent.intents), AGENTS[-1])


def answer_chain(agent: Agent, model: BaseChatModel) -> Runnable[TurnState, BaseMessage]:
    """Only what this chain's model writes carries the tag, and only tagged text reaches the gate."""
    frame, role = load_prompt("answer"), load_prompt(agent.name)

    async def prompt(state: TurnState) -> list[BaseMessage]:
        note_on_span(frame, role)
        return answer_messages(state, frame, role)

    return (RunnableLambda(prompt) | model).with_config(tags=[FINAL_ANSWER])


def answer_messages(state: TurnState, frame: Prompt, role: Prompt) -> list[BaseMessage]:
    passages = numbered(state["sources"])
    return [
        SystemMessage(frame.text.format(language=state["language"], role=role.text)),
        *_conversation(state),
        HumanMessage(
            f"{render_passages(passages, new_nonce())}\n\n{state['question']}",
            additional_kwargs={"passages": passages, "question": state["query"]},
        ),
    ]


def numbered(sources: Sequence[Source]) -> list[NumberedPassage]:
    return [
        NumberedPassage(
            number=source.n,
            title=source.title,
            sentences=source.sentences,
            context=source.context,
            dataset=source.dataset,
            status=source.status,
            start_date=source.start_date,
            end_date=source.end_date,
            updated_at=source.updated_at,
        )
        for source in sources
    ]


def _conversation(state: TurnState) -> list[BaseMessage]:
    return [
        message
        for exchange in state["history"][-REMEMBERED_EXCHANGES:]
        for message in (HumanMessage(exchange.question), AIMessage(exchange.answer))
    ]
