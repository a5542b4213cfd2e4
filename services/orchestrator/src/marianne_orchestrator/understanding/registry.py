"""Topic, intent and ties to earlier turns, decided by the terms of `data/registry.yaml`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Literal, cast, get_args

import yaml

from marianne_orchestrator.language_detection import LANGUAGES, Language
from marianne_orchestrator.threads import Exchange
from marianne_orchestrator.understanding.lexicon import Lexicon, Term
from marianne_orchestrator.understanding.words import tokens

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

SHORT_FOLLOW_UP_WORDS: Final = 8
_OFF_TOPIC: Final = "off_topic"
_ANY: Final = "any"
_SURE: Final = 5

Entries = Mapping[str, Mapping[str, Mapping[int, str]]]
"""name → language → weight → terms, parted by commas."""

Groups = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Understanding:
    """`query` is what retrieval is asked, made whole from the conversation when the question leans on it.

    With the topic `none` the intent `out_of_scope` is a guess, which retrieval settles.
    """

    intent: Intent
    topic: Topic
    query: str


class Registry:
    """Weighted words and phrases that tell topics, intents and follow-ups apart, in every supported language."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        """Raises ValueError naming an unknown topic, intent or language, or a term that is empty."""
        groups: Groups = entries.get("groups", {})
        topics = list(_terms(entries["topics"], get_args(Topic), "topics"))
        intents = list(_terms(entries["intents"], get_args(Intent), "intents"))
        follow_ups = list(_terms(entries["follow_ups"], ("opening", "anywhere"), "follow_ups"))
        off_topic = list(_terms({_OFF_TOPIC: entries.get(_OFF_TOPIC, {})}, (_OFF_TOPIC,), _OFF_TOPIC))
        self._topics = _by_language(topics, groups, with_french=True)
        self._off_topic = _by_language(off_topic, groups)
        self._intents = _by_language(intents, groups)
        self._follow_ups = _by_language(follow_ups, groups)
        self._order = {name: place for place, name in enumerate((*entries["topics"], *entries["intents"]))}

    @classmethod
    def load(cls) -> "Registry":
        text = resources.files("marianne_orchestrator").joinpath("data/registry.yaml").read_text(encoding="utf-8")
        return cls(yaml.load(text, Loader=yaml.CSafeLoader))

    def understand(self, question: str, history: Sequence[Exchange], language: Language) -> Understanding:
        """`language` is the one that the question is written in."""
        topic, intent = self._read(question, language)
        if not history or intent == "smalltalk" or not self._leans_on_history(question, topic, language):
            return Understanding(intent, topic, question)
        query = f"{history[-1].query} {question}"
        whole_topic, _ = self._read(query, language)
        return Understanding(self._asked(question, language) or "procedure", whole_topic, query)

    def _read(self, text: str, language: Language) -> tuple[Topic, Intent]:
        subjects = _scores(self._topics[language].find(text)) or _scores(self._topics[_ANY].find(text))
        elsewhere = _scores(self._off_topic[language].find(text))[_OFF_TOPIC]
        if elsewhere > max(subjects.values(), default=0):
            return "none", "out_of_scope"
        asked, topic = self._asked(text, language), self._best(subjects)
        if topic is None:
            return "none", "smalltalk" if asked == "smalltalk" else "out_of_scope"
        if asked is None or (asked == "smalltalk" and topic != "none"):
            return cast(Topic, topic), "procedure"
        return cast(Topic, topic), asked

    def _asked(self, text: str, language: Language) -> Intent | None:
        cues = _scores(self._intents[language].find(text)) or _scores(self._intents[_ANY].find(text))
        return cast(Intent | None, self._best(cues))

    def _best(self, scores: Counter[str]) -> str | None:
        """The name with most points; the earlier one in the file when they are as many."""
        return min(scores, key=lambda name: (-scores[name], self._order[name]), default=None)

    def _leans_on_history(self, question: str, topic: Topic, language: Language) -> bool:
        words = [word for word in tokens(question) if word[0].isalnum()]
        if len(words) > SHORT_FOLLOW_UP_WORDS:
            return False
        return topic == "none" or bool(self._follow_ups[language].find(question))


def _scores(terms: Iterable[Term]) -> Counter[str]:
    scores: Counter[str] = Counter()
    for term in terms:
        scores[term.name] += term.weight
    return scores


def _terms(entries: Entries, known: Sequence[str], where: str) -> Iterator[tuple[str, Term]]:
    if unknown := set(entries) - set(known):
        raise ValueError(f"registry.yaml: {where}: {', '.join(sorted(unknown))} is not known")
    for name, languages in entries.items():
        for language, weights in languages.items():
            if language not in LANGUAGES:
                raise ValueError(f"registry.yaml: {where}: {name}: {language} is not a supported language")
            for weight, terms in weights.items():
                for term in terms.split(","):
                    yield language, Term(name, weight, term.strip())


def _by_language(terms: Sequence[tuple[str, Term]], groups: Groups, *, with_french: bool = False) -> dict[str, Lexicon]:
    """One lexicon a language and one of all; French names stand in the sentences of any language."""
    lexicons = {
        language: Lexicon(
            [term for written, term in terms if written == language]
            + [term for written, term in terms if with_french and written == "fr" and term.weight >= _SURE],
            groups,
            with_articles=language == "vi",
        )
        for language in LANGUAGES
    }
    return lexicons | {_ANY: Lexicon([term for _, term in terms], groups)}
