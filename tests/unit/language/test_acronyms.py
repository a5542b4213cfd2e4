import pytest

from marianne_language.acronyms import Acronyms, expand, find_definitions


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("J'ai reçu une OQTF", "obligation de quitter le territoire français"),
        ("mon vls-ts expire", "visa de long séjour valant titre de séjour"),
        ("le C.D.D. est fini", "contrat à durée déterminée"),
        ("la caf ne paie plus", "caisse d'allocations familiales"),
        ("les juges aux affaires familiales", "JAF"),
        ("Obligation de quitter le territoire", "OQTF"),
    ],
)
def test_acronyms_and_names_give_each_other(text: str, meaning: str) -> None:
    assert meaning in expand(text)


def test_an_acronym_may_have_several_meanings() -> None:
    assert {"carte de séjour pluriannuelle", "contrat de sécurisation professionnelle"} <= set(expand("la CSP"))


def test_a_word_in_small_letters_is_no_acronym() -> None:
    assert expand("how are you, ta vie est ici, je ne sais pas") == ()
    assert expand("l'ARE") == ("allocation d'aide au retour à l'emploi",)


def test_the_table_is_broad_and_each_meaning_stands_once() -> None:
    assert len(Acronyms([("ABC", "un deux trois"), ("ABC", "un deux trois")])) == 1
    assert expand("OQTF OQTF").count("obligation de quitter le territoire français") == 1


def test_definitions_in_a_text_are_learnt() -> None:
    text = (
        "L'Office français de l'immigration et de l'intégration (Ofii) convoque. Le pacte civil de solidarité (Pacs), "
        "le droit au logement opposable (DALO)."
    )

    assert find_definitions(text) == {
        "OFII": "Office français de l'immigration et de l'intégration",
        "PACS": "pacte civil de solidarité",
        "DALO": "droit au logement opposable",
    }


@pytest.mark.parametrize(
    "text",
    [
        "la carte de séjour (CDI)",
        "taux d'incapacité permanente (IPP)",
        "versée aux adultes handicapés (AAH)",
        "une personne (Algérie)",
        "(OFII)",
        "de la (D)",
        "Le délai est de 2 mois (article 3)",
    ],
)
def test_other_brackets_define_nothing(text: str) -> None:
    assert not find_definitions(text)


def test_learnt_definitions_make_a_table() -> None:
    learnt = Acronyms(find_definitions("La commission du titre de séjour (Comtis) ; la banque de France (BDF)").items())

    assert learnt.expand("refus de la BDF") == ("banque de France",)
