"""The port through which a turn finds the texts that it may rest on."""

from dataclasses import dataclass
from typing import Literal, Protocol

from marianne_orchestrator.events import Corpus, Dependency, Source


@dataclass(frozen=True, slots=True)
class Found:
    sources: tuple[Source, ...]
    degraded: tuple[Dependency, ...] = ()


class SourcesUnavailableError(Exception):
    """The texts cannot be searched; `dependency` says which part is away."""

    def __init__(self, dependency: Literal["qdrant", "retrieval"]) -> None:
        super().__init__(f"{dependency} is unavailable")
        self.dependency: Literal["qdrant", "retrieval"] = dependency


class SourceFinder(Protocol):
    async def search(self, query: str, *, as_of: str, limit: int) -> Found:
        """Raises SourcesUnavailableError."""
        ...

    async def corpus(self) -> Corpus | None:
        """Which data serve; None while nobody can tell."""
        ...
