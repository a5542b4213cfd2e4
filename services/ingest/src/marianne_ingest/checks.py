"""What an index must prove before it is switched to: it is whole, and texts taken from it find themselves."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from marianne_corpus.analyzer import Analyzer
from marianne_corpus.branches import branches_of
from marianne_corpus.index import Generation, Scope, SparseLane
from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import Chunk
from marianne_ingest.errors import CheckFailedError
from marianne_ingest.ledger import Documents, kept

_PROBES_OF_A_SOURCE: Final = 20
_FOUND_AMONG: Final = 10
_LEAST_SHARE: Final = 0.9
_TIMEOUT_S: Final = 30.0


async def check(generation: Generation, manifest: Manifest, ledger: Mapping[str, Documents]) -> None:
    """Raises CheckFailedError."""
    count = await generation.count(timeout_s=_TIMEOUT_S)
    if count != manifest.chunks:
        raise CheckFailedError(f"the index holds {count} chunks, {manifest.chunks} were written")
    probes = [chunk for documents in ledger.values() for chunk in await _probes(generation, documents)]
    analyzer = Analyzer()
    lost = [probe.chunk_id for probe in probes if not await _finds_itself(generation, probe, analyzer)]
    if len(lost) > (1 - _LEAST_SHARE) * len(probes):
        raise CheckFailedError(f"{len(lost)} of {len(probes)} texts do not find themselves, such as {min(lost)!r}")


async def _probes(generation: Generation, documents: Documents) -> list[Chunk]:
    """Some chunks of a source, evenly spread, of those that were or are valid on some day."""
    entries = kept(documents.values())
    spread = entries[:: max(1, len(entries) // _PROBES_OF_A_SOURCE)][:_PROBES_OF_A_SOURCE]
    chunks = await generation.retrieve([UUID(bytes=entry.point) for entry in spread])
    if len(chunks) != len(spread):
        raise CheckFailedError(f"the index holds {len(chunks)} of {len(spread)} chunks that were looked up")
    return [chunk for chunk in chunks if not chunk.status or chunk.start_date < chunk.end_date]


async def _finds_itself(generation: Generation, probe: Chunk, analyzer: Analyzer) -> bool:
    lane = SparseLane(analyzer.query(probe.search_text), _FOUND_AMONG)
    today = datetime.now(UTC).date()
    as_of = date.fromisoformat(probe.start_date) if probe.status else today
    scope = Scope(as_of=as_of, today=today, datasets=(probe.dataset,), branches=branches_of(probe.title))
    [hits] = await generation.lanes([lane], scope, timeout_s=_TIMEOUT_S)
    return any(hit.chunk.doc_id == probe.doc_id for hit in hits)
