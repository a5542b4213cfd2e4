import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from marianne_language.citations import SentenceId, parse_citations
from marianne_orchestrator.checks import GuardrailsUnavailableError, Unit, UnitVerdict
from marianne_orchestrator.events import Token, Withheld
from marianne_orchestrator.gate import HOLD_S, MAX_UNIT_CHARS, SentenceGate, TooMuchWithheldError
from support.ports import FakeAnswerCheck, cited, source, verdict, withheld, withholding

SOURCES = (
    source(1, "Le délai est de deux mois.", "La carte coûte 225 €.", "- un passeport ;"),
    source(2, "The card is valid for ten years.", lang="en"),
)
WITHHELD_MARK = "(retirée)"
MARK = f"{WITHHELD_MARK} [Titre de séjour](https://www.service-public.gouv.fr/1)"
IDS = ("1.1", "1.2", "1.3", "2.1")

cuts = st.lists(st.integers(0, 400), max_size=30)
sentences = st.sampled_from(
    ["Le délai est long", "Voir l'art. L. 423-23 du code", "M. Ali paie 1 500,50 € (soit 3 %)", "Est-ce « sûr »"]
)
marks = st.lists(st.sampled_from(IDS), min_size=1, max_size=2).map(lambda ids: f"[{', '.join(ids)}]")
cited_sentences = st.one_of(
    st.builds("{} {}.".format, sentences, marks),
    st.builds("{}. {}".format, sentences, marks),
    st.builds("{} !".format, sentences),
)
blocks = st.one_of(
    st.lists(cited_sentences, min_size=1, max_size=3).map(" ".join),
    st.builds("- {} ;\n- {}".format, cited_sentences, cited_sentences),
    st.builds("## Le coût\n\n{}".format, cited_sentences),
    st.builds("1. {}\n2. {}".format, sentences, cited_sentences),
)
answers = st.lists(blocks, min_size=1, max_size=4).map("\n\n".join)
odd_pieces = (
    *("Le", " titre", " art.", " M.", "1.", " L. 4", "é", "[lien](https://a.fr)", "[1.1]", " [1.2,", " 2.1]"),
    *(
        ".",
        "!",
        "…",
        ":",
        "。",
        "؟",
        "«\u00a0",
        "\u00a0»",
        "(",
        ")",
        '"',
        "**",
        "`",
        " ",
        "\n",
        "\n- ",
        "\n\n",
        "# ",
        "|",
    ),
)
odd_texts = st.lists(st.sampled_from(odd_pieces), max_size=40).map("".join)


def make_gate(check: FakeAnswerCheck, *, opening: str = "") -> SentenceGate:
    return SentenceGate(SOURCES, "Quel délai ?", check, language="fr", withheld_mark=WITHHELD_MARK, opening=opening)


def pieces(text: str, at: Sequence[int]) -> list[str]:
    edges = [0, *sorted({cut for cut in at if cut < len(text)}), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


async def released(gate: SentenceGate) -> list[Token | Withheld]:
    return [event async for event in gate.released()]


async def written(*texts: str, check: FakeAnswerCheck | None = None) -> list[Token | Withheld]:
    gate = make_gate(check or FakeAnswerCheck())
    for text in texts:
        gate.feed(text)
    gate.end()
    return await released(gate)


def tokens(events: Sequence[Token | Withheld]) -> list[Token]:
    return [event for event in events if isinstance(event, Token)]


def joined(events: Sequence[Token | Withheld]) -> str:
    return "".join(token.text for token in tokens(events))


@asynccontextmanager
async def shown(gate: SentenceGate) -> AsyncIterator[list[Token | Withheld]]:
    """Shows what the gate releases while the block runs, and all the rest before it ends."""
    events: list[Token | Withheld] = []

    async def show() -> None:
        async for event in gate.released():
            events.append(event)  # noqa: PERF401  the list is looked at meanwhile

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(show())
        yield events


@given(answers | odd_texts, cuts)
async def test_the_units_are_the_same_however_the_text_is_cut(text: str, at: list[int]) -> None:
    whole, cut = FakeAnswerCheck(), FakeAnswerCheck()
    await written(text, check=whole)
    await written(*pieces(text, at), check=cut)
    assert cut.units == whole.units


@given(answers, cuts)
async def test_the_tokens_joined_are_the_answer_without_its_marks(text: str, at: list[int]) -> None:
    assert joined(await written(*pieces(text, at))) == parse_citations(text)[0].strip()


@pytest.mark.parametrize(
    "text",
    [
        "# Titre\n\nUne phrase [1.1].\n\nUn paragraphe [1.2].",
        "Il faut :\n\n- un passeport ;\n- une photo [1.1] ;\n  1. récente.\n\nPuis payer. [1.2] Enfin.",
        "| Pièce | Prix |\n|---|---|\n| Carte | 225 € [1.2] |\n\nFin.",
    ],
)
async def test_headings_lists_and_paragraphs_keep_their_white_space(text: str) -> None:
    assert joined(await written(f"\n\n {text}\n")) == parse_citations(text)[0]


@given(st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True), st.booleans(), cuts)
async def test_ids_before_and_after_the_full_stop_become_citations(ids: list[str], after: bool, at: list[int]) -> None:
    mark = f"[{', '.join(ids)}]"
    text = f"Le délai est long. {mark} Suite." if after else f"Le délai est long {mark}. Suite."
    first, second = tokens(await written(*pieces(text, at)))
    assert (first.text, first.citations) == ("Le délai est long.", tuple(ids))
    assert (second.text, second.citations) == (" Suite.", ())


