"""Where the embeddings of an index come from: the files' own as they are, the endpoint's for all others."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from marianne_corpus.index import Point
from marianne_ingest.errors import SettingError, SourceError
from marianne_ingest.sources import VECTOR, Snapshot


class Embeds(Protocol):
    async def embed(self, texts: Sequence[str]) -> list[list[float]]: ...


class DenseWriter:
    """Completes points with the embeddings of one model and one dimension; of none when the model is empty."""

    def __init__(self, model: str, dimension: int, embedder: Embeds | None) -> None:
        self._model = model
        self._dimension = dimension
        self._embedder = embedder

    def reads(self, snapshot: Snapshot) -> bool:
        """Whether the files' own vectors are those of the index. Raises SettingError when others cannot be made."""
        own = bool(self._model) and snapshot.vector_model == self._model
        if self._model and not own and self._embedder is None:
            raise SettingError(
                f"EMBEDDINGS_BASE_URL: not set, and {snapshot.source.name} carries no vectors of {self._model}"
            )
        return own

    async def completed(self, points: Sequence[Point], snapshot: Snapshot) -> list[Point]:
        """Raises SourceError for a vector that does not fit, EmbeddingsUnavailableError."""
        if not self._model:
            return list(points)
        for point in points:
            if point.dense is not None and len(point.dense) != self._dimension:
                raise SourceError(
                    f"{snapshot.source.name}: column {snapshot.columns[VECTOR]!r} of chunk_id {point.chunk.chunk_id!r} "
                    f"has {len(point.dense)} numbers, the index takes {self._dimension}"
                )
        missing = [position for position, point in enumerate(points) if point.dense is None]
        return await self._embedded(list(points), missing, snapshot) if missing else list(points)

    async def _embedded(self, points: list[Point], missing: Sequence[int], snapshot: Snapshot) -> list[Point]:
        if self._embedder is None:
            chunk = points[missing[0]].chunk
            raise SourceError(f"{snapshot.source.name}: chunk_id {chunk.chunk_id!r} has no vector")
        vectors = await self._embedder.embed([points[position].chunk.search_text for position in missing])
        for position, vector in zip(missing, vectors, strict=True):
            points[position] = replace(points[position], dense=vector)
        return points
