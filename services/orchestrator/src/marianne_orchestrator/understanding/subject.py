"""Whether what was found speaks of what was asked."""

import re
from collections.abc import Sequence
from typing import Final

from marianne_language.folding import fold
from marianne_orchestrator.events import Source
from marianne_orchestrator.understanding.registry import Topic

COVERED_SHARE: Final = 0.5
COVERED_WORDS: Final = 3
_WORD: Final = re.compile(r"\w{4,}")


def on_subject(topic: Topic, query: str, sources: Sequence[Source]) -> bool:
    """Whether the texts found speak of what was asked: a known topic, or enough of the query's words in one text."""
    if topic != "none":
        return True
    words = {word[:6] for word in _WORD.findall(fold(query))}
    return any(_covered(words, source) for source in sources)


def _covered(words: set[str], source: Source) -> bool:
    text = fold(" ".join((source.title, *source.context, *source.sentences)))
    stems = {word[:6] for word in _WORD.findall(text)}
    return len(words & stems) >= min(COVERED_WORDS, COVERED_SHARE * len(words)) > 0
