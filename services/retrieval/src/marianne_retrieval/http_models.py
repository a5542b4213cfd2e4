"""Models behind HTTP: embeddings in OpenAI's form, reranking in that of Text Embeddings Inference.

https://platform.openai.com/docs/api-reference/embeddings/create · https://huggingface.github.io/text-embeddings-inference
"""

import asyncio
import math
from collections.abc import Sequence

import httpx

from marianne_retrieval.breaker import Breaker
from marianne_retrieval.models import ModelUnavailableError


class HttpEmbedder:
    """`POST {base_url}/embeddings`, where `base_url` ends in `/v1`."""

    def __init__(self, endpoint: "Endpoint", model: str) -> None:
        self.model = model
        self._endpoint = endpoint

    async def embed(self, text: str, timeout_s: float) -> Sequence[float]:
        body = {"model": self.model, "input": [text], "encoding_format": "float"}
        answer = await self._endpoint.post("embeddings", body, timeout_s)
        match answer:
            case {"data": [{"embedding": [*vector]}]} if _numbers(vector):
                return [float(value) for value in vector]
            case _:
                raise ModelUnavailableError("embeddings: the answer has no data[0].embedding of numbers")


class HttpReranker:
    """`POST {base_url}/rerank`."""

    def __init__(self, endpoint: "Endpoint") -> None:
        self._endpoint = endpoint

    async def score(self, query: str, texts: Sequence[str], timeout_s: float) -> Sequence[float]:
        answer = await self._endpoint.post("rerank", {"query": query, "texts": [*texts], "truncate": True}, timeout_s)
        scores = dict(map(_indexed_score, answer if isinstance(answer, list) else ()))
        if scores.keys() != set(range(len(texts))):
            raise ModelUnavailableError("rerank: the answer does not score each text once")
        return [scores[index] for index in range(len(texts))]


class Endpoint:
    """A base URL with its key and its breaker. Does not follow redirects: texts go where the settings say."""

    def __init__(self, base_url: str, key: str | None, *, limit_s: float, breaker: Breaker) -> None:
        """`limit_s`: the longest that one answer may take, whatever time the caller has."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.AsyncClient(base_url=base_url, headers=headers, trust_env=False)
        self._limit_s = limit_s
        self._breaker = breaker

    async def post(self, path: str, body: object, timeout_s: float) -> object:
        """The decoded answer. Raises ModelUnavailableError."""
        if not self._breaker.allows():
            raise ModelUnavailableError(f"{path}: it did not answer lately")
        try:
            async with asyncio.timeout(min(timeout_s, self._limit_s)):
                response = await self._client.post(path, json=body)
            answer: object = response.raise_for_status().json()
        except (TimeoutError, httpx.HTTPError, ValueError) as error:
            self._breaker.failed()
            raise ModelUnavailableError(f"{path}: {type(error).__name__} {error}".rstrip()) from error
        self._breaker.succeeded()
        return answer

    async def close(self) -> None:
        await self._client.aclose()


def _indexed_score(entry: object) -> tuple[int, float]:
    match entry:
        case {"index": int(index), "score": int() | float() as score} if math.isfinite(score):
            return index, float(score)
        case _:
            raise ModelUnavailableError("rerank: an entry of the answer has no index and score")


def _numbers(vector: Sequence[object]) -> bool:
    return bool(vector) and all(isinstance(value, int | float) and math.isfinite(value) for value in vector)
