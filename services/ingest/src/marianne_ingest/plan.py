"""What a run will do: which sources, against which index, with which embeddings; nothing is written yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Final

from marianne_corpus.index import IndexWriter
from marianne_corpus.lexicon import LEXICON, Lexicon
from marianne_corpus.manifest import Manifest, SourceRecord
from marianne_ingest.difference import Difference, compare, fingerprint, require_no_loss
from marianne_ingest.embeddings import Endpoint
from marianne_ingest.errors import SettingError, SourceError
from marianne_ingest.ledger import LEDGER, Documents, from_parquet
from marianne_ingest.places import Gazetteer
from marianne_ingest.sources import VECTOR, Snapshot

_MOST_REFRESHED: Final = 0.3
"""Beyond this share of changed rows an index is built anew, with average lengths of its own."""


@dataclass(frozen=True, slots=True)
class Served:
    """The index that is served, and what is kept beside it."""

    manifest: Manifest
    ledger: Mapping[str, Documents]
    lexicon: Lexicon

    def record(self, source: str) -> SourceRecord | None:
        return next((record for record in self.manifest.sources if record.name == source), None)


@dataclass(frozen=True, slots=True)
class Options:
    """`exact`: the index shall hold the sources that are read and no others, as if there had been none before.

    `anew`: it is built from nothing, though what would stop a refresh stops it too.
    """

    max_shrink_ratio: float
    endpoint: Endpoint | None = None
    vectors: bool = True
    exact: bool = False
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """`served` is None when the index is built from nothing. `model` is empty and `dimension` 0 without embeddings."""

    differences: list[Difference]
    served: Served | None
    model: str
    dimension: int
    places: Mapping[str, tuple[str, ...]]

    @property
    def untouched(self) -> list[SourceRecord]:
        """The sources of the index that this run did not look at."""
        read = {difference.snapshot.source.name for difference in self.differences}
        return [record for record in self.served.manifest.sources if record.name not in read] if self.served else []


async def load_served(writer: IndexWriter) -> Served | None:
    """None when nothing is served that this program could go on from."""
    manifest = await writer.current()
    if manifest is None:
        return None
    ledger = from_parquet(await writer.attachment(LEDGER))
    return Served(manifest, ledger, Lexicon.from_json(await writer.attachment(LEXICON)))


def is_unchanged(snapshots: Sequence[Snapshot], served: Served | None, options: Options) -> bool:
    """Whether the index already holds exactly these revisions, read by these rules."""
    if served is None:
        return False
    model = _model(snapshots, options, served)
    records = [served.record(snapshot.source.name) for snapshot in snapshots]
    same = all(
        record and record.fingerprint == fingerprint(snapshot, model)
        for record, snapshot in zip(records, snapshots, strict=True)
    )
    return same and not (options.exact and len(served.manifest.sources) > len(snapshots))


def make_plan(snapshots: Sequence[Snapshot], served: Served | None, options: Options) -> Plan:
    """Reads all rows but their texts and vectors. Raises SourceError, SettingError."""
    if served and (options.exact or not served.ledger or _another_kind(snapshots, served)):
        served = None
    model = _model(snapshots, options, served)
    dimension = _dimension(snapshots, options, served, model)
    gazetteer, seen = Gazetteer(), dict[bytes, object]()
    differences = [_timed(snapshot, served, seen, model, gazetteer) for snapshot in snapshots]
    if served:
        for found in differences:
            record = served.record(found.snapshot.source.name)
            require_no_loss(found, record.folders if record else (), options.max_shrink_ratio)
    places = gazetteer.places() or (served.lexicon.places if served else {})
    plan = Plan(differences, served, model, dimension, places)
    return _from_nothing(plan) if served and (options.anew or _mostly_new(plan)) else plan


def _timed(
    snapshot: Snapshot, served: Served | None, seen: dict[bytes, object], model: str, gazetteer: Gazetteer
) -> Difference:
    started = perf_counter()
    before = served.ledger.get(snapshot.source.name, {}) if served else {}
    found = compare(snapshot, before, seen, model, gazetteer)
    found.seconds = perf_counter() - started
    return found


def _another_kind(snapshots: Sequence[Snapshot], served: Served) -> bool:
    """An index of the sample is never refreshed with official texts, nor the other way round."""
    return served.manifest.official != all(snapshot.official for snapshot in snapshots)


def _mostly_new(plan: Plan) -> bool:
    if plan.untouched or not plan.served:
        return False
    summaries = [difference.summary() for difference in plan.differences]
    total = sum(sum(summary.values()) for summary in summaries)
    return total - sum(summary["unchanged"] for summary in summaries) > _MOST_REFRESHED * total


def _from_nothing(plan: Plan) -> Plan:
    differences = [replace(difference, before={}) for difference in plan.differences]
    return replace(plan, differences=differences, served=None)


def _model(snapshots: Sequence[Snapshot], options: Options, served: Served | None) -> str:
    """The endpoint's model, which makes what is missing; else that of the index; else the one of all files."""
    if not options.vectors:
        return ""
    if options.endpoint:
        return options.endpoint.model
    if served:
        return served.manifest.embedding_model
    carried = {snapshot.vector_model for snapshot in snapshots}
    return carried.pop() if len(carried) == 1 else ""


def _dimension(snapshots: Sequence[Snapshot], options: Options, served: Served | None, model: str) -> int:
    if served and served.manifest.embedding_model != model:
        raise SettingError(
            f"EMBEDDINGS_MODEL: the index has vectors of {served.manifest.embedding_model or 'no model'}, "
            f"this run would write those of {model or 'no model'}; --rebuild makes the index anew"
        )
    if not model:
        return 0
    if served:
        return served.manifest.embedding_dim
    return options.endpoint.dimension if options.endpoint else _first_length(snapshots)


def _first_length(snapshots: Sequence[Snapshot]) -> int:
    for snapshot in snapshots:
        for row in snapshot.read(vectors=True):
            if row[VECTOR]:
                return len(row[VECTOR])
    raise SourceError(f"{snapshots[0].source.name}: column {snapshots[0].columns[VECTOR]!r} holds no vector")
