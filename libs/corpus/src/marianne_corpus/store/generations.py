"""Names of generations: they sort by the moment at which their construction began."""

import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Final

_NAME: Final = re.compile(r"\d{8}T\d{6}\.\d{6}Z")


def generation_name() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def is_generation(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def before(current: str, sealed: Iterable[str]) -> str | None:
    """The generation to roll back to: the newest complete one that is older than the served one."""
    return max((name for name in sealed if name < current), default=None)


def superfluous(generations: Iterable[str], kept: Collection[str]) -> list[str]:
    """All but the kept ones; whoever asks holds the lease, so that none of them is under construction."""
    return sorted(set(generations) - set(kept))
