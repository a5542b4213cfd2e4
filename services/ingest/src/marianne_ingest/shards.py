"""Several processes build one generation on a server: each writes its share, and the last one to end serves the whole.

What a share has written is told by a ledger and a lexicon of its own beside the generation, the ledger last of all. A
process whose share is told already goes on to what follows, so that any of them may be started again at any moment.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, Protocol

import xxhash

from marianne_corpus.index import Generation
from marianne_corpus.lexicon import Lexicon
from marianne_corpus.manifest import Manifest
from marianne_ingest.build import Progress, Written, encoder_of, fill, finish, streams_of
from marianne_ingest.catalog import Catalog
from marianne_ingest.dense import DenseWriter
from marianne_ingest.errors import CheckFailedError, SourceError
from marianne_ingest.ledger import Documents, from_parquet, to_parquet
from marianne_ingest.plan import Plan
from marianne_ingest.share import Share

_LEDGER: Final = "ledger-{}-of-{}.parquet"
_LEXICON: Final = "lexicon-{}-of-{}.json"


class SharedGeneration(Generation, Protocol):
    async def attachment(self, name: str) -> bytes:
        """A small file beside this generation; empty when it has none of that name."""
        ...


class SharedWriter(Protocol):
    async def join(self, build: str, dimension: int) -> SharedGeneration:
        """The generation of a build of that name, which is created by whoever comes first."""
        ...


async def join(plan: Plan, count: int, writer: SharedWriter) -> SharedGeneration:
    """Processes that read the same data by the same rules in as many shares build the same generation."""
    build = xxhash.xxh3_64_hexdigest(repr([count, *(found.fingerprint for found in plan.differences)]).encode())
    return await writer.join(build, plan.dimension)


async def write_share(
    plan: Plan, share: Share, generation: SharedGeneration, catalog: Catalog, dense: DenseWriter, progress: Progress
) -> None:
    """Unless it is written already. Raises what `build` raises; the generation stays for the others."""
    if await generation.attachment(_LEDGER.format(share.index, share.count)):
        return
    encoder = encoder_of(plan, catalog)
    written = await fill(streams_of(plan, catalog, dense, share), encoder, dense, generation, progress)
    lexicon = Lexicon(dict(written.words), {})
    await generation.attach(_LEXICON.format(share.index, share.count), lexicon.to_json())
    await generation.attach(_LEDGER.format(share.index, share.count), to_parquet(written.ledger))


async def missing(generation: SharedGeneration, count: int) -> list[Share]:
    """The shares that are not written yet."""
    shares = [Share(index, count) for index in range(count)]
    return [share for share in shares if not await generation.attachment(_LEDGER.format(share.index, share.count))]


async def serve_whole(
    plan: Plan, count: int, generation: SharedGeneration, catalog: Catalog, max_shrink_ratio: float
) -> Manifest:
    """Checks the generation and switches to it, once no share is missing; one that fails is thrown away.

    Raises CheckFailedError, SourceError, StoreUnavailableError.
    """
    parts = [await _written(generation, Share(index, count)) for index in range(count)]
    lengths = encoder_of(plan, catalog).lengths
    try:
        manifest = await finish(plan, _merged(plan, parts), lengths, generation, max_shrink_ratio)
    except (CheckFailedError, SourceError):
        await generation.discard()
        raise
    await generation.switch()
    return manifest


async def _written(generation: SharedGeneration, share: Share) -> Written:
    ledger = from_parquet(await generation.attachment(_LEDGER.format(share.index, share.count)))
    lexicon = Lexicon.from_json(await generation.attachment(_LEXICON.format(share.index, share.count)))
    return Written(ledger, lexicon.words)


def _merged(plan: Plan, parts: Sequence[Written]) -> Written:
    words: Counter[str] = Counter()
    for part in parts:
        words.update(part.words)
    return Written(
        {found.snapshot.source.name: _entries(found.snapshot.source.name, parts) for found in plan.differences}, words
    )


def _entries(source: str, parts: Sequence[Written]) -> Documents:
    return {document: entries for part in parts for document, entries in part.ledger.get(source, {}).items()}
