"""What a question asks for, decided by rules: which agent answers, about what, and the words to search with."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal, cast, get_args

import yaml

from marianne_language.folding import fold
from marianne_orchestrator.events import Source
from marianne_orchestrator.threads import Exchange

Intent = Literal["fact", "procedure", "legal", "locator", "smalltalk", "out_of_scope"]
Topic = Literal[
    "immigration",
    "nationality",
    "asylum",
    "work",
    "health",
    "housing",
    "benefits",
    "tax",
    "identity",
    "driving",
    "family",
    "education",
    "justice",
    "none",
]

SHORT_FOLLOW_UP_WORDS = 8
COVERED_SHARE = 0.5
COVERED_WORDS = 3
_WORD = re.compile(r"\w{4,}")


@dataclass(frozen=True, slots=True)
class Understanding:
    """`query` is what retrieval is asked, made whole from the conversation when the question leans on it."""

    intent: Intent
    topic: Topic
    query: str


class Registry:
    """Words and phrases that tell topics, intents and follow-ups apart, in every supported language."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        """Raises ValueError naming an unknown topic or intent."""
        self._topics = _patterns(entries["topics"], get_args(Topic), "topics")
        self._intents = _patterns(entries["intents"], get_args(Intent), "intents")
        self._openings = _pattern(entries["follow_ups"]["opening"])
        self._references = _pattern(entries["follow_ups"]["anywhere"])

    @classmethod
    def load(cls) -> "Registry":
        text = resources.files("marianne_orchestrator").joinpath("data/registry.yaml").read_text(encoding="utf-8")
        return cls(yaml.safe_load(text))

    def understand(self, question: str, history: Sequence[Exchange]) -> Understanding:
        folded = fold(question)
        topic = self._topic(question)
        intent = cast(Intent, _best(self._intents, folded, "procedure"))
        if intent == "smalltalk" and topic != "none":
            intent = "procedure"
        if not history or intent == "smalltalk" or not self._leans_on_history(folded, topic):
            return Understanding(intent, topic, question)
        query = f"{history[-1].query} {question}"
        return Understanding(intent, self._topic(query), query)

    def _topic(self, text: str) -> Topic:
        return cast(Topic, _best(self._topics, fold(text), "none"))

    def _leans_on_history(self, folded: str, topic: Topic) -> bool:
        points_back = self._openings.match(folded) or self._references.search(folded)
        return len(folded.split()) <= SHORT_FOLLOW_UP_WORDS and (topic == "none" or points_back is not None)


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


def _patterns(entries: Mapping[str, Sequence[str]], known: Sequence[str], where: str) -> dict[str, re.Pattern[str]]:
    if unknown := set(entries) - set(known):
        raise ValueError(f"registry.yaml: {where}: {', '.join(sorted(unknown))} is not known")
    return {name: _pattern(words) for name, words in entries.items()}


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    alternatives = "|".join(re.escape(fold(word)) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)")


def _best(patterns: Mapping[str, re.Pattern[str]], folded: str, default: str) -> str:
    """The name with most hits; the earlier one in the file when they are as many."""
    hits = {name: len(set(pattern.findall(folded))) for name, pattern in patterns.items()}
    best = max(hits, key=lambda name: hits[name])
    return best if hits[best] else default
