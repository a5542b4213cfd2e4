"""What a message asks for, told by transparent rules over a reviewed registry of terms."""

from marianne_orchestrator.understanding.registry import Intent, Registry, Topic, Understanding
from marianne_orchestrator.understanding.subject import on_subject

__all__ = ["Intent", "Registry", "Topic", "Understanding", "on_subject"]
