"""Reads a text as concepts: which words of it an instruction to a model could be made of, and where they stand."""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Final

from marianne_language.folding import flatten

_ARABIC: Final = str.maketrans("أإآٱةىؤئ", "اااا" + "هيوي")
_TOKEN: Final = re.compile(r"https?://\S+|\w+|[.!?؟。\n]+|[^\w\s'-]")
_PROCLITICS: Final = re.compile(r"^(?:[وف])?(?:ال|لل|بال|[بل])?(?=\w{3})")
_WITHOUT_REACH: Final = 4


@dataclass(frozen=True, slots=True)
class _Phrase:
    """What follows the first word of a phrase for `concept`; `with_and` when "and" is written onto that word."""

    concept: str
    rest: tuple[str, ...]
    with_and: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """A concept and the place, counted in words from the start of its sentence, at which its phrase begins."""

    concept: str
    place: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """The concepts of one sentence. A concept followed by ! stands at the head of a clause, where orders stand."""

    tags: tuple[Tag, ...]
    is_question: bool


def canonical(text: str) -> str:
    """Lower case without accents, Arabic letter variants unified; for comparison only."""
    return flatten(text).translate(_ARABIC)


def read_sentences(text: str) -> Iterator[Sentence]:
    """The sentences of a canonical text that hold a concept."""
    words: list[str] = []
    starts: set[int] = {0}
    for token in _TOKEN.findall(text):
        if token[0].isalnum() or token[0] == "_":
            words.append(token)
        elif token[0] in ".!?؟。\n":
            yield from _tagged(words, starts, is_question="?" in token or "؟" in token)
            words, starts = [], {0}
        else:
            starts.add(len(words))
    yield from _tagged(words, starts, is_question=False)


def _tagged(words: Sequence[str], starts: set[int], *, is_question: bool) -> Iterator[Sentence]:
    tags: list[Tag] = []
    for place, word in enumerate(words):
        for phrase in _phrases_at(words, place, word):
            if phrase.concept == "softener":
                starts.add(place + 1 + len(phrase.rest))
            else:
                is_head = phrase.with_and or place in starts
                tags.append(Tag(f"{phrase.concept}!" if is_head else phrase.concept, place))
    if tags:
        yield Sentence((*tags, *_unbound(tags)), is_question)


def _phrases_at(words: Sequence[str], place: int, word: str) -> Iterator[_Phrase]:
    alone, longer = _phrases(word)
    yield from alone
    if longer and place + 1 < len(words):
        following = words[place + 1]
        for phrase in longer:
            if _is_word(phrase.rest[0], following) and _continues(phrase.rest[1:], words, place + 2):
                yield phrase


def _unbound(tags: Sequence[Tag]) -> Iterator[Tag]:
    """« sans aucune limite » frees a model as « unrestricted » does."""
    limits = [tag.place for tag in tags if tag.concept.startswith("restraint")]
    for tag in tags:
        if tag.concept.startswith("without") and any(0 < place - tag.place <= _WITHOUT_REACH for place in limits):
            yield Tag("unbound", tag.place)


def _continues(rest: Sequence[str], words: Sequence[str], place: int) -> bool:
    if len(words) - place < len(rest):
        return False
    return all(_is_word(pattern, words[place + offset]) for offset, pattern in enumerate(rest))


def _is_word(pattern: str, word: str) -> bool:
    return word.startswith(pattern[:-1]) if pattern[-1] == "*" else word == pattern


@functools.lru_cache(maxsize=50_000)
def _phrases(word: str) -> tuple[tuple[_Phrase, ...], tuple[_Phrase, ...]]:
    """The phrases that are `word` alone, and those that it may begin."""
    found = list(_beginning_with(word))
    if "\u0600" <= word[0] <= "\u06ff":
        proclitics = _PROCLITICS.match(word)
        if proclitics and proclitics[0]:
            stem, with_and = word[proclitics.end() :], proclitics[0] in {"و", "ف"}
            found += [replace(phrase, with_and=with_and) for phrase in _beginning_with(stem)]
    unique = dict.fromkeys(found)
    return tuple(phrase for phrase in unique if not phrase.rest), tuple(phrase for phrase in unique if phrase.rest)


def _beginning_with(word: str) -> Iterator[_Phrase]:
    entries = _entries()
    yield from entries.get(word, ())
    for length in range(1, len(word) + 1):
        yield from entries.get(f"{word[:length]}*", ())


@functools.cache
def _entries() -> Mapping[str, Sequence[_Phrase]]:
    """Phrases by their first word; a word that ends in * stands for every word that begins so."""
    entries: dict[str, list[_Phrase]] = {}
    text = files(__package__).joinpath("injection_lexicon.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            concept, _, phrases = line.partition(": ")
            for phrase in phrases.split(" | "):
                first, *rest = re.findall(r"\w+\*?", canonical(phrase))
                entries.setdefault(first, []).append(_Phrase(concept, tuple(rest)))
    return entries
