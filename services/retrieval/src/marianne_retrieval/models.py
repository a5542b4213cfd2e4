"""The models that may help a search, and what is done without them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import Chunk

Dependency = Literal["embeddings", "rerank"]
Ranked = tuple[Chunk, float]

_SHARE: Final = 0.5
"""Of the time that is left: the rest belongs to the index, and to the way back."""


class ModelUnavailableError(Exception):
    """The model did not answer in time, or not as its interface says; the message is meant for operators."""


class Embedder(Protocol):
    @property
    def model(self) -> str: ...

    async def embed(self, text: str, timeout_s: float) -> Sequence[float]:
        """Raises ModelUnavailableError, at the latest after `timeout_s` seconds."""
        ...


class Reranker(Protocol):
    async def score(self, query: str, texts: Sequence[str], timeout_s: float) -> Sequence[float]:
        """How well each text answers, higher is better. Raises ModelUnavailableError as `Embedder` does."""
        ...


class Watcher(Protocol):
    """Hears why a model could not help."""

    def __call__(self, dependency: Dependency, reason: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Degradation:
    dependency: Dependency
    consequence: str


NO_MEANING: Final = Degradation("embeddings", "searched by words only")
NOT_RERANKED: Final = Degradation("rerank", "ranked without the reranking model")


def _unheard(dependency: Dependency, reason: str) -> None:
    """Nobody listens."""


class Models:
    """Asks the models when they are there and the text may leave; says so when one that is there cannot help."""

    def __init__(
        self,
        embedder: Embedder | None = None,
        reranker: Reranker | None = None,
        *,
        dimension: int | None = None,
        unavailable: Watcher = _unheard,
    ) -> None:
        """`dimension`: that of the embedder's vectors, None when it is not told."""
        self._embedder = embedder
        self._reranker = reranker
        self._dimension = dimension
        self._unavailable = unavailable
        self._indexed = ("", 0)

    def serve(self, manifest: Manifest | None) -> None:
        """From now on the index of this manifest is searched."""
        self._indexed = (manifest.embedding_model, manifest.embedding_dim) if manifest else ("", 0)

    def reranks(self, *, may_leave: bool) -> bool:
        return self._reranker is not None and may_leave

    async def embed(
        self, text: str, timeout_s: float, *, may_leave: bool
    ) -> tuple[Sequence[float] | None, tuple[Degradation, ...]]:
        """The vector of a text, None without one; an index without vectors needs none."""
        model, dimension = self._indexed
        if self._embedder is None or not may_leave or not dimension:
            return None, ()
        try:
            _require(self._embedder.model == model, f"the index was made with {model!r}: set EMBEDDINGS_MODEL to it")
            told = self._dimension or dimension
            _require(told == dimension, f"EMBEDDINGS_DIM is {told}, the index has {dimension} dimensions")
            vector = await self._embedder.embed(text, _SHARE * timeout_s)
            _require(len(vector) == dimension, f"{len(vector)} dimensions came, the index has {dimension}")
        except ModelUnavailableError as error:
            self._unavailable("embeddings", str(error))
            return None, (NO_MEANING,)
        return vector, ()

    async def rerank(
        self, text: str, ranked: Sequence[Ranked], timeout_s: float, *, above: float, may_leave: bool
    ) -> tuple[list[Ranked], tuple[Degradation, ...]]:
        """Puts what scores `above` at most in the model's order; the list as it is when the model is away."""
        first = [found for found in ranked if found[1] > above]
        others = [found for found in ranked if found[1] <= above]
        if self._reranker is None or not may_leave or not others:
            return [*ranked], ()
        try:
            texts = [chunk.search_text for chunk, _ in others]
            scores = await self._reranker.score(text, texts, _SHARE * timeout_s)
            _require(len(scores) == len(others), f"{len(scores)} scores came for {len(others)} texts")
        except ModelUnavailableError as error:
            self._unavailable("rerank", str(error))
            return [*ranked], (NOT_RERANKED,)
        order = sorted(range(len(others)), key=lambda index: (-scores[index], index))
        # The scores of two models cannot be compared; the places keep theirs, which fall.
        return [*first, *((others[index][0], others[place][1]) for place, index in enumerate(order))], ()


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ModelUnavailableError(otherwise)
