"""The source sentences that an answer may rest on, and what each of them tells."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from marianne_guardrails.modality import Modality, denied, modalities
from marianne_guardrails.names import bodies, meant_bodies, persons, schemes
from marianne_guardrails.slots import Slot, ranks, slots_of
from marianne_guardrails.terms import roots_of
from marianne_guardrails.wording import heading_level, is_caption, is_item, is_lead_in, leans_back, spoken
from marianne_language.citations import SentenceId
from marianne_language.codes import code_slug
from marianne_language.folding import flatten
from marianne_language.references import ArticleReference, references_in
from marianne_language.values import TypedValue, implied, values_in
from marianne_language.words import content_words

Facts = frozenset[tuple[str, str]]

_DEEPEST = 7


@dataclass(frozen=True, slots=True)
class Passage:
    """Sentence m of the passage is `sentences[m - 1]`; `title` and headings give the sentences their subject."""

    number: int
    sentences: tuple[str, ...]
    title: str = ""


class Source:
    """A text and what it tells, worked out when first asked for. Sources are French; a claim may be in `language`."""

    def __init__(self, text: str, language: str = "fr") -> None:
        self.text = unicodedata.normalize("NFC", text)
        self._language = language

    def read(self) -> None:
        """Works out what every check asks of every source."""
        _ = self.facts, self.bodies

    @cached_property
    def flat(self) -> str:
        return flatten(self.text)

    @cached_property
    def spoken(self) -> str:
        return spoken(self.flat)

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(content_words(self.flat))

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(self.words)

    @cached_property
    def roots(self) -> frozenset[str]:
        return roots_of(self.words)

    @cached_property
    def values(self) -> tuple[TypedValue, ...]:
        return tuple(values_in(self.text, self.flat, self._language))

    @cached_property
    def facts(self) -> Facts:
        """(kind, value) of every fact that the text tells or implies."""
        return frozenset(fact for value in self.values for fact in implied(value.kind, value.value))

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        return slots_of(self.flat, self.values)

    @cached_property
    def ranks(self) -> frozenset[tuple[str, str]]:
        return ranks(self.flat)

    @cached_property
    def modalities(self) -> frozenset[Modality]:
        return modalities(self.flat)

    @cached_property
    def denied(self) -> frozenset[str]:
        """The roots that the text denies."""
        return roots_of(word for word in denied(self.flat) if len(word) > 2)

    @cached_property
    def bodies(self) -> frozenset[str]:
        return bodies(self.flat)

    @cached_property
    def schemes(self) -> frozenset[str]:
        return schemes(self.flat)

    @cached_property
    def persons(self) -> frozenset[str]:
        return persons(self.flat)

    @property
    def names(self) -> frozenset[str]:
        """All bodies, schemes and parties."""
        return self.bodies | self.schemes | self.persons

    @cached_property
    def references(self) -> tuple[ArticleReference, ...]:
        return tuple(references_in(self.text, self.flat))


class SourcePassage:
    """A passage and the sources in it."""

    def __init__(self, passage: Passage) -> None:
        self.number = passage.number
        self.title = Source(passage.title)
        self.sentences = tuple(Source(sentence) for sentence in passage.sentences)
        self._around: dict[int, tuple[Source, ...]] = {}

    @cached_property
    def code(self) -> str | None:
        """The code that the passage is taken from, when its title names one."""
        return code_slug(self.title.text)

    def around(self, sentence: int) -> tuple[Source, ...]:
        """Sentence `sentence` (from 1) and the sources that speak with it: title, headings above, the lead-in of an
        item, the items of a lead-in, and the sentence before one that leans back on it.
        """
        if sentence not in self._around:
            self._around[sentence] = tuple(self._speaking_with(sentence - 1))
        return self._around[sentence]

    def _speaking_with(self, index: int) -> Iterator[Source]:
        own = self.sentences[index]
        yield own
        yield self.title
        if index and is_caption(self.sentences[0].text):
            yield self.sentences[0]
        yield from self._headings_above(index)
        if is_item(own.text):
            yield from self._lead_in(index)
        if is_lead_in(own.text):
            yield from takewhile(lambda source: is_item(source.text), self.sentences[index + 1 :])
        if index and leans_back(own.text):
            yield self.sentences[index - 1]

    def _headings_above(self, index: int) -> Iterator[Source]:
        level = heading_level(self.sentences[index].text) or _DEEPEST
        for source in reversed(self.sentences[:index]):
            above = heading_level(source.text)
            if above and above < level:
                level = above
                yield source

    def _lead_in(self, index: int) -> Iterator[Source]:
        before = (source for source in reversed(self.sentences[:index]) if not is_item(source.text))
        lead_in = next(before, None)
        if lead_in is not None:
            yield lead_in


class Evidence:
    """All passages of a turn. Numbers must differ from each other."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = {passage.number: SourcePassage(passage) for passage in passages}
        self.sentences: Mapping[SentenceId, Source] = {
            SentenceId(number, sentence): source
            for number, passage in self._passages.items()
            for sentence, source in enumerate(passage.sentences, start=1)
        }
        for source in self._every():
            source.read()

    def resolve(self, citations: Iterable[SentenceId]) -> tuple[SentenceId, ...]:
        """The sentences that exist among those cited; sentence 0 stands for all of its passage."""
        found = dict.fromkeys(sentence for citation in citations for sentence in self._cited(citation))
        return tuple(found)

    def _cited(self, citation: SentenceId) -> Iterator[SentenceId]:
        if citation in self.sentences:
            yield citation
        elif citation.sentence == 0 and (passage := self._passages.get(citation.passage)):
            yield from (SentenceId(passage.number, sentence + 1) for sentence in range(len(passage.sentences)))

    def around(self, cited: Iterable[SentenceId]) -> list[Source]:
        """The cited sentences and the sources that speak with them."""
        return [source for id_ in cited for source in self._passages[id_.passage].around(id_.sentence)]

    def codes_of(self, article: str, cited: Iterable[SentenceId]) -> set[str | None]:
        """The codes to which the cited sources ascribe an article; None where they name none."""
        return {
            reference.code or self._passages[id_.passage].code
            for id_ in cited
            for source in self._passages[id_.passage].around(id_.sentence)
            for reference in source.references
            if reference.number == article
        }

    @cached_property
    def facts(self) -> Facts:
        """Every fact that stands anywhere."""
        return frozenset().union(*(source.facts for source in self._every()))

    @cached_property
    def bodies(self) -> frozenset[str]:
        """Every body that is named anywhere."""
        return frozenset().union(*(source.bodies for source in self._every()))

    @cached_property
    def meant_bodies(self) -> frozenset[str]:
        """Every body that a general word such as « la caisse » may mean."""
        return frozenset().union(*(meant_bodies(source.flat) for source in self._every()))

    def _every(self) -> Iterator[Source]:
        yield from self.sentences.values()
        yield from (passage.title for passage in self._passages.values())
