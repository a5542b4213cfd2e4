"""What an index must prove before it is switched to: it is whole, and texts taken from it find themselves."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from marianne_corpus.analyzer import Analyzer
from marianne_corpus.index import Generation, Scope, SparseLane
from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import Chunk
from marianne_ingest.errors import CheckFailedError

_PROBES_OF_A_SOURCE: Final = 10
_FOUND_AMONG: Final = 10
_LEAST_SHARE: Final = 0.9
_TIMEOUT_S: Final = 30.0


def choose_probes(chunks: Sequence[Chunk]) -> list[Chunk]:
    """Some chunks, evenly spread, of those that were or are valid on some day."""
    valid = [chunk for chunk in chunks if not chunk.status or chunk.start_date < chunk.end_date]
    return valid[:: max(1, len(valid) // _PROBES_OF_A_SOURCE)][:_PROBES_OF_A_SOURCE]


async def check(generation: Generation, manifest: Manifest, probes: Sequence[Chunk], analyzer: Analyzer) -> None:
    """Raises CheckFailedError."""
    count = await generation.count(timeout_s=_TIMEOUT_S)
    if count != manifest.chunks:
        raise CheckFailedError(f"the index holds {count} chunks, {manifest.chunks} were written")
    lost = [probe.chunk_id for probe in probes if not await _finds_itself(generation, probe, analyzer)]
    if len(lost) > (1 - _LEAST_SHARE) * len(probes):
        raise CheckFailedError(f"{len(lost)} of {len(probes)} texts do not find themselves, such as {lost[0]!r}")


async def _finds_itself(generation: Generation, probe: Chunk, analyzer: Analyzer) -> bool:
    lane = SparseLane(analyzer.query(probe.search_text), _FOUND_AMONG)
    today = datetime.now(UTC).date()
    as_of = date.fromisoformat(probe.start_date) if probe.status else today
    scope = Scope(as_of=as_of, today=today, datasets=(probe.dataset,))
    [hits] = await generation.lanes([lane], scope, timeout_s=_TIMEOUT_S)
    return any(hit.chunk.doc_id == probe.doc_id for hit in hits)
