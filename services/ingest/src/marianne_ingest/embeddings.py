"""Embeddings from an OpenAI-compatible endpoint: POST {base}/embeddings with model and input."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from marianne_ingest.errors import EmbeddingsUnavailableError, first_problem

_ATTEMPTS: Final = 6
_BATCH: Final = 32
_TIMEOUT_S: Final = 60.0
_LONGEST_PAUSE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` is the base, with or without `/v1`; the first pause before another attempt is `pause_s`, then doubles."""

    url: str
    model: str
    dimension: int
    api_key: str = ""
    pause_s: float = 0.5


class Embedder:
    """Asks for embeddings in batches; what the endpoint refuses for the moment is asked for again."""

    def __init__(self, endpoint: Endpoint) -> None:
        headers = {"authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
        self._endpoint = endpoint
        self._http = httpx.AsyncClient(headers=headers, timeout=_TIMEOUT_S)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text, in their order. Raises EmbeddingsUnavailableError."""
        batches = [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]
        return [vector for batch in batches for vector in await self._embed_batch(batch)]

    async def close(self) -> None:
        await self._http.aclose()

    async def _embed_batch(self, texts: Sequence[str]) -> list[list[float]]:
        for attempt in range(_ATTEMPTS):
            try:
                return self._read(await self._post(texts), len(texts))
            except _PassingError as error:
                if attempt == _ATTEMPTS - 1:
                    raise self._failure(f"{error}, {_ATTEMPTS} times") from error
                await asyncio.sleep(self._pause(attempt, error.retry_after_s))
        raise AssertionError

    async def _post(self, texts: Sequence[str]) -> httpx.Response:
        body = {"model": self._endpoint.model, "input": list(texts), "encoding_format": "float"}
        base = self._endpoint.url.rstrip("/").removesuffix("/v1")
        try:
            response = await self._http.post(f"{base}/v1/embeddings", json=body)
        except httpx.TransportError as error:
            raise _PassingError(f"{type(error).__name__}: {error}") from error
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
            raise _PassingError(f"HTTP {response.status_code}", _seconds(response.headers.get("retry-after", "")))
        if not response.is_success:
            raise self._failure(f"HTTP {response.status_code}")
        return response

    def _read(self, response: httpx.Response, expected: int) -> list[list[float]]:
        try:
            answer = _Answer.model_validate_json(response.content)
        except ValidationError as error:
            raise self._failure(f"no embeddings in the answer: {first_problem(error)}") from error
        vectors = [item.embedding for item in sorted(answer.data, key=lambda item: item.index)]
        if len(vectors) != expected:
            raise self._failure(f"{len(vectors)} embeddings for {expected} texts")
        for vector in vectors:
            if len(vector) != self._endpoint.dimension:
                raise self._failure(
                    f"embeddings of {len(vector)} numbers, EMBEDDINGS_DIM is {self._endpoint.dimension}"
                )
        return vectors

    def _pause(self, attempt: int, asked_s: float) -> float:
        """Doubles with each attempt, with some chance, so that many runs do not come back at once."""
        pause = self._endpoint.pause_s * 2**attempt * random.uniform(0.5, 1.0)  # noqa: S311  no secret
        return float(min(_LONGEST_PAUSE_S, max(pause, asked_s)))

    def _failure(self, reason: str) -> EmbeddingsUnavailableError:
        return EmbeddingsUnavailableError(f"EMBEDDINGS_BASE_URL={self._endpoint.url}: {reason}")


class _PassingError(Exception):
    """The same request may succeed later."""

    def __init__(self, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class _Item(BaseModel):
    model_config = ConfigDict(frozen=True)

    index: int
    embedding: list[float]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)

    data: list[_Item]


def _seconds(written: str) -> float:
    return float(written) if written.isdecimal() else 0.0
