"""The check of an answer against its sources, unit by unit.

Rules judge what can be judged exactly: quotations, citations and facts. Wording alone never withholds a unit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from marianne_guardrails.claims import asserts_nothing, concludes_nothing, restates_the_user
from marianne_guardrails.evidence import Evidence, Facts, Passage, Source
from marianne_guardrails.likeness import says_the_same
from marianne_guardrails.meaning import find_fault, find_foreign_body, misplaces
from marianne_guardrails.pii import leaked_pii
from marianne_guardrails.quotes import find_quote
from marianne_guardrails.standing import announced, missing
from marianne_guardrails.verdicts import Reason, Verdict
from marianne_language.citations import SentenceId
from marianne_language.codes import find_codes
from marianne_language.numerals import base_language
from marianne_language.values import TypedValue

_ATTRIBUTED_SHARE: Final = 0.6
_FEWEST_STEMS: Final = 3
# Values of their own, whose absence from the sources has its own reason.
_CONTACTS: Final = frozenset({"EMAIL", "PHONE"})


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
        self._known = (question, *(text for passage in passages for text in (passage.title, *passage.sentences)))

    def check(self, unit: Unit) -> UnitVerdict:
        """The verdict on one unit; it depends on the unit, the question and the evidence alone."""
        verdict = self._check(unit)
        leaked = leaked_pii(unit.text, self._known)
        if leaked and (verdict.reason is None or not leaked <= _CONTACTS):
            return _withheld(unit, Reason.PII_LEAK, verdict.citations, verdict.facts)
        return verdict

    def _check(self, unit: Unit) -> UnitVerdict:
        claim = Source(unit.text, unit.language)
        cited = self._evidence.resolve(unit.citations)
        candidates = {id_: self._evidence.sentences[id_] for id_ in cited} or self._evidence.sentences
        if quoted := find_quote(unit.text, candidates):
            return _verdict(unit, Verdict.QUOTED, quoted, _facts(claim.values, lost=()))
        return self._check_cited(unit, claim, cited) if cited else self._check_uncited(unit, claim)

    def _check_cited(self, unit: Unit, claim: Source, cited: tuple[SentenceId, ...]) -> UnitVerdict:
        around = self._evidence.around(cited)
        told: Facts = frozenset().union(*(source.facts for source in around))
        if restates_the_user(unit.text):
            told |= self._asked(unit.language).facts
        wrong_articles = self._articles_of_another_code(claim, cited)
        lost = [
            *missing(claim, told | announced(claim, [self._evidence.sentences[id_] for id_ in cited])),
            *(value for value in claim.values if value.value in wrong_articles),
        ]
        citations = self._narrowed(unit, claim, cited)
        facts = _facts(claim.values, lost)
        if lost:
            elsewhere = not missing(claim, self._evidence.facts) and not wrong_articles
            reason = Reason.FACT_MISPLACED if elsewhere else Reason.UNSUPPORTED_FACT
            return _withheld(unit, reason, citations, facts)
        if fault := self._fault(unit, claim, citations, around):
            return _withheld(unit, fault, citations, facts)
        sources = [self._evidence.sentences[id_] for id_ in citations]
        is_supported = says_the_same(claim, sources, self._evidence.around(citations))
        verdict = Verdict.SUPPORTED if is_supported else Verdict.CITED
        return _verdict(unit, verdict, citations, facts)

    def _fault(
        self, unit: Unit, claim: Source, citations: Sequence[SentenceId], around: Sequence[Source]
    ) -> Reason | None:
        sources = [self._evidence.sentences[id_] for id_ in citations]
        if foreign := find_foreign_body(claim, around, self._evidence, self._asked(unit.language).bodies):
            return foreign
        if misplaces(claim, sources):
            return Reason.FACT_MISPLACED
        if base_language(unit.language) != "fr":
            return None
        return find_fault(claim, sources, self._evidence.around(citations))

    def _check_uncited(self, unit: Unit, claim: Source) -> UnitVerdict:
        if not claim.values and asserts_nothing(unit.text):
            return _verdict(unit, Verdict.NO_CLAIM, (), ())
        if restates_the_user(unit.text) and concludes_nothing(unit.text) and self._told_by_user(claim, unit.language):
            return _verdict(unit, Verdict.NO_CLAIM, (), _facts(claim.values, lost=()))
        if not self._evidence.sentences:
            return _withheld(unit, Reason.NO_EVIDENCE, (), _facts(claim.values, lost=claim.values))
        source = self._only_source_of(claim)
        if source is None:
            return _withheld(unit, Reason.NO_CITATION, (), _facts(claim.values, lost=claim.values))
        return self._check_cited(unit, claim, (source,))

    def _asked(self, language: str) -> Source:
        return Source(self._question, language)

    def _told_by_user(self, claim: Source, language: str) -> bool:
        told = self._asked(language).facts
        return all((value.kind, value.value) in told for value in claim.values)

    def _articles_of_another_code(self, claim: Source, cited: tuple[SentenceId, ...]) -> set[str]:
        """Articles that the sources cite too, but always of another code than the claim does."""
        named = {code.slug for code in find_codes(claim.flat)}
        only = named.pop() if len(named) == 1 else None
        wrong = set()
        for reference in claim.references:
            codes = self._evidence.codes_of(reference.number, cited)
            code = reference.code or only
            if code and codes and None not in codes and code not in codes:
                wrong.add(reference.number)
        return wrong

    def _narrowed(self, unit: Unit, claim: Source, cited: tuple[SentenceId, ...]) -> tuple[SentenceId, ...]:
        """`cited`, where for a passage cited as a whole only those sentences count that tell a fact of the unit, or the
        one that shares most words with it.
        """
        explicit = frozenset(unit.citations)
        whole = [id_ for id_ in cited if id_ not in explicit]
        if not whole or len(cited) == 1:
            return cited
        facts = {(value.kind, value.value) for value in claim.values}
        sentences = self._evidence.sentences
        telling = [id_ for id_ in whole if not facts.isdisjoint(sentences[id_].facts)]
        kept = telling or [max(whole, key=lambda id_: len(claim.stems & sentences[id_].stems))]
        return tuple(id_ for id_ in cited if id_ in explicit or id_ in kept)

    def _only_source_of(self, claim: Source) -> SentenceId | None:
        """The one sentence that tells all facts of a unit and has most of its words; None for none or several."""
        if not claim.values and len(claim.stems) < _FEWEST_STEMS:
            return None
        found = {
            source.spoken: id_
            for id_, source in self._evidence.sentences.items()
            if len(claim.stems & source.stems) >= _ATTRIBUTED_SHARE * len(claim.stems)
            and not missing(claim, source.facts)
        }
        return next(iter(found.values())) if len(found) == 1 else None


def _facts(values: Iterable[TypedValue], lost: Iterable[TypedValue]) -> tuple[Fact, ...]:
    missing = {(value.kind, value.value) for value in lost}
    every = dict.fromkeys((value.kind, value.value) for value in values)
    return tuple(Fact(kind, value, (kind, value) not in missing) for kind, value in every)


def _verdict(unit: Unit, verdict: Verdict, citations: tuple[SentenceId, ...], facts: tuple[Fact, ...]) -> UnitVerdict:
    return UnitVerdict(unit.id, verdict, None, citations, facts)


def _withheld(unit: Unit, reason: Reason, citations: tuple[SentenceId, ...], facts: tuple[Fact, ...]) -> UnitVerdict:
    return UnitVerdict(unit.id, Verdict.WITHHELD, reason, citations, facts)