async def test_a_cited_sentence_leaves_at_its_full_stop() -> None:
    gate = make_gate(FakeAnswerCheck())
    async with shown(gate) as events:
        gate.feed("Le délai est de deux mois [1.1].")
        assert await gate.settle()
        assert joined(events) == "Le délai est de deux mois."
        gate.end()


async def test_an_uncited_sentence_waits_for_what_follows() -> None:
    gate = make_gate(FakeAnswerCheck())
    async with shown(gate):
        gate.feed("Voir l'art.")
        assert not await gate.settle()
        gate.end()


@pytest.mark.parametrize("text", ["Je ne sais pas.", "Je ne sais pas. ", "Je ne sais pas. [1.1]"])
async def test_a_sentence_without_a_successor_leaves_after_the_hold(text: str) -> None:
    check = FakeAnswerCheck()
    gate = make_gate(check)
    async with shown(gate):
        before = asyncio.get_running_loop().time()
        gate.feed(text)
        [unit] = await check.received(1)
        assert asyncio.get_running_loop().time() - before >= 0.9 * HOLD_S
        assert unit.text == "Je ne sais pas."
        gate.end()


@pytest.mark.parametrize("text", ["Voir l'art.", "1.", "Le délai [1.1]", "Il dit : « Venez.", "La suite"])
async def test_the_hold_cuts_nothing_that_is_no_sentence(text: str) -> None:
    check = FakeAnswerCheck()
    gate = make_gate(check)
    async with shown(gate):
        gate.feed(text)
        elapsed = asyncio.Event()
        asyncio.get_running_loop().call_later(HOLD_S, elapsed.set)
        await elapsed.wait()
        gate.feed(" et plus rien")
        gate.end()
    assert [unit.text for unit in check.units] == [f"{parse_citations(text)[0]} et plus rien"]


async def test_marks_that_come_after_their_sentence_left_are_dropped() -> None:
    check = FakeAnswerCheck()
    gate = make_gate(check)
    async with shown(gate) as events:
        gate.feed("Je ne sais pas.")
        await check.received(1)
        gate.feed(" [1.1 et 2.1]. La carte coûte 225 € [1.2].")
        gate.end()
    assert joined(events) == "Je ne sais pas. La carte coûte 225 €."
    assert [token.citations for token in tokens(events)] == [(), ("1.2",)]


async def test_a_mark_before_the_first_sentence_is_its_own() -> None:
    [token] = tokens(await written("[1.1] Le délai est de deux mois."))
    assert (token.text, token.citations) == ("Le délai est de deux mois.", ("1.1",))


async def test_a_unit_without_end_is_cut_between_words() -> None:
    text = "Le délai " + "passe encore et " * 200
    check = FakeAnswerCheck()
    assert joined(await written(text, check=check)) == text.strip()
    assert all(len(unit.text) <= MAX_UNIT_CHARS for unit in check.units)
    assert {word for unit in check.units for word in unit.text.split()} == set(text.split())


