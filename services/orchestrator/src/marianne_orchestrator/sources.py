"""The port through which a turn finds the texts that it may rest on."""

from dataclasses import dataclass
from typing import Literal, Protocol

from marianne_orchestrator.events import Corpus, Dependency, Source


@dataclass(frozen=True, slots=True)
class UnknownArticle:
    """An article of law that the query names and no text has; `replaced_by` are the numbers that followed it."""

    number: str
    replaced_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    sources: tuple[Source, ...]
    degraded: tuple[Dependency, ...] = ()
    unknown: tuple[UnknownArticle, ...] = ()


class SourcesUnavailableError(Exception):
    """The texts cannot be searched; `dependency` says which part is away."""

    def __init__(self, dependency: Literal["qdrant", "retrieval"]) -> None:
        super().__init__(f"{dependency} is unavailable")
        self.dependency: Literal["qdrant", "retrieval"] = dependency


class SourceFinder(Protocol):
    async def search(self, query: str, *, as_of: str, limit: int, redacted: bool) -> Found:
        """`redacted`: the query has passed the check of the input, so it may leave for an embedding endpoint.

        Raises SourcesUnavailableError.
        """
        ...

    async def corpus(self) -> Corpus | None:
        """Which data serve; None while nobody can tell."""
        ...
