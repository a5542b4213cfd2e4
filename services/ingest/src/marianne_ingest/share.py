"""The part of a build that one of several processes does."""

from collections.abc import Sequence
from dataclasses import dataclass

from marianne_ingest.sources import part_of


@dataclass(frozen=True, slots=True)
class Share:
    """One of `count` parts; `index` counts from 0, as the completion index of a job does."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def of(self, documents: Sequence[str]) -> list[str]:
        """Neighbours, about as many as every other share has; the shares of a list are disjoint and leave none out."""
        return part_of(documents, self.index, self.count)


def read_share(written: str) -> Share:
    """From "0/4". Raises ValueError."""
    index, _, count = written.partition("/")
    share = Share(int(index), int(count))
    if not 0 <= share.index < share.count:
        raise ValueError(written)
    return share