@given(st.integers(0, 3), st.lists(st.integers(0, 9000), max_size=12))
async def test_a_long_text_is_cut_the_same_however_it_comes(words: int, at: list[int]) -> None:
    text = "mot" * 500 + " mot" * 300 * words + ". " + "Suite longue " * 400 + "."
    whole, cut = FakeAnswerCheck(), FakeAnswerCheck()
    await written(text, check=whole)
    assert joined(await written(*pieces(text, at), check=cut)) == text
    assert cut.units == whole.units


async def test_the_check_gets_sources_question_and_language() -> None:
    check = FakeAnswerCheck()
    await written("Le délai est de deux mois [1.1].", check=check)
    assert (check.sources, check.question) == (SOURCES, "Quel délai ?")
    [unit] = check.units
    assert (unit.id, unit.language, unit.citations) == (1, "fr", (SentenceId(1, 1),))


async def test_the_first_token_has_the_opening_for_its_white_space() -> None:
    gate = make_gate(FakeAnswerCheck(), opening="\n\n")
    gate.feed("  Un. Deux.")
    gate.end()
    assert joined(await released(gate)) == "\n\nUn. Deux."


async def test_a_quoted_sentence_has_the_language_of_its_source() -> None:
    check = FakeAnswerCheck(lambda unit: verdict(unit, "quoted"))
    [quoted, said] = tokens(await written("The card is valid for ten years [2.1]. Fin.", check=check))
    assert (quoted.lang, quoted.verdict) == ("en", "quoted")
    assert said.lang == "fr"


async def test_a_withheld_sentence_is_replaced_by_its_source() -> None:
    [withheld_event, token] = await written("Le délai est de six mois [1.1].", check=FakeAnswerCheck(withheld))
    assert withheld_event == Withheld("not_entailed")
    assert token == Token("Le délai est de deux mois.", "fr", "quoted", ("1.1",), replaces="not_entailed")


async def test_the_source_in_its_place_keeps_white_space_and_language() -> None:
    events = await written("Un [1.1].\n\nEight years [2.1].", check=FakeAnswerCheck(withholding("Eight")))
    assert tokens(events)[1].text == "\n\nThe card is valid for ten years."
    assert tokens(events)[1].lang == "en"


async def test_a_withheld_item_keeps_the_mark_of_its_list() -> None:
    events = await written("Il faut [1.1] :\n- un visa [1.3] ;\n", check=FakeAnswerCheck(withholding("visa")))
    assert joined(events) == "Il faut :\n- un passeport ;"


@pytest.mark.parametrize("mark", ["", " [9.9]", " [1]"])
async def test_a_withheld_sentence_without_a_valid_id_leaves_a_mark(mark: str) -> None:
    events = await written(f"Le délai est de six mois{mark}.", check=FakeAnswerCheck(withheld))
    assert events[1] == Token(MARK, "fr", "fixed", replaces="not_entailed")


async def test_the_mark_links_the_source_that_was_cited() -> None:
    [_, token] = await written("Six mois [2].", check=FakeAnswerCheck(withheld_of_no_sentence))
    assert token == Token(
        f"{WITHHELD_MARK} [Titre de séjour](https://www.service-public.gouv.fr/2)",
        "fr",
        "fixed",
        replaces="not_entailed",
    )


def withheld_of_no_sentence(unit: Unit) -> UnitVerdict:
    return UnitVerdict(unit.id, "withheld", "not_entailed", (SentenceId(2, 0),))


async def test_without_sources_the_mark_stands_alone() -> None:
    gate = SentenceGate((), "Quel délai ?", FakeAnswerCheck(withheld), language="fr", withheld_mark=WITHHELD_MARK)
    gate.feed("Six mois.")
    gate.end()
    assert joined(await released(gate)) == WITHHELD_MARK


LEANING = [
    "Ce délai est strict",
    "Dans ce cas, payez",
    "Sauf pour les mineurs",
    "Elle est gratuite",
]


@pytest.mark.parametrize("leaning", LEANING)
async def test_what_leans_on_a_withheld_sentence_goes_with_it(leaning: str) -> None:
    check = FakeAnswerCheck(withholding("Faux"))
    events = await written(f"Un [1.1]. Faux. {leaning} [1.1].\nLa carte est là [1.2].", check=check)
    assert joined(events) == f"Un. {MARK} Le délai est de deux mois.\nLa carte est là."
    assert [event for event in events if isinstance(event, Withheld)] == [Withheld("not_entailed")] * 2
    assert tokens(events)[2].replaces == "not_entailed"


