"""An index behind a breaker: a server that hangs costs some questions their time, not every one."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from marianne_corpus.index import IndexReader, Lane, NoIndexError, Ranking, Reply, Scope, StoreUnavailableError
from marianne_corpus.lexicon import Lexicon
from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import Chunk
from marianne_retrieval.breaker import Breaker

_FAIR_S: Final = 0.2
"""What did not answer within less is not to blame."""


class GuardedIndex:
    """An IndexReader that fails at once while its breaker is open."""

    def __init__(self, index: IndexReader, breaker: Breaker) -> None:
        self._index = index
        self._breaker = breaker

    async def search(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> Reply:
        async with self._attempt(timeout_s):
            return await self._index.search(lanes, scope, timeout_s=timeout_s)

    async def rank(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> Ranking:
        async with self._attempt(timeout_s):
            return await self._index.rank(lanes, scope, timeout_s=timeout_s)

    async def fetch(self, point_ids: Sequence[UUID], *, timeout_s: float) -> dict[UUID, Chunk]:
        async with self._attempt(timeout_s):
            return await self._index.fetch(point_ids, timeout_s=timeout_s)

    async def count(self, *, timeout_s: float) -> int:
        async with self._attempt(timeout_s):
            return await self._index.count(timeout_s=timeout_s)

    async def manifest(self, *, timeout_s: float) -> Manifest:
        async with self._attempt(timeout_s):
            return await self._index.manifest(timeout_s=timeout_s)

    async def lexicon(self, *, timeout_s: float) -> Lexicon:
        async with self._attempt(timeout_s):
            return await self._index.lexicon(timeout_s=timeout_s)

    async def close(self) -> None:
        await self._index.close()

    @asynccontextmanager
    async def _attempt(self, timeout_s: float) -> AsyncIterator[None]:
        if not self._breaker.allows():
            raise StoreUnavailableError("the index did not answer lately and is left alone for a moment")
        try:
            yield
        except NoIndexError:
            self._breaker.succeeded()
            raise
        except StoreUnavailableError:
            if timeout_s >= _FAIR_S:
                self._breaker.failed()
            raise
        self._breaker.succeeded()
