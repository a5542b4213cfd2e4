import pytest

from marianne_guardrails.evidence import Passage
from marianne_guardrails.grounding import Grounding, Unit, UnitVerdict
from marianne_guardrails.verdicts import Reason, Verdict
from marianne_language.citations import SentenceId, parse_citations

PASSAGES = (
    Passage(
        1,
        (
            "## Délai",
            "Le recours est formé dans un délai de deux mois à compter de la notification, sauf urgence.",
            "Ce délai est porté à 4 mois si vous résidez à l'étranger.",
            "Vous devez fournir les documents suivants :",
            "- un passeport en cours de validité ;",
            "- 3 photographies d'identité ;",
            "Le titre de séjour coûte 225 euros.",
            "La demande est déposée en ligne depuis le 1er mars 2024.",
        ),
        "Contester un refus",
    ),
    Passage(
        2,
        (
            "La carte est valable un an.",
            "L'étranger mentionné à l'article L. 423-23 du CESEDA reçoit une carte.",
            "La redevance est de 1 500 euros par mois.",
            "Écrivez à contact@ofii.fr ou appelez le 39 39.",
        ),
        "CESEDA > Article L433-1",
    ),
)
QUESTION = "Je suis arrivé en mars 2021 et j'ai 30 ans. Que faire ?"


def check(written: str, language: str = "fr", passages: tuple[Passage, ...] = PASSAGES) -> UnitVerdict:
    """The verdict on a unit as a model writes it, marks included."""
    text, citations = parse_citations(written)
    return Grounding(passages, QUESTION).check(Unit(7, text, citations, language))


def ids(*written: str) -> tuple[SentenceId, ...]:
    return tuple(SentenceId.parse(id_) for id_ in written)


@pytest.mark.parametrize(
    ("written", "citations"),
    [
        ("Le titre de séjour coûte 225 euros [1.7].", ids("1.7")),
        ("LE TITRE DE SÉJOUR COÛTE 225 EUROS [1.7] !", ids("1.7")),
        ("- **Le titre de séjour** coûte 225\u00a0euros [1.7]", ids("1.7")),
        ("Le titre de séjour coûte 225 euros.", ids("1.7")),
        ("Le titre de séjour coûte 225 euros [1].", ids("1.7")),
        ("- Un passeport en cours de validité ; [1.5]", ids("1.5")),
        ("La carte est valable un an. La redevance est de 1 500 euros par mois. [2.1, 2.3]", ids("2.1", "2.3")),
        ("Vous devez fournir les documents suivants : 3 photographies d'identité [1.4, 1.6].", ids("1.4", "1.6")),
    ],
)
def test_what_stands_word_for_word_in_the_sources_is_quoted(written: str, citations: tuple[SentenceId, ...]) -> None:
    verdict = check(written)

    assert (verdict.verdict, verdict.reason, verdict.citations) == (Verdict.QUOTED, None, citations)


@pytest.mark.parametrize(
    "written",
    [
        "Le recours est formé dans un délai de deux mois à compter de la notification [1.2].",
        "Ce délai est porté à 4 mois [1.3].",
    ],
)
def test_a_sentence_that_lost_its_condition_is_neither_a_quotation_nor_supported(written: str) -> None:
    assert check(written).verdict is Verdict.CITED


def test_a_part_of_a_sentence_whose_rest_limits_nothing_is_a_quotation() -> None:
    assert check("L'article L. 423-23 du CESEDA reçoit une carte [2.2].").verdict is Verdict.QUOTED


@pytest.mark.parametrize(
    "written",
    [
        "Vous avez deux mois pour contester la décision [1.2].",
        "Le prix s'élève à 225 € [1.7].",
        "Joignez trois photos [1.6].",
        "Depuis mars 2024, tout se fait en ligne [1.8].",
        "Depuis 2024, tout se fait en ligne [1.8].",
        "C'est l'article L. 433-1 qui fixe la durée d'un an [2.1].",
        "Votre carte reste valable 12 mois [2.1].",
        "Composez le 3939 [2.4].",
        "La somme due chaque mois est de 1 500 € [2.3].",
        "On examine avec bienveillance votre situation [2.1].",
    ],
)
def test_facts_that_stand_in_the_cited_sentence_pass_whatever_the_wording(written: str) -> None:
    assert check(written).verdict in {Verdict.CITED, Verdict.SUPPORTED}


@pytest.mark.parametrize(
    ("written", "language"),
    [
        ("You have two months to appeal [1.2].", "en"),
        ("Bạn có hai tháng để khiếu nại [1.2].", "vi"),
        ("Tiene dos meses para recurrir [1.2].", "es"),
        ("Tem dois meses para recorrer [1.2].", "pt"),
        ("لديك شهران للطعن [1.2].", "ar"),
    ],
)
def test_facts_compare_across_languages(written: str, language: str) -> None:
    verdict = check(written, language)

    assert verdict.verdict is Verdict.CITED
    assert [(fact.kind, fact.value, fact.found) for fact in verdict.facts] == [("duration", "P2M", True)]


