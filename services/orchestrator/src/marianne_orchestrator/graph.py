"""The whole graph of a turn: what happens to a question, and who decides where it goes next."""

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from marianne_orchestrator.agents import AGENTS, agent_for
from marianne_orchestrator.nodes import FIXED_ANSWERS, Nodes
from marianne_orchestrator.state import TurnState

Graph = CompiledStateGraph[TurnState, None, TurnState, TurnState]


def build_graph(nodes: Nodes) -> Graph:
    """START → recognise_emergencies → check_input → understand → retrieve → one answering node → END."""
    graph = StateGraph(TurnState)
    graph.add_node("recognise_emergencies", nodes.recognise_emergencies())
    graph.add_node("check_input", nodes.check_input())
    graph.add_node("understand", nodes.understand())
    graph.add_node("retrieve", nodes.retrieve())
    for agent in AGENTS:
        graph.add_node(agent.name, nodes.answering(agent))
        graph.add_edge(agent.name, END)
    for name in FIXED_ANSWERS:
        graph.add_node(name, nodes.saying(name))
        graph.add_edge(name, END)

    graph.add_edge(START, "recognise_emergencies")
    graph.add_edge("recognise_emergencies", "check_input")
    graph.add_conditional_edges("check_input", after_check_input, ["understand", "refused"])
    graph.add_conditional_edges("understand", after_understand, ["retrieve", "smalltalk"])
    graph.add_conditional_edges("retrieve", after_retrieve, [*(agent.name for agent in AGENTS), *FIXED_ANSWERS, END])
    return graph.compile()


async def after_check_input(state: TurnState) -> str:
    return "understand" if state["allowed"] else "refused"


async def after_understand(state: TurnState) -> str:
    return "smalltalk" if state["intent"] == "smalltalk" and not state["emergency"] else "retrieve"


async def after_retrieve(state: TurnState) -> str:
    if not state["reachable"]:
        return "unreachable"
    if not state["on_subject"]:
        return _unless_emergency("out_of_scope", state)
    if not state["sources"]:
        return _unless_emergency("not_found", state)
    return agent_for(state["intent"]).name


def _unless_emergency(answer: str, state: TurnState) -> str:
    """Whoever was just told whom to call is not told next that the question is none of ours."""
    return END if state["emergency"] else answer
