"""The words of the corpus and the places of France, written beside an index."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import orjson

LEXICON: Final = "lexicon.json"
"""The name under which an index keeps it."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """`words`: in how many documents each flattened, unstemmed word stands. `places`: the départements of a flattened
    commune name or of a postcode; several when communes share the name.
    """

    words: Mapping[str, int]
    places: Mapping[str, tuple[str, ...]]

    def to_json(self) -> bytes:
        return orjson.dumps({"words": dict(self.words), "places": dict(self.places)})

    @classmethod
    def from_json(cls, document: bytes) -> Self:
        """An index that has none has an empty one."""
        stored = orjson.loads(document or b'{"words": {}, "places": {}}')
        return cls(stored["words"], {place: tuple(found) for place, found in stored["places"].items()})