@pytest.mark.parametrize(
    ("written", "language"),
    [
        ("Vous avez trois mois pour contester [1.2].", "fr"),
        ("You have three months to appeal [1.2].", "en"),
        ("Bạn có ba tháng để khiếu nại [1.2].", "vi"),
        ("Le titre coûte 226 € [1.7].", "fr"),
        ("Le titre coûte 225 $ [1.7].", "fr"),
        ("La carte est valable deux ans [2.1].", "fr"),
        ("Depuis le 2 mars 2024, tout se fait en ligne [1.8].", "fr"),
        ("L'article L. 423-22 prévoit une carte [2.2].", "fr"),
        ("L'article L. 423-23 du code du travail prévoit une carte [2.2].", "fr"),
        ("Écrivez à contact@anef.fr [2.4].", "fr"),
        ("Voyez https://arnaque.fr/visa [2.4].", "fr"),
        ("Appelez le 36 46 [2.4].", "fr"),
        ("La redevance est de 1 500 euros par an [2.3].", "fr"),
        ("Il faut payer 20 % du prix [1.7].", "fr"),
    ],
)
def test_a_fact_that_stands_nowhere_is_withheld(written: str, language: str) -> None:
    verdict = check(written, language)

    assert (verdict.verdict, verdict.reason) == (Verdict.WITHHELD, Reason.UNSUPPORTED_FACT)
    assert verdict.citations
    assert not all(fact.found for fact in verdict.facts)


@pytest.mark.parametrize(
    "written",
    ["Vous avez 4 mois pour contester [1.2].", "Le titre coûte 225 € [2.1].", "La carte est valable deux mois [2.1]."],
)
def test_a_fact_that_stands_in_another_sentence_is_misplaced(written: str) -> None:
    assert check(written).reason is Reason.FACT_MISPLACED


@pytest.mark.parametrize(
    ("cited", "neighbour"),
    [
        ("- un justificatif ;", "Vous joignez 2 copies :"),
        ("Elle est renouvelable.", "La carte est valable 2 ans."),
        ("Ce délai est prolongé.", "Le délai est de 2 mois."),
    ],
)
def test_the_sentence_on_which_the_cited_one_leans_counts(cited: str, neighbour: str) -> None:
    value = neighbour.split("2 ")[1].rstrip(".: ")
    claim = f"Retenez bien ceci, 2 {value} en tout [1.2]."

    assert check(claim, passages=(Passage(1, (neighbour, cited)),)).verdict is not Verdict.WITHHELD
    assert check(claim, passages=(Passage(1, (neighbour, "Le préfet statue.")),)).reason is Reason.FACT_MISPLACED


def test_the_items_of_a_cited_lead_in_count() -> None:
    passage = Passage(1, ("Joignez :", "- 3 photos ;", "- un passeport.", "Payez 25 euros."))

    assert check("Il faut 3 photos avec le reste [1.1].", passages=(passage,)).verdict is Verdict.CITED
    assert check("Il faut 25 euros avec le reste [1.1].", passages=(passage,)).reason is Reason.FACT_MISPLACED


def test_only_the_headings_above_the_cited_sentence_count() -> None:
    passage = Passage(1, ("# Carte de 10 ans", "## Coût en 2024", "Payez.", "## Coût en 2025", "Payez bien."), "Titre")

    assert check("En 2025, la carte de 10 ans se paie [1.5].", passages=(passage,)).verdict is not Verdict.WITHHELD
    assert check("En 2024, la carte de 10 ans se paie [1.5].", passages=(passage,)).reason is Reason.FACT_MISPLACED


@pytest.mark.parametrize(
    ("written", "language"),
    [
        ("Bonjour,", "fr"),
        ("Hello!", "en"),
        ("Voici les étapes :", "fr"),
        ("Voici ce que vous devez fournir :", "fr"),
        ("---", "fr"),
        ("## Documents à fournir", "fr"),
        ("**Les pièces du dossier**", "fr"),
        ("Avez-vous déjà déposé une demande ?", "fr"),
        ("Les sources ne précisent pas le montant.", "fr"),
        ("The sources do not mention the fee.", "en"),
        ("N'hésitez pas à me poser d'autres questions.", "fr"),
        ("Vous avez indiqué être arrivé en mars 2021.", "fr"),
    ],
)
def test_what_asserts_nothing_needs_no_source(written: str, language: str) -> None:
    verdict = check(written, language)

    assert (verdict.verdict, verdict.citations) == (Verdict.NO_CLAIM, ())


@pytest.mark.parametrize(
    "written",
    [
        "Bonjour, la demande est gratuite.",
        "## La demande est gratuite",
        "Vous devez obligatoirement :",
        "Saviez-vous que la demande est gratuite ?",
        "Les sources ne le disent pas, mais la demande est gratuite.",
        "Les textes ne permettent pas au salarié de refuser.",
        "Voici les 12 étapes :",
        "Oui.",
        "Vous avez indiqué avoir 30 ans, vous pouvez donc demander la nationalité.",
        "Vous avez indiqué avoir 31 ans.",
        "Cela coûte 99 € [9.9].",
    ],
)
def test_a_claim_without_a_valid_source_is_withheld(written: str) -> None:
    verdict = check(written)

    assert (verdict.verdict, verdict.reason) == (Verdict.WITHHELD, Reason.NO_CITATION)


