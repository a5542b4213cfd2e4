"""What a claim may not change where it speaks of the same as its source."""

import pytest

from marianne_guardrails.evidence import Passage
from marianne_guardrails.grounding import Grounding, Unit, UnitVerdict
from marianne_guardrails.verdicts import Reason, Verdict
from marianne_language.citations import SentenceId


def check(source: str, claim: str, language: str = "fr", question: str = "") -> UnitVerdict:
    return Grounding([Passage(1, (source,))], question).check(Unit(1, claim, (SentenceId(1, 1),), language))


@pytest.mark.parametrize(
    ("source", "claim", "reason"),
    [
        ("La demande se fait à la mairie.", "Adressez-vous à la préfecture.", Reason.ACTOR),
        ("Le refus se conteste devant le tribunal administratif.", "Saisissez le tribunal judiciaire.", Reason.ACTOR),
        ("L'employeur demande l'autorisation.", "C'est au salarié de demander l'autorisation.", Reason.ACTOR),
        ("Le dossier est envoyé en ligne.", "Le dossier est envoyé à l'Ofpra.", Reason.UNSUPPORTED_ENTITY),
        ("L'AME couvre les soins.", "Le RSA couvre les soins.", Reason.UNSUPPORTED_ENTITY),
        ("Un visa est exigé.", "Le visa est facultatif.", Reason.PERMISSION),
        ("La banque ne peut pas refuser un client.", "La banque peut écarter un client.", Reason.PERMISSION),
        ("L'avocat n'est pas obligatoire.", "Vous devez prendre un avocat.", Reason.PERMISSION),
        ("L'agent peut demander un justificatif.", "L'agent doit demander un justificatif.", Reason.PERMISSION),
        ("La carte ne se renouvelle pas.", "La carte se renouvelle une fois.", Reason.CONTRADICTION),
        ("La carte se renouvelle.", "La carte ne se renouvelle pas.", Reason.CONTRADICTION),
        ("Le silence vaut refus de la demande.", "Le silence vaut acceptation de la demande.", Reason.CONTRADICTION),
        ("Certains soins attendent.", "Tous les soins attendent toujours.", Reason.QUANTIFIER),
        ("La demande se fait en ligne ou au guichet.", "La demande se fait uniquement en ligne.", Reason.RESTRICTION),
        ("Comptez 2 mois pour un ouvrier, 4 mois pour un cadre.", "Un cadre a 2 mois.", Reason.FACT_MISPLACED),
        ("Le délai est de 3 mois au plus.", "Le délai est de trois mois au minimum.", Reason.FACT_MISPLACED),
        (
            "Une carte de 10 ans après 3 ans de séjour.",
            "Après 10 ans de séjour, carte de 3 ans.",
            Reason.FACT_MISPLACED,
        ),
        ("Il a 18 ans et vit ici depuis au moins 5 ans.", "Il a au moins 18 ans.", Reason.FACT_MISPLACED),
        ("La prime est de 3 mois, l'aide de 6 mois.", "La prime est de six mois, l'aide de 3.", Reason.FACT_MISPLACED),
        (
            "L'allocation est due dès le deuxième enfant.",
            "L'allocation est due au premier enfant.",
            Reason.FACT_MISPLACED,
        ),
    ],
)
def test_a_claim_that_turns_its_source_around_is_withheld(source: str, claim: str, reason: Reason) -> None:
    assert (check(source, claim).verdict, check(source, claim).reason) == (Verdict.WITHHELD, reason)


@pytest.mark.parametrize(
    ("source", "claim"),
    [
        ("Le recours se forme devant le tribunal administratif.", "Le juge examine votre recours."),
        ("La demande se fait sur le site de l'ANEF.", "Faites la demande en ligne."),
        ("La préfecture reçoit la demande.", "Le préfet reçoit la demande."),
        ("L'AAH n'exige pas de titre.", "Personne n'exigera de titre."),
        ("L'avocat n'est pas obligatoire.", "Vous pouvez vous défendre sans avocat."),
        ("La carte ne vaut que pour un emploi.", "La carte vaut pour un emploi."),
        ("La carte ne se renouvelle pas.", "La carte vaut une seule fois, sans renouvellement."),
        ("Le délai est de 2 mois, ou 4 mois outre-mer.", "Vous avez deux mois pour agir."),
        ("Une carte de 10 ans après 3 ans de séjour.", "Après trois ans de séjour, une carte de dix ans."),
        ("La prime est de 10 %.", "La prime est d'un dixième."),
        ("La durée est de 90 jours.", "La durée est d'environ trois mois."),
        ("Les étrangers n'ont pas besoin de visa.", "Les étrangers se passent de visa."),
        ("Le loyer se paie chaque mois.", "Payez votre loyer, sans quoi vous risquez une dette."),
    ],
)
def test_another_wording_of_the_same_is_released(source: str, claim: str) -> None:
    assert check(source, claim).verdict is not Verdict.WITHHELD


@pytest.mark.parametrize(
    ("source", "claim"),
    [
        ("La carte vaut 9 mois, ou 12 mois pour un salarié.", "La carte vaut neuf mois, contre douze pour un salarié."),
        ("Le taux est de 60 %.", "Cela fait les trois cinquièmes."),
        ("Les allocations sont dues dès le deuxième enfant.", "Il faut avoir deux enfants."),
        ("Le recours est ouvert aux personnes d'au moins 20 ans.", "L'âge requis est vingt."),
        ("Payez 2 mois de loyer.", "Payez deux mensualités."),
    ],
)
def test_a_fact_may_be_told_in_another_form(source: str, claim: str) -> None:
    assert check(source, claim).verdict is not Verdict.WITHHELD


def test_a_body_that_the_user_named_may_be_named_again() -> None:
    source, claim = "La demande se fait en ligne.", "N'allez pas à la mairie, faites la demande en ligne."

    assert check(source, claim, question="Puis-je aller à la mairie ?").verdict is not Verdict.WITHHELD
    assert check(source, claim).reason is Reason.UNSUPPORTED_ENTITY


@pytest.mark.parametrize(
    ("claim", "language"),
    [
        ("Je comprends que ce soit difficile, regardons cela ensemble.", "fr"),
        ("Merci pour ces précisions !", "fr"),
        ("Of course, I am happy to help you.", "en"),
        ("¡Hola! Encantado de ayudarle.", "es"),
        ("Olá! Fico feliz em ajudar.", "pt"),
        ("Chào bạn, mình sẽ giúp bạn nhé!", "vi"),
        ("أهلا وسهلا بك.", "ar"),
    ],
)
def test_small_talk_claims_nothing(claim: str, language: str) -> None:
    assert Grounding([Passage(1, ("Payez.",))]).check(Unit(1, claim, (), language)).verdict is Verdict.NO_CLAIM


def test_a_claim_that_binds_and_reaches_as_its_source_is_supported() -> None:
    source = "Le salarié peut demander une traduction du contrat de travail."

    assert check(source, "Vous pouvez demander une traduction de ce contrat de travail.").verdict is Verdict.SUPPORTED
    assert check(source, "Vous avez toujours une traduction du contrat de travail.").verdict is Verdict.CITED
