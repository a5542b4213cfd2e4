"""Whatever value a source tells, another one in its place does not pass."""

from hypothesis import given, settings
from hypothesis import strategies as st

from marianne_guardrails.evidence import Passage
from marianne_guardrails.grounding import Grounding, Unit
from marianne_guardrails.verdicts import Verdict
from marianne_language.citations import SentenceId

FORMS = st.sampled_from(
    [
        "Le titre de séjour coûte {} euros.",
        "La carte est valable {} ans.",
        "La demande est faite {} jours avant.",
        "Le taux est de {} % du salaire.",
        "L'article L. 421-{} s'applique.",
        "Il faut {} photographies.",
        "La mesure date de l'an {}.",
        "Appelez le 01 44 55 66 {:02}.",
    ]
)
NUMBERS = st.integers(2, 99)


def verdict(source: str, claim: str) -> Verdict:
    return Grounding([Passage(1, (source,))]).check(Unit(1, claim, (SentenceId(1, 1),))).verdict


@settings(deadline=None)
@given(FORMS, NUMBERS, NUMBERS)
def test_another_value_is_withheld_and_the_same_one_is_not(form: str, value: int, other: int) -> None:
    found = verdict(form.format(value), f"En résumé : {form.format(other)}")

    assert (found is Verdict.WITHHELD) == (value != other)
