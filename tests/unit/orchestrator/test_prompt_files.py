import pytest

from marianne_orchestrator.agents import AGENTS, agent_for
from marianne_orchestrator.prompt_files import load_prompt
from marianne_orchestrator.understanding import Intent

NAMES = ("answer", "translate", *(agent.name for agent in AGENTS))


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_has_a_version_and_a_text(name: str) -> None:
    prompt = load_prompt(name)
    assert prompt.version.isdecimal()
    assert prompt.text
    assert "version:" not in prompt.text


def test_the_frame_takes_a_language_and_a_role() -> None:
    filled = load_prompt("answer").text.format(language="vi", role="Say where to go.")
    assert "whose code is vi" in filled
    assert filled.endswith("Say where to go.")


@pytest.mark.parametrize(
    ("intent", "name"),
    [
        ("legal", "legal"),
        ("locator", "locator"),
        ("procedure", "procedure"),
        ("fact", "procedure"),
        ("out_of_scope", "procedure"),
    ],
)
def test_every_intent_has_an_agent(intent: Intent, name: str) -> None:
    assert agent_for(intent).name == name
