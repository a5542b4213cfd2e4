"""The index on a Qdrant server or cluster, read over gRPC."""

from collections.abc import Sequence
from uuid import UUID

from marianne_corpus.index import Lane, Ranking, Reply, Scope
from marianne_corpus.lexicon import LEXICON, Lexicon
from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import COLLECTION, Chunk
from marianne_corpus.store.server_client import Server, ServerAddress, manifest_of, read_file, served
from marianne_corpus.store.server_query import fetch, rank, search


class ServerReader:
    """Reads the generation that the alias names."""

    def __init__(self, address: ServerAddress) -> None:
        self._server = Server(address)
        self._manifest: Manifest | None = None

    async def search(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> Reply:
        """The reply's manifest is the one that `manifest` read last; only the first search reads it itself."""
        async with self._server.call("query", timeout_s) as client:
            if self._manifest is None:
                self._manifest = await manifest_of(client, await served(client))
            return Reply(await search(client, COLLECTION, lanes, scope), self._manifest)

    async def rank(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> Ranking:
        """The manifest as in `search`."""
        async with self._server.call("query", timeout_s) as client:
            if self._manifest is None:
                self._manifest = await manifest_of(client, await served(client))
            return Ranking(await rank(client, COLLECTION, lanes, scope), self._manifest)

    async def fetch(self, point_ids: Sequence[UUID], *, timeout_s: float) -> dict[UUID, Chunk]:
        async with self._server.call("retrieve", timeout_s) as client:
            return await fetch(client, COLLECTION, point_ids)

    async def count(self, *, timeout_s: float) -> int:
        async with self._server.call("count", timeout_s) as client:
            return (await client.count(COLLECTION, exact=True)).count

    async def manifest(self, *, timeout_s: float) -> Manifest:
        self._manifest = None
        async with self._server.call("get_collection", timeout_s) as client:
            self._manifest = await manifest_of(client, await served(client))
            return self._manifest

    async def lexicon(self, *, timeout_s: float) -> Lexicon:
        async with self._server.call("retrieve", timeout_s) as client:
            return Lexicon.from_json(await read_file(client, await served(client), LEXICON))

    async def close(self) -> None:
        await self._server.close()
