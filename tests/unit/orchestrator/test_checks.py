from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from marianne_language.citations import SentenceId
from marianne_orchestrator.checks import IdentityCheck, Unit, UnitVerdict
from support.ports import source

SENTENCES = ("Le délai est de deux mois.", "Le délai est de six mois.")


async def judged(*units: Unit) -> list[UnitVerdict]:
    async def written() -> AsyncIterator[Unit]:
        for unit in units:
            yield unit

    check = IdentityCheck().check_answer([source(2, *SENTENCES)], "Quel délai ?", written())
    return [verdict async for verdict in check]


def unit(text: str, *ids: str) -> Unit:
    return Unit(1, text, tuple(SentenceId.parse(text) for text in ids), "fr")


async def test_the_cited_sentence_itself_passes_as_quoted() -> None:
    [verdict] = await judged(unit("Le délai est de deux mois.", "2.1"))
    assert verdict == UnitVerdict(1, "quoted", "", (SentenceId(2, 1),))


async def test_white_space_makes_no_difference() -> None:
    [verdict] = await judged(unit("Le délai\u00a0est  de\ndeux mois.", "2.1"))
    assert verdict.verdict == "quoted"


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Le délai est de trois mois.", ("2.1",)),
        ("Le délai est de deux mois", ("2.1",)),
        ("Le délai est de deux mois.", ("2.2",)),
        ("Le délai est de deux mois.", ("1.1",)),
        ("Le délai est de deux mois.", ("2",)),
        ("Le délai est de deux mois.", ("2.1", "2.2")),
        ("Le délai est de deux mois.", ()),
    ],
)
async def test_whatever_is_not_the_one_cited_sentence_is_withheld(text: str, ids: tuple[str, ...]) -> None:
    [verdict] = await judged(unit(text, *ids))
    assert (verdict.verdict, verdict.reason) == ("withheld", "backend_error")


async def test_whatever_is_withheld_is_counted() -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("guardrail_rejections_total", {"reason": "backend_error"}) or 0

    before = counted()
    await judged(unit("Le délai est de trois mois.", "2.1"), unit("Le délai est de deux mois.", "2.1"))
    assert counted() == before + 1


@given(st.text(), st.sampled_from(["2.1", "2.2", "2.3", "1.1"]))
async def test_no_other_text_ever_passes(text: str, cited: str) -> None:
    [verdict] = await judged(unit(text, cited))
    assert (verdict.verdict == "quoted") == (" ".join(text.split()) in SENTENCES)


async def test_there_is_one_verdict_for_each_unit_in_order() -> None:
    verdicts = await judged(Unit(7, "Un.", (), "fr"), Unit(9, SENTENCES[1], (SentenceId(2, 2),), "fr"))
    assert [(verdict.id, verdict.verdict) for verdict in verdicts] == [(7, "withheld"), (9, "quoted")]