async def test_a_chain_of_leaning_sentences_goes_as_a_whole() -> None:
    check = FakeAnswerCheck(withholding("Faux"))
    events = await written("Faux [1.1]. Ce délai court [1.2]. Dans ce cas, payez. Un visa suffit [2.1].", check=check)
    assert joined(events) == f"Le délai est de deux mois. La carte coûte 225 €. {MARK} Un visa suffit."


async def test_one_mark_tells_of_a_sentence_and_of_what_leans_on_it() -> None:
    events = await written("Un. Faux. Ce délai court. Sauf ici. Deux.", check=FakeAnswerCheck(withholding("Faux")))
    assert joined(events) == f"Un. {MARK} Deux."
    assert len([event for event in events if isinstance(event, Withheld)]) == 3


async def test_a_source_that_leans_itself_is_not_shown_without_what_it_leans_on() -> None:
    sources = (source(1, "La carte dure un an.", "Elle se renouvelle."),)
    gate = SentenceGate(sources, "?", FakeAnswerCheck(withholding("Faux")), language="fr", withheld_mark=WITHHELD_MARK)
    gate.feed("Faux. Elle est longue [1.2]. Un. Faux [1.1]. Elle est longue [1.2].")
    gate.end()
    assert joined(await released(gate)) == f"{MARK} Un. La carte dure un an. Elle se renouvelle."


async def test_a_sentence_that_only_leans_on_a_withheld_one_is_no_failure_of_the_model() -> None:
    check = FakeAnswerCheck(withholding("Faux"))
    events = await written("Un. Faux. Ce délai court. Ce délai presse. Deux. Trois. Quatre.", check=check)
    assert joined(events).endswith("Quatre.")


async def test_it_does_not_part_two_withheld_sentences_either() -> None:
    with pytest.raises(TooMuchWithheldError):
        await written("Un. Faux. Ce délai court. Faux. Deux.", check=FakeAnswerCheck(withholding("Faux")))


async def test_every_sentence_that_goes_with_another_is_counted() -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("guardrail_rejections_total", {"reason": "not_entailed"}) or 0

    before = counted()
    await written("Faux [1.1]. Ce délai court [1.2]. Fin.", check=FakeAnswerCheck(withholding("Faux")))
    assert counted() == before + 1


TABLE = "| Pièce | Prix |\n|---|---|\n| Carte | {} € [1.2] |\n| Visa | 99 € [2.1] |\n\nFin."


async def test_a_withheld_row_leaves_its_table_whole() -> None:
    events = await written(TABLE.format("999"), check=FakeAnswerCheck(withholding("999")))
    assert joined(events) == "| Pièce | Prix |\n|---|---|\n| La carte coûte 225 €. | |\n| Visa | 99 € |\n\nFin."


async def test_rows_below_a_withheld_header_go_with_it() -> None:
    events = await written(TABLE.format("225"), check=FakeAnswerCheck(withholding("Pièce")))
    assert joined(events) == (
        f"| {MARK} | |\n|---|---|\n| La carte coûte 225 €. | |\n| The card is valid for ten years. | |\n\nFin."
    )


async def test_the_numbers_of_a_list_stay() -> None:
    text = "1. Payez [1.2].\n2. Faux [1.1].\n3. Signez [1.1]."
    events = await written(text, check=FakeAnswerCheck(withholding("Faux")))
    assert joined(events) == "1. Payez.\n2. Le délai est de deux mois.\n3. Signez."


async def test_the_source_of_a_paraphrase_still_replaces_a_later_sentence() -> None:
    events = await written("Deux mois [1.1]. Six mois [1.1].", check=FakeAnswerCheck(withholding("Six")))
    assert joined(events) == "Deux mois. Le délai est de deux mois."


async def test_a_source_sentence_that_was_shown_is_not_repeated() -> None:
    text = "Six mois [1.1]. Merci. Neuf mois [1.1]."
    events = await written(text, check=FakeAnswerCheck(withholding("mois")))
    assert joined(events) == f"Le délai est de deux mois. Merci. {MARK}"


