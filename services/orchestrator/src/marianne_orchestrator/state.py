"""What the nodes of a turn hand on to each other."""

from collections.abc import Sequence
from typing import TypedDict

from marianne_orchestrator.events import Source
from marianne_orchestrator.language_detection import Language
from marianne_orchestrator.threads import Exchange
from marianne_orchestrator.understanding import Intent, Topic


class TurnState(TypedDict, total=False):
    """`question` is what the user wrote until `check_input`, and the redacted text from there on.

    `guarded` is False while the guardrails are away: then no model is called and only quotes may be shown.
    """

    question: str
    language: Language
    as_of: str
    model: str
    history: Sequence[Exchange]

    emergency: bool

    allowed: bool
    guarded: bool

    intent: Intent
    topic: Topic
    query: str

    reachable: bool
    on_subject: bool
    sources: Sequence[Source]
