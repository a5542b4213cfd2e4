"""The check of an answer against its sources, unit by unit.

Rules judge what can be judged exactly: quotations, citations and facts. Wording alone never withholds a unit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from marianne_guardrails.claims import asserts_nothing, concludes_nothing, restates_the_user
from marianne_guardrails.evidence import Evidence, Facts, Passage, facts_of
from marianne_guardrails.quotes import find_quote
from marianne_guardrails.verdicts import Reason, Verdict
from marianne_language.citations import SentenceId
from marianne_language.references import find_references
from marianne_language.values import TypedValue, find_values
from marianne_language.words import content_words

_ATTRIBUTED_SHARE: Final = 0.6
_FEWEST_STEMS: Final = 3
_REPETITION: Final = "R/"


@dataclass(frozen=True, slots=True)
class Unit:
    """One sentence, item, heading or table row of an answer, its citation marks taken out. `language` is BCP 47."""

    id: int
    text: str
    citations: tuple[SentenceId, ...] = ()
    language: str = "fr"


@dataclass(frozen=True, slots=True)
class Fact:
    """A typed value of a unit, and whether a source of the unit tells it."""

    kind: str
    value: str
    found: bool


@dataclass(frozen=True, slots=True)
class UnitVerdict:
    """`reason` is set when the verdict is WITHHELD. `citations` are the source sentences that the verdict rests on: the
    valid ones of the unit, or the one found for it.
    """

    id: int
    verdict: Verdict
    reason: Reason | None
    citations: tuple[SentenceId, ...]
    facts: tuple[Fact, ...]


class Grounding:
    """Checks the units of one answer. `question` is the user's, after redaction."""

    def __init__(self, passages: Sequence[Passage], question: str = "") -> None:
        self._evidence = Evidence(passages)
        self._question = question

    def check(self, unit: Unit) -> UnitVerdict:
        """The verdict on one unit; it depends on the unit and the evidence alone."""
        values = find_values(unit.text, unit.language)
        cited = self._evidence.resolve(unit.citations)
        candidates = {id_: self._evidence.sentences[id_] for id_ in cited} or self._evidence.sentences
        if quoted := find_quote(unit.text, candidates):
            return _verdict(unit, Verdict.QUOTED, quoted, _facts(values, lost=()))
        return self._check_cited(unit, values, cited) if cited else self._check_uncited(unit, values)

    def _check_cited(self, unit: Unit, values: Sequence[TypedValue], cited: tuple[SentenceId, ...]) -> UnitVerdict:
        told: Facts = frozenset().union(*(source.facts for source in self._evidence.around(cited)))
        if restates_the_user(unit.text):
            told |= facts_of(self._question, unit.language)
        wrong_articles = self._articles_of_another_code(unit.text, cited)
        lost = [value for value in values if not _stands(value, told) or value.value in wrong_articles]
        citations = self._narrowed(unit, values, cited)
        if not lost:
            return _verdict(unit, Verdict.CITED, citations, _facts(values, lost))
        elsewhere = all(_stands(value, self._evidence.facts) and value.value not in wrong_articles for value in lost)
        reason = Reason.FACT_MISPLACED if elsewhere else Reason.UNSUPPORTED_FACT
        return _withheld(unit, reason, citations, _facts(values, lost))

    def _check_uncited(self, unit: Unit, values: Sequence[TypedValue]) -> UnitVerdict:
        if not values and asserts_nothing(unit.text):
            return _verdict(unit, Verdict.NO_CLAIM, (), ())
        if restates_the_user(unit.text) and concludes_nothing(unit.text) and self._told_by_user(values, unit.language):
            return _verdict(unit, Verdict.NO_CLAIM, (), _facts(values, lost=()))
        if not self._evidence.sentences:
            return _withheld(unit, Reason.NO_EVIDENCE, (), _facts(values, lost=values))
        source = self._only_source_of(unit, values)
        if source is None:
            return _withheld(unit, Reason.NO_CITATION, (), _facts(values, lost=values))
        return self._check_cited(unit, values, (source,))

    def _told_by_user(self, values: Iterable[TypedValue], language: str) -> bool:
        told = facts_of(self._question, language)
        return all((value.kind, value.value) in told for value in values)

    def _articles_of_another_code(self, text: str, cited: tuple[SentenceId, ...]) -> set[str]:
        """Articles that the sources cite too, but always of another code than `text` does."""
        wrong = set()
        for reference in find_references(text):
            codes = self._evidence.codes_of(reference.number, cited)
            if reference.code and codes and None not in codes and reference.code not in codes:
                wrong.add(reference.number)
        return wrong

    def _narrowed(
        self, unit: Unit, values: Sequence[TypedValue], cited: tuple[SentenceId, ...]
    ) -> tuple[SentenceId, ...]:
        """`cited`, where for a passage cited as a whole only those sentences count that tell a fact of the unit, or the
        one that shares most words with it.
        """
        explicit = frozenset(unit.citations)
        whole = [id_ for id_ in cited if id_ not in explicit]
        if not whole:
            return cited
        facts = {(value.kind, value.value) for value in values}
        stems = set(content_words(unit.text))
        sentences = self._evidence.sentences
        telling = [id_ for id_ in whole if not facts.isdisjoint(sentences[id_].facts)]
        kept = telling or [max(whole, key=lambda id_: len(stems & sentences[id_].stems))]
        return tuple(id_ for id_ in cited if id_ in explicit or id_ in kept)

    def _only_source_of(self, unit: Unit, values: Sequence[TypedValue]) -> SentenceId | None:
        """The one sentence that tells all facts of a unit and has most of its words; None for none or several."""
        stems = frozenset(content_words(unit.text))
        if not values and len(stems) < _FEWEST_STEMS:
            return None
        found = {
            source.spoken: id_
            for id_, source in self._evidence.sentences.items()
            if len(stems & source.stems) >= _ATTRIBUTED_SHARE * len(stems)
            and all(_stands(value, source.facts) for value in values)
        }
        return next(iter(found.values())) if len(found) == 1 else None


def _stands(value: TypedValue, told: Facts) -> bool:
    """Whether the sources tell a fact. A repetition (« par mois ») is only refused where they tell another one."""
    if (value.kind, value.value) in told:
        return True
    is_repetition = value.kind == "duration" and value.value.startswith(_REPETITION)
    return is_repetition and not any(other.startswith(_REPETITION) for _, other in told)


def _facts(values: Iterable[TypedValue], lost: Iterable[TypedValue]) -> tuple[Fact, ...]:
    missing = {(value.kind, value.value) for value in lost}
    every = dict.fromkeys((value.kind, value.value) for value in values)
    return tuple(Fact(kind, value, (kind, value) not in missing) for kind, value in every)


def _verdict(unit: Unit, verdict: Verdict, citations: tuple[SentenceId, ...], facts: tuple[Fact, ...]) -> UnitVerdict:
    return UnitVerdict(unit.id, verdict, None, citations, facts)


def _withheld(unit: Unit, reason: Reason, citations: tuple[SentenceId, ...], facts: tuple[Fact, ...]) -> UnitVerdict:
    return UnitVerdict(unit.id, Verdict.WITHHELD, reason, citations, facts)