async def test_two_withheld_in_a_row_are_too_much() -> None:
    check = FakeAnswerCheck(withholding("mois"))
    gate = make_gate(check)
    gate.feed("Un. Deux mois [1.1]. Trois mois [1.2]. Quatre. ")
    with pytest.raises(TooMuchWithheldError):
        await released(gate)
    assert "".join(token.text for token in gate.shown) == "Un. Le délai est de deux mois. La carte coûte 225 €."
    assert check.closed.is_set()


@pytest.mark.parametrize(
    "text",
    [
        "Un. Faux. Deux. Trois. Faux. Quatre.",
        "Un. Faux. Deux. Trois. Quatre. Cinq. Faux. Six. Sept. Faux.",
    ],
)
async def test_three_in_ten_are_too_much_once_six_are_judged(text: str) -> None:
    with pytest.raises(TooMuchWithheldError):
        await written(text, check=FakeAnswerCheck(withholding("Faux")))


@pytest.mark.parametrize("text", ["Un. Faux. Deux. Trois. Faux.", "Un. Faux. Deux. Trois. Quatre. Cinq. Six. Faux."])
async def test_a_smaller_share_is_not_too_much(text: str) -> None:
    events = await written(text, check=FakeAnswerCheck(withholding("Faux")))
    assert joined(events) == text.replace("Faux.", MARK)


async def test_the_next_unit_is_sent_while_a_verdict_is_held_back() -> None:
    check = FakeAnswerCheck()
    check.due.clear()
    gate = make_gate(check)
    async with shown(gate) as events:
        gate.feed("Un [1.1].")
        gate.feed(" Deux [1.2].")
        await check.received(2)
        assert not events
        check.due.set()
        gate.end()
    assert joined(events) == "Un. Deux."


@given(answers, cuts)
async def test_nothing_is_lost_or_repeated_when_verdicts_come_late(text: str, at: list[int]) -> None:
    check = FakeAnswerCheck()
    check.due.clear()
    gate = make_gate(check)
    async with shown(gate) as events:
        for piece in pieces(text, at):
            gate.feed(piece)
        gate.end()
        await asyncio.create_task(check.received(1))
        check.due.set()
    assert joined(events) == parse_citations(text)[0].strip()


async def test_settling_forgets_the_unfinished_unit_and_waits_for_verdicts() -> None:
    check = FakeAnswerCheck()
    check.due.clear()
    gate = make_gate(check)
    async with shown(gate) as events:
        gate.feed("Un [1.1]. Deux et")
        settling = asyncio.create_task(gate.settle())
        await check.received(1)
        assert not settling.done()
        check.due.set()
        assert await settling
        gate.end()
    assert joined(events) == "Un."


async def test_settling_tells_when_nothing_was_shown() -> None:
    gate = make_gate(FakeAnswerCheck())
    async with shown(gate) as events:
        gate.feed("Un début de phra")
        assert not await gate.settle()
        gate.feed("Autre chose [1.1].")
        gate.end()
    assert joined(events) == "Autre chose."


async def test_a_check_that_ends_early_is_a_check_that_failed() -> None:
    check = FakeAnswerCheck()
    check.ends_after = 1
    with pytest.raises(GuardrailsUnavailableError):
        await written("Un [1.1]. Deux [1.2].", check=check)


async def test_a_check_that_ends_before_the_model_is_a_check_that_failed() -> None:
    check = FakeAnswerCheck()
    check.ends_after = 1
    gate = make_gate(check)
    gate.feed("Un [1.1].")
    with pytest.raises(GuardrailsUnavailableError):
        await released(gate)


@pytest.mark.parametrize("unit_id", [0, 2, 99])
async def test_a_verdict_out_of_turn_releases_nothing(unit_id: int) -> None:
    check = FakeAnswerCheck(lambda unit: UnitVerdict(unit_id, "supported", "", ()))
    with pytest.raises(GuardrailsUnavailableError):
        await written("Un [1.1]. Deux [1.2].", check=check)


async def test_leaving_closes_the_check() -> None:
    check = FakeAnswerCheck(cited)
    gate = make_gate(check)
    gate.feed("Un [1.1].")
    events = gate.released()
    await anext(events)
    await events.aclose()
    assert check.closed.is_set()
