"""Messages that cannot wait: recognised here, by terms alone, before anything else is asked and whatever is down."""

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from importlib import resources
from typing import Any, Final, Literal, cast, get_args

import yaml

from marianne_orchestrator.language_detection import LANGUAGES, Language
from marianne_orchestrator.understanding.lexicon import Lexicon, Term
from marianne_orchestrator.understanding.words import tokens

Kind = Literal["violence", "suicide", "child", "expulsion", "detention"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_ORDINARY: Final = "ordinary"


class Emergencies:
    """The terms that tell an emergency, and the reviewed texts that are said first."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        """Raises ValueError naming a kind that is not known, or a kind or language that lacks a text."""
        if unknown := set(entries["kinds"]) - {*KINDS, _ORDINARY}:
            raise ValueError(f"emergencies.yaml: kinds: {', '.join(sorted(unknown))} is not known")
        for kind in KINDS:
            if missing := set(LANGUAGES) - set(entries["texts"].get(kind, ())):
                raise ValueError(f"emergencies.yaml: texts: {kind} lacks {', '.join(sorted(missing))}")
        self._lexicons = {language: _lexicon(entries, language, KINDS) for language in LANGUAGES}
        self._ordinary = {language: _lexicon(entries, language, (_ORDINARY,)) for language in LANGUAGES}
        self._texts: Mapping[str, Mapping[str, str]] = entries["texts"]
        self._date: str = entries["source_date"]

    @classmethod
    @functools.cache
    def load(cls) -> "Emergencies":
        text = resources.files("marianne_orchestrator").joinpath("data/emergencies.yaml").read_text(encoding="utf-8")
        return cls(yaml.load(text, Loader=yaml.CSafeLoader))

    def recognise(self, message: str, language: Language) -> tuple[Kind, ...]:
        """The kinds of emergency that a message tells of, the most pressing first; empty for an ordinary one."""
        words = self._ordinary[language].without(tokens(message, with_articles=True))
        found = {term.name for term in self._lexicons[language].find_in(words)}
        return tuple(kind for kind in KINDS if kind in found)

    def text(self, kind: Kind, language: Language) -> str:
        """What to do now and whom to call, with the date of the sources."""
        return self._texts[kind][language].format(date=self._date)


def _lexicon(entries: Mapping[str, Any], language: Language, kinds: Collection[str]) -> Lexicon:
    """The terms of the language, and the French ones, which stand in messages of any language."""
    written: Sequence[Language] = (language,) if language == "fr" else (language, "fr")
    groups = cast(Mapping[str, Sequence[str]], entries["groups"])
    terms = {kind: texts for kind, texts in entries["kinds"].items() if kind in kinds}
    return Lexicon(_terms(terms, written), groups, with_articles=True)


def _terms(kinds: Mapping[str, Mapping[str, str]], languages: Iterable[Language]) -> Iterator[Term]:
    for language in languages:
        for kind, texts in kinds.items():
            for term in texts[language].split(","):
                yield Term(kind, 1, term.strip())