def test_a_claim_gets_the_one_source_that_tells_all_of_it() -> None:
    verdict = check("Le titre de séjour coûte donc 225 €.")

    assert (verdict.verdict, verdict.citations) == (Verdict.SUPPORTED, ids("1.7"))


def test_a_claim_that_two_sources_tell_alike_gets_none() -> None:
    passages = (Passage(1, ("Le titre de séjour coûte 225 euros.", "Ce titre de séjour coûte bien 225 euros.")),)

    assert check("Un titre de séjour vous coûte 225 euros.", passages=passages).reason is Reason.NO_CITATION


def test_the_same_sentence_in_two_passages_counts_as_one_source() -> None:
    passages = tuple(Passage(n, ("Le titre de séjour coûte 225 euros.",)) for n in (1, 2))

    assert check("Un titre de séjour coûte donc 225 €.", passages=passages).verdict is Verdict.SUPPORTED


def test_without_evidence_every_claim_is_withheld() -> None:
    assert check("Le titre coûte 225 € [1.7].", passages=()).reason is Reason.NO_EVIDENCE
    assert check("Bonjour,", passages=()).verdict is Verdict.NO_CLAIM


def test_valid_citations_are_kept_and_others_dropped() -> None:
    assert check("Le prix est de 225 € [1.7, 9.1, 1.99].").citations == ids("1.7")


def test_a_passage_cited_as_a_whole_is_narrowed_to_what_tells_the_fact() -> None:
    assert check("Le prix est de 225 € [1].").citations == ids("1.7")
    assert check("La demande se fait en ligne [1].").citations == ids("1.8")


@pytest.mark.parametrize(
    ("written", "verdict"),
    [
        ("Vous avez indiqué avoir 30 ans : le délai est de deux mois [1.2].", Verdict.CITED),
        ("À 30 ans, le délai est de deux mois [1.2].", Verdict.WITHHELD),
        ("Vous avez indiqué avoir 31 ans : le délai est de deux mois [1.2].", Verdict.WITHHELD),
    ],
)
def test_the_users_own_facts_may_only_be_repeated_as_theirs(written: str, verdict: Verdict) -> None:
    assert check(written).verdict is verdict


def test_what_the_user_told_is_read_in_the_language_of_the_answer() -> None:
    grounding = Grounding(PASSAGES, "I have been here for three years.")

    assert (
        grounding.check(Unit(1, "You said you have been here for three years.", (), "en")).verdict is Verdict.NO_CLAIM
    )


def test_each_fact_is_reported_with_whether_it_was_found() -> None:
    verdict = check("Le titre coûte 225 € et 3 timbres [1.7].")

    assert [(fact.kind, fact.value, fact.found) for fact in verdict.facts] == [
        ("amount", "225 EUR", True),
        ("number", "3", False),
    ]
    assert (verdict.id, verdict.reason) == (7, Reason.FACT_MISPLACED)


def test_neither_everything_nor_nothing_passes() -> None:
    verdicts = {check(text).verdict for text in ("La carte est valable un an [2.1].", "Elle vaut dix ans [2.1].")}

    assert verdicts == {Verdict.QUOTED, Verdict.WITHHELD}


def test_the_caption_of_an_article_speaks_with_its_sentences() -> None:
    passage = Passage(1, ("Code civil, article 144.", "Le mariage est possible dès 18 ans."))
    claim = "Selon l'article 144 du Code civil, on se marie dès 18 ans [1.2]."
    assert check(claim, passages=(passage,)).verdict is not Verdict.WITHHELD


def test_a_claim_may_count_the_items_that_it_lists() -> None:
    passage = Passage(1, ("Apportez :", "- un passeport ;", "- un visa ;", "- une photo."))
    claim = "Trois pièces sont à apporter : passeport, visa et photo [1.1][1.2][1.3][1.4]."
    assert check(claim, passages=(passage,)).verdict is not Verdict.WITHHELD
    wrong = check(claim.replace("Trois", "Sept"), passages=(passage,))
    assert wrong.reason is Reason.UNSUPPORTED_FACT


@pytest.mark.parametrize("written", ["Je vous détaille maintenant chaque pièce.", "Dites-moi où vous habitez."])
def test_what_is_done_next_in_the_talk_is_no_claim(written: str) -> None:
    assert check(written).verdict is Verdict.NO_CLAIM


@pytest.mark.parametrize("written", ["Je confirme que vous êtes français.", "Je vous inscris à la CAF demain."])
def test_a_claim_in_the_first_person_is_still_a_claim(written: str) -> None:
    assert check(written).verdict is Verdict.WITHHELD
