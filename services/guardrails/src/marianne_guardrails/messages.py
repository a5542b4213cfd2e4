"""Proto messages to domain values and back, and the bounds of what is accepted."""

from collections.abc import Sequence
from typing import Final

from marianne_guardrails.evidence import Passage
from marianne_guardrails.grounding import Grounding, Unit, UnitVerdict
from marianne_guardrails.verdicts import Reason
from marianne_language.citations import SentenceId
from marianne_proto.guardrails.v1 import guardrails_pb2 as pb

MAX_PASSAGES: Final = 50
MAX_SENTENCES: Final = 400
MAX_SENTENCE_CHARS: Final = 4000
MAX_UNITS: Final = 500
MAX_UNIT_CHARS: Final = 2000
MAX_TEXTS: Final = 100
MAX_TEXT_CHARS: Final = 20_000


class InvalidMessageError(Exception):
    """The caller sent what the contract does not allow; the message names the field."""


def to_text(request: pb.CheckInputRequest) -> str:
    """Raises InvalidMessageError for an empty text; a long one is for the check to refuse."""
    _require(request.text.strip() != "", "text", "must not be empty")
    return request.text


def to_texts(request: pb.CheckPassagesRequest) -> Sequence[str]:
    """Raises InvalidMessageError."""
    _require(len(request.texts) <= MAX_TEXTS, "texts", f"at most {MAX_TEXTS}")
    for index, text in enumerate(request.texts):
        _require(len(text) <= MAX_TEXT_CHARS, f"texts[{index}]", f"at most {MAX_TEXT_CHARS} characters")
    return request.texts


def to_grounding(evidence: pb.Evidence) -> Grounding:
    """Raises InvalidMessageError."""
    _require(len(evidence.passages) <= MAX_PASSAGES, "evidence.passages", f"at most {MAX_PASSAGES}")
    sentences = sum(len(passage.sentences) for passage in evidence.passages)
    _require(sentences <= MAX_SENTENCES, "evidence.passages.sentences", f"at most {MAX_SENTENCES} in all")
    _require(
        len(evidence.question) <= MAX_SENTENCE_CHARS, "evidence.question", f"at most {MAX_SENTENCE_CHARS} characters"
    )
    numbers = {passage.number for passage in evidence.passages}
    _require(len(numbers) == len(evidence.passages), "evidence.passages.number", "must not repeat")
    _require(0 not in numbers, "evidence.passages.number", "counts from 1")
    return Grounding([_to_passage(passage) for passage in evidence.passages], evidence.question)


def _to_passage(passage: pb.EvidencePassage) -> Passage:
    for text, field in ((passage.title, "title"), *((sentence, "sentences") for sentence in passage.sentences)):
        _require(
            len(text) <= MAX_SENTENCE_CHARS, f"evidence.passages.{field}", f"at most {MAX_SENTENCE_CHARS} characters"
        )
    return Passage(passage.number, tuple(passage.sentences), passage.title)


class UnitReader:
    """Reads the units of one answer: bounded, in number too, and no id twice."""

    def __init__(self) -> None:
        self._ids: set[int] = set()

    def read(self, unit: pb.Unit) -> Unit:
        """Raises InvalidMessageError."""
        _require(unit.id not in self._ids, "unit.id", f"{unit.id} was used before")
        _require(len(self._ids) < MAX_UNITS, "units", f"at most {MAX_UNITS}")
        _require(unit.text.strip() != "", "unit.text", "must not be empty")
        _require(len(unit.text) <= MAX_UNIT_CHARS, "unit.text", f"at most {MAX_UNIT_CHARS} characters")
        self._ids.add(unit.id)
        citations = tuple(SentenceId(citation.passage, citation.sentence) for citation in unit.citations)
        return Unit(unit.id, unit.text, citations, unit.language or "fr")


def from_verdict(verdict: UnitVerdict) -> pb.UnitVerdict:
    return pb.UnitVerdict(
        id=verdict.id,
        verdict=pb.Verdict.Value(f"VERDICT_{verdict.verdict.name}"),
        reason=from_reason(verdict.reason),
        citations=[pb.SentenceId(passage=id_.passage, sentence=id_.sentence) for id_ in verdict.citations],
        facts=[pb.Fact(kind=fact.kind, value=fact.value, found=fact.found) for fact in verdict.facts],
    )


def from_reason(reason: Reason | None) -> pb.Reason.ValueType:
    return pb.Reason.Value(f"REASON_{reason.name}") if reason else pb.REASON_UNSPECIFIED


def from_decision(reason: Reason | None) -> pb.Decision.ValueType:
    return pb.DECISION_REJECT if reason else pb.DECISION_ALLOW


def _require(holds: bool, field: str, expected: str) -> None:
    if not holds:
        raise InvalidMessageError(f"{field}: {expected}")
