"""Names of generations: they sort by the moment at which their construction began."""

from collections.abc import Iterable
from datetime import UTC, datetime


def generation_name() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def outdated(generations: Iterable[str], kept: Iterable[str]) -> list[str]:
    """The generations older than every one that is kept.

    What lies between two kept ones may still be under construction by another run; it goes with the next switch.
    """
    oldest = min(kept)
    return sorted(name for name in generations if name < oldest)
