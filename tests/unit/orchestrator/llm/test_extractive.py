import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage

from marianne_orchestrator.llm.extractive import MAX_SENTENCES, ExtractiveModel, extract
from marianne_orchestrator.llm.prompting import NumberedPassage
from marianne_orchestrator.llm.units import points_back, units_of

# A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
CARD = NumberedPassage(
    1,
    "Renouveler une carte de séjour",
    (
        "Le titulaire d'une carte de séjour demande son renouvellement avant son expiration.",
        "La demande se dépose sur le site de l'ANEF.",
        "Les documents à fournir sont :",
        "- le passeport ;",
        "- un justificatif de domicile ;",
        "- une photo d'identité.",
        "Ces documents sont gardés en copie.",
        "La remise de la carte coûte 225 euros.",
    ),
)
LEAVE = NumberedPassage(
    2,
    "Congés payés",
    ("Le salarié acquiert 2,5 jours de congés par mois.", "L'employeur fixe les dates des congés."),
)
PASSAGES = (CARD, LEAVE)


def answer(question: str, *passages: NumberedPassage) -> str:
    return "".join(quote.lead + quote.text for quote in extract(question, passages or PASSAGES))


def test_the_first_sentence_answers() -> None:
    assert answer("Combien coûte le renouvellement de la carte ?").startswith("La remise de la carte coûte 225")
    assert answer("Combien de jours de congés payés par mois ?").startswith("Le salarié acquiert 2,5 jours")


def test_an_article_that_is_asked_for_is_quoted_and_nothing_else() -> None:
    asked = NumberedPassage(1, "Code civil, article 21-2", ("L'étranger acquiert la nationalité par déclaration.",))
    other = NumberedPassage(2, "Code civil, article 21-25", ("L'article 21-2 du code civil fixe un délai de 4 ans.",))

    assert answer("article 21-2 du code civil", asked, other) == (
        "L'étranger acquiert la nationalité par déclaration. [1.1]"
    )


def test_a_list_keeps_its_lead_in_and_a_line_for_each_item() -> None:
    assert (
        "Les documents à fournir sont : [1.3]\n"
        "- le passeport ; [1.4]\n"
        "- un justificatif de domicile ; [1.5]\n"
        "- une photo d'identité. [1.6]"
    ) in answer("Quels documents fournir ?")


def test_what_follows_a_list_begins_a_paragraph() -> None:
    quotes = {str(quote.id): quote for quote in extract("Quels documents sont gardés en copie ?", PASSAGES)}

    assert quotes["1.4"].lead == "\n"
    assert quotes["1.7"].lead == "\n\n"


def test_neighbours_share_a_line_and_others_do_not() -> None:
    sentences = ("La carte bleue dure.", "La carte bleue coûte.", "Fin.", "La carte bleue expire.")
    passage = NumberedPassage(1, "Carte", sentences)

    assert answer("La carte bleue ?", passage) == (
        "La carte bleue dure. [1.1] La carte bleue coûte. [1.2]\nLa carte bleue expire. [1.4]"
    )


def test_a_blank_line_stands_between_passages() -> None:
    other = NumberedPassage(2, "Carte", ("Le prix de la carte talent est fixe.",))
    one = NumberedPassage(1, "Carte", ("La carte talent a un prix.",))

    assert "]\n\n" in answer("Quel est le prix de la carte talent ?", one, other)


def test_what_says_the_same_is_said_once() -> None:
    same = NumberedPassage(2, CARD.title, CARD.sentences)

    assert answer("Combien coûte la carte ?", CARD, same).count("225 euros") == 1


def test_another_document_is_quoted_only_when_it_comes_close() -> None:
    assert "[2." not in answer("Combien coûte le renouvellement de la carte de séjour ?")


def test_a_question_in_words_that_no_source_has_is_answered_from_the_first_passage() -> None:
    assert answer("How do I renew my permit?").startswith("Le titulaire d'une carte de séjour")


def test_a_sentence_of_more_than_600_characters_is_avoided_when_another_answers() -> None:
    long = "La carte de séjour coûte " + "très " * 130 + "cher."
    passage = NumberedPassage(1, "Carte", (long, "La carte de séjour coûte 225 euros."))

    assert answer("Combien coûte la carte de séjour ?", passage) == "La carte de séjour coûte 225 euros. [1.2]"
    assert answer("Combien coûte la carte ?", NumberedPassage(1, "Carte", (long,))) == f"{long} [1.1]"


@pytest.mark.parametrize("passages", [(), (NumberedPassage(1, "Carte", ("Il est court.", "Joindre :")),)])
def test_nothing_is_quoted_when_nothing_can_stand_by_itself(passages: tuple[NumberedPassage, ...]) -> None:
    assert extract("Quel délai ?", passages) == []


def test_the_same_question_has_the_same_answer() -> None:
    assert {answer("Quels documents fournir pour la carte ?") for _ in range(5)} == {
        answer("Quels documents fournir pour la carte ?")
    }


SENTENCES = st.sampled_from([*CARD.sentences, *LEAVE.sentences, "Il est court.", "Qui ?", "Le coût", "x" * 700, ""])
MIXED = st.lists(st.lists(SENTENCES, max_size=10), max_size=5).map(
    lambda texts: [NumberedPassage(n, "Carte", tuple(text)) for n, text in enumerate(texts, start=1)]
)


@UNHURRIED
@given(MIXED, st.sampled_from(["Combien coûte la carte ?", "Quels documents ?", "congés", ""]))
def test_every_quote_stands_in_its_source_and_no_more_than_eight_sentences_are_quoted(
    passages: list[NumberedPassage], question: str
) -> None:
    quotes = extract(question, passages)

    for quote in quotes:
        assert passages[quote.id.passage - 1].sentences[quote.id.sentence - 1] == quote.sentence
        assert not quote.lead.strip()
    assert len({quote.id for quote in quotes}) == len(quotes)
    items = {(p.number, index + 1) for p in passages for unit in units_of(p.sentences) for index in unit.items}
    assert sum((quote.id.passage, quote.id.sentence) not in items for quote in quotes) <= MAX_SENTENCES
    first_of_each = {quote.id.passage: quote for quote in reversed(quotes)}.values()
    assert not any(points_back(quote.sentence) for quote in first_of_each)


@UNHURRIED
@given(MIXED)
def test_passages_are_quoted_one_after_the_other_in_reading_order(passages: list[NumberedPassage]) -> None:
    ids = [quote.id for quote in extract("Combien coûte la carte ?", passages)]

    order = list(dict.fromkeys(quote_id.passage for quote_id in ids))
    assert ids == sorted(ids, key=lambda quote_id: (order.index(quote_id.passage), quote_id.sentence))


async def test_the_model_gives_one_chunk_a_sentence() -> None:
    message = HumanMessage("x", additional_kwargs={"passages": list(PASSAGES), "question": "Quels documents fournir ?"})
    model = ExtractiveModel()

    chunks = [str(chunk.content) async for chunk in model.astream([message]) if chunk.content]

    assert all(re.fullmatch(r"\s*\S.* \[\d+\.\d+\]", chunk) for chunk in chunks)
    assert "".join(chunks) == answer("Quels documents fournir ?") == (await model.ainvoke([message])).content


async def test_the_model_says_nothing_without_passages() -> None:
    message = HumanMessage("x", additional_kwargs={"passages": [], "question": "x"})

    assert "".join([str(chunk.content) async for chunk in ExtractiveModel().astream([message])]) == ""
