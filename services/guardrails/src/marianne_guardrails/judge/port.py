"""The port through which claims are judged: do the source sentences that they cite entail them?"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Protocol

from marianne_guardrails.evidence import Passage
from marianne_language.citations import SentenceId


class Entailment(StrEnum):
    """What a judge found. UNVERIFIED: it pointed at words that do not stand there, so its word counts nothing."""

    SUPPORTED = auto()
    CONTRADICTED = auto()
    NOT_FOUND = auto()
    UNVERIFIED = auto()


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer with the source sentences it cites; `before` is the sentence before it, "" if none."""

    id: int
    text: str
    citations: tuple[SentenceId, ...]
    before: str = ""
    language: str = "fr"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`claim` is the claim's id."""

    claim: int
    entailment: Entailment


class JudgeError(Exception):
    """The judge gave no judgement. The message holds no text of a user, no key and no address."""


class Judge(Protocol):
    async def judge(self, passages: Sequence[Passage], claims: Sequence[Claim]) -> Sequence[Judgement]:
        """At most one judgement a claim, in any order; a claim that is left out was not judged. Raises JudgeError.

        Sets no time limit of its own: who cancels it gets its resources back at once.
        """
        ...
