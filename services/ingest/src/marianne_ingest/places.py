"""The places of France, from the addresses of all its local offices."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import orjson

from marianne_language.folding import flatten

_DISTRIBUTION: Final = re.compile(r"\s+(?:cedex\b.*|\d+(?:er|e|eme)?(?: arrondissement)?)$")
_OVERSEAS: Final = ("97", "98")
_SOUTHERN_CORSICA: Final = ("200", "201")


class Gazetteer:
    """Collects the départements of communes and postcodes."""

    def __init__(self) -> None:
        self._found: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, addresses: Iterable[object]) -> None:
        """`addresses` are as the directory writes them, see `read_addresses`."""
        for address in (address for written in addresses for address in read_addresses(written)):
            postcode, commune = str(address.get("code_postal") or ""), str(address.get("commune") or "")
            if department := department_of(postcode):
                self._found[postcode].add(department)
                for name in _spellings(commune):
                    self._found[name].add(department)

    def places(self) -> dict[str, tuple[str, ...]]:
        return {place: tuple(sorted(departments)) for place, departments in sorted(self._found.items())}


def read_addresses(written: object) -> list[dict[str, Any]]:
    """The addresses of an office, given as JSON (text or bytes) or decoded; those that are none are left out."""
    if isinstance(written, str | bytes):
        try:
            written = orjson.loads(written) if written else []
        except orjson.JSONDecodeError:
            return []
    if isinstance(written, dict):
        written = [written]
    return [address for address in written if isinstance(address, dict)] if isinstance(written, list) else []


def department_of(postcode: str) -> str:
    """Of 69003 "69", of 97400 "974", in Corsica "2A" or "2B"; empty for what is no French postcode."""
    if len(postcode) != 5 or not postcode.isdecimal():
        return ""
    if postcode.startswith(_OVERSEAS):
        return postcode[:3]
    if postcode.startswith("20"):
        return "2A" if postcode.startswith(_SOUTHERN_CORSICA) else "2B"
    return postcode[:2]


def _spellings(commune: str) -> set[str]:
    """With and without hyphens; a post office's number is no part of the name."""
    name = _DISTRIBUTION.sub("", flatten(commune).strip())
    return {name, name.replace("-", " ")} if name else set()
