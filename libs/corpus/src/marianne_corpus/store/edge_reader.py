"""The index in a directory, searched in-process by Qdrant Edge; a query holds the interpreter's lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from qdrant_edge import EdgeShard

from marianne_corpus.index import Lane, Ranking, Reply, Scope, StoreUnavailableError
from marianne_corpus.lexicon import LEXICON, Lexicon
from marianne_corpus.manifest import IncompatibleIndexError, Manifest
from marianne_corpus.schema import Chunk
from marianne_corpus.store.edge_files import SHARD, errors_name, read_attachment, read_current, read_manifest
from marianne_corpus.store.edge_query import count, fetch, rank, search


class EdgeReader:
    """Serves the generation that CURRENT names; sees a switch at the next call."""

    def __init__(self, index_dir: Path) -> None:
        self._index_dir = index_dir
        self._opened: _Opened | None = None

    async def search(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> Reply:
        opened = self._open()
        with errors_name(self._index_dir):
            return Reply(search(opened.shard, lanes, scope), opened.manifest)

    async def rank(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> Ranking:
        opened = self._open()
        with errors_name(self._index_dir):
            return Ranking(rank(opened.shard, lanes, scope), opened.manifest)

    async def fetch(self, point_ids: Sequence[UUID], *, timeout_s: float) -> dict[UUID, Chunk]:
        opened = self._open()
        with errors_name(self._index_dir):
            return fetch(opened.shard, point_ids)

    async def count(self, *, timeout_s: float) -> int:
        opened = self._open()
        with errors_name(self._index_dir):
            return count(opened.shard)

    async def manifest(self, *, timeout_s: float) -> Manifest:
        return self._open().manifest

    async def lexicon(self, *, timeout_s: float) -> Lexicon:
        generation = read_current(self._index_dir)
        with errors_name(self._index_dir):
            return Lexicon.from_json(read_attachment(self._index_dir, generation, LEXICON))

    async def close(self) -> None:
        if self._opened:
            self._opened.shard.close()
            self._opened = None

    def _open(self) -> "_Opened":
        generation = read_current(self._index_dir)
        if self._opened is None or self._opened.manifest.generation != generation:
            following = _load(self._index_dir, generation)
            if self._opened:
                self._opened.shard.close()
            self._opened = following
        return self._opened


@dataclass(frozen=True, slots=True)
class _Opened:
    manifest: Manifest
    shard: EdgeShard


def _load(index_dir: Path, generation: str) -> _Opened:
    try:
        manifest = read_manifest(index_dir, generation)
    except IncompatibleIndexError as error:
        raise StoreUnavailableError(f"INDEX_DIR={index_dir}: {error}") from error
    with errors_name(index_dir):
        return _Opened(manifest, EdgeShard.load(str(index_dir / generation / SHARD)))
