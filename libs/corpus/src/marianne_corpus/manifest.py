"""What an index says of itself."""

from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from marianne_corpus.analyzer import ANALYZER_VERSION
from marianne_corpus.schema import SCHEMA_VERSION

_UNKNOWN_DATE: Final = ""


class IncompatibleIndexError(Exception):
    """The index was written by another version; it must be built again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """One source of an index: what was read, from which revision, in how many seconds; rejected rows by reason.

    `fingerprint` is the same for the same data read by the same rules. `folders` are those in which its files lay,
    `statuses` count the chunks of each legal status.
    """

    name: str
    dataset: str
    fingerprint: str
    folders: list[str]
    official: bool
    revision: str
    snapshot_at: str
    rows: int
    chunks: int
    documents: int
    duplicates: int
    rejected: dict[str, int]
    statuses: dict[str, int]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything that a reader of an index must know.

    `created_at` is UTC, ISO 8601. `lengths` are the average numbers of terms behind each sparse vector, by its name.
    `embedding_model` is empty and `embedding_dim` 0 when the index has no dense vectors.
    """

    generation: str
    created_at: str
    lengths: dict[str, float]
    chunks: int
    sources: tuple[SourceRecord, ...]
    embedding_model: str = ""
    embedding_dim: int = 0
    optimize_seconds: float = 0.0
    schema_version: int = SCHEMA_VERSION
    analyzer_version: str = ANALYZER_VERSION

    @property
    def official(self) -> bool:
        """False as soon as one source is not the administration's own."""
        return all(source.official for source in self.sources)

    @property
    def name(self) -> str:
        return ", ".join(self.snapshots)

    @property
    def snapshots(self) -> dict[str, str]:
        """The revision's date of each data set, the oldest where several sources make one."""
        snapshots: dict[str, str] = {}
        for source in self.sources:
            known = snapshots.get(source.dataset, source.snapshot_at)
            snapshots[source.dataset] = min(known, source.snapshot_at)
        return snapshots

    @property
    def snapshot_at(self) -> str:
        return min(self.snapshots.values(), default=_UNKNOWN_DATE)

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, document: bytes | str) -> "Manifest":
        """Raises IncompatibleIndexError when this program cannot read what another version wrote."""
        try:
            values: dict[str, Any] = orjson.loads(document)
            _refuse_other_versions(values)
            sources = tuple(SourceRecord(**source) for source in values.pop("sources"))
            return cls(sources=sources, **values)
        except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError) as error:
            raise IncompatibleIndexError("the manifest cannot be read; build the index again") from error


def _refuse_other_versions(values: dict[str, Any]) -> None:
    for name, known in (("schema_version", SCHEMA_VERSION), ("analyzer_version", ANALYZER_VERSION)):
        if (found := values[name]) != known:
            raise IncompatibleIndexError(
                f"the index has {name} {found!r}, this program reads {known!r}; build the index again"
            )
