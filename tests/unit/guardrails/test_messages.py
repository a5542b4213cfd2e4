import pytest

from marianne_guardrails import messages
from marianne_guardrails.grounding import Unit, UnitVerdict
from marianne_guardrails.messages import InvalidMessageError, UnitReader, from_reason, from_verdict, to_grounding
from marianne_guardrails.verdicts import Reason, Verdict
from marianne_language.citations import SentenceId
from marianne_proto.guardrails.v1 import guardrails_pb2 as pb


def passage(number: int = 1, *sentences: str, title: str = "") -> pb.EvidencePassage:
    return pb.EvidencePassage(number=number, sentences=sentences, title=title)


@pytest.mark.parametrize(
    ("evidence", "field"),
    [
        (pb.Evidence(passages=[passage(n + 1) for n in range(51)]), "evidence.passages"),
        (pb.Evidence(passages=[passage(1, *["a"] * 401)]), "evidence.passages.sentences"),
        (pb.Evidence(passages=[passage(1, "a" * 4001)]), "evidence.passages.sentences"),
        (pb.Evidence(passages=[passage(1, title="a" * 4001)]), "evidence.passages.title"),
        (pb.Evidence(passages=[passage(1), passage(1)]), "evidence.passages.number"),
        (pb.Evidence(passages=[passage(0)]), "evidence.passages.number"),
        (pb.Evidence(question="a" * 4001), "evidence.question"),
    ],
)
def test_evidence_beyond_its_bounds_is_refused_by_field(evidence: pb.Evidence, field: str) -> None:
    with pytest.raises(InvalidMessageError, match=f"^{field}: "):
        to_grounding(evidence)


def test_evidence_within_its_bounds_is_accepted() -> None:
    sentences = ["a" * 4000] * 8

    evidence = pb.Evidence(passages=[passage(n + 1, *sentences) for n in range(50)], question="q")

    assert to_grounding(evidence).check(Unit(1, "Bonjour")).verdict is Verdict.NO_CLAIM


@pytest.mark.parametrize(
    ("unit", "field"),
    [(pb.Unit(id=1, text=" "), "unit.text"), (pb.Unit(id=1, text="a" * 2001), "unit.text")],
)
def test_a_unit_beyond_its_bounds_is_refused_by_field(unit: pb.Unit, field: str) -> None:
    with pytest.raises(InvalidMessageError, match=f"^{field}: "):
        UnitReader().read(unit)


def test_no_id_may_come_twice() -> None:
    reader = UnitReader()
    reader.read(pb.Unit(id=1, text="a"))

    with pytest.raises(InvalidMessageError, match=r"^unit\.id: 1 "):
        reader.read(pb.Unit(id=1, text="b"))


def test_units_are_bounded_in_number() -> None:
    reader = UnitReader()
    for number in range(messages.MAX_UNITS):
        reader.read(pb.Unit(id=number, text="a"))

    with pytest.raises(InvalidMessageError, match=r"^units: "):
        reader.read(pb.Unit(id=messages.MAX_UNITS, text="a"))


def test_a_unit_without_a_language_is_french() -> None:
    unit = UnitReader().read(pb.Unit(id=1, text="a", citations=[pb.SentenceId(passage=2, sentence=3)]))

    assert unit == Unit(1, "a", (SentenceId(2, 3),), "fr")


def test_every_reason_and_verdict_has_its_name_in_the_contract() -> None:
    assert {from_reason(reason) for reason in Reason} | {pb.REASON_UNSPECIFIED} == set(pb.Reason.values())
    assert {f"VERDICT_{verdict.name}" for verdict in Verdict} | {"VERDICT_UNSPECIFIED"} == set(pb.Verdict.keys())


def test_a_verdict_keeps_its_parts() -> None:
    message = from_verdict(UnitVerdict(4, Verdict.WITHHELD, Reason.NO_CITATION, (SentenceId(1, 2),), ()))

    assert (message.id, message.verdict, message.reason) == (4, pb.VERDICT_WITHHELD, pb.REASON_NO_CITATION)
    assert [(id_.passage, id_.sentence) for id_ in message.citations] == [(1, 2)]
