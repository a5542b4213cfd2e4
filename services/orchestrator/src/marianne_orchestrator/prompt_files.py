"""Prompts are files; the first line of each carries its version, which the spans of its users record."""

from dataclasses import dataclass
from importlib import resources

from opentelemetry import trace

PROMPTS_ATTRIBUTE = "marianne.prompts"


@dataclass(frozen=True, slots=True)
class Prompt:
    name: str
    version: str
    text: str


def load_prompt(name: str) -> Prompt:
    """Raises ValueError naming the file whose first line is not `version: N`."""
    content = resources.files("marianne_orchestrator").joinpath(f"prompts/{name}.md").read_text(encoding="utf-8")
    head, _, text = content.partition("\n")
    label, _, version = head.partition(":")
    if label != "version" or not version.strip():
        raise ValueError(f"prompts/{name}.md: the first line must be 'version: N'")
    return Prompt(name, version.strip(), text.strip())


def note_on_span(*prompts: Prompt) -> None:
    """Records which prompts, in which versions, the current span uses."""
    trace.get_current_span().set_attribute(PROMPTS_ATTRIBUTE, [f"{prompt.name}@{prompt.version}" for prompt in prompts])
