import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marianne_guardrails.evidence import Passage
from marianne_guardrails.grounding import Grounding, Unit
from marianne_guardrails.pii import is_card, is_iban, is_nir, leaked_pii, redact
from marianne_guardrails.verdicts import Reason
from marianne_language.citations import SentenceId


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Écrivez à jean.dupont+x@ofii.gouv.fr.", "Écrivez à <EMAIL>."),
        ("au 06 12 34 56 78", "au <PHONE>"),
        ("au 0612345678", "au <PHONE>"),
        ("au +33 (0)6 12 34 56 78", "au <PHONE>"),
        ("au +84 912 345 678", "au <PHONE>"),
        ("NIR 2 55 08 14 168 025 38", "NIR <NIR>"),
        ("NIR 184127645108946", "NIR <NIR>"),
        ("sur FR76 3000 6000 0112 3456 7890 189 svp", "sur <IBAN> svp"),
        ("sur GB82WEST12345698765432", "sur <IBAN>"),
        ("carte 4111 1111 1111 1111", "carte <CARD>"),
        ("mon numéro étranger est 7503123456", "mon numéro étranger est <AGDREF>"),
        ("mon passeport est le 12AB34567", "mon passeport est le <PASSPORT>"),
        ("hộ chiếu B1234567", "hộ chiếu <PASSPORT>"),
    ],
)
def test_personal_data_is_replaced_by_its_kind(text: str, redacted: str) -> None:
    assert redact(text).text == redacted


@pytest.mark.parametrize(
    "text",
    [
        "le 39 39, le 115, le 0 806 000 126, le 08 06 00 01 26 ou le 0800 123 456",
        "NIR 2 55 08 14 168 025 39",
        "FR76 3000 6000 0112 3456 7890 188",
        "carte 4111 1111 1111 1112",
        "le SIRET 732 829 320 00074",
        "le numéro 7503123456",
        "le dossier 12AB34567",
        "L. 423-23 du 12/05/2024, 1 500 000 euros, cerfa 15186*03",
        "https://www.service-public.fr/particuliers/vosdroits/F2231",
    ],
)
def test_what_only_looks_like_personal_data_stays(text: str) -> None:
    assert redact(text).text == text


def test_kinds_are_named_once_in_the_order_they_appear() -> None:
    assert redact("06 12 34 56 78, a@b.fr, 06 12 34 56 79").types == ("PHONE", "EMAIL")


def test_a_corsican_number_has_its_own_key() -> None:
    key = 97 - int("2550819168025") % 97

    assert is_nir(f"255082A168025{key:02}")
    assert not is_nir(f"255082B168025{key:02}")


@settings(deadline=None)
@given(st.integers(10**14, 10**15 - 1), st.integers(1, 9), st.integers(0, 14))
def test_one_wrong_digit_breaks_the_sum_of_a_card(number: int, change: int, place: int) -> None:
    digits = next(f"{number}{check}" for check in range(10) if is_card(f"{number}{check}"))
    wrong = f"{digits[:place]}{(int(digits[place]) + change) % 10}{digits[place + 1 :]}"

    assert not is_card(wrong)


def test_the_length_of_an_account_is_that_of_its_country() -> None:
    assert is_iban("BE68539007547034")
    assert not is_iban("FR68539007547034")


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Je suis née le 3 février 1990 à Lyon", "Je suis née le <BIRTH_DATE> à Lyon"),
        ("Date of birth: 04/05/1988.", "Date of birth: <BIRTH_DATE>."),
        ("Tôi sinh ngày 05/11/1992", "Tôi sinh ngày <BIRTH_DATE>"),
        ("J'habite 12 rue des Lilas, 69003 Lyon.", "J'habite <ADDRESS>."),
        ("au 4 quai de la Loire", "au <ADDRESS>"),
    ],
)
def test_birth_dates_and_addresses_are_replaced(text: str, redacted: str) -> None:
    assert redact(text).text == redacted


@pytest.mark.parametrize(
    "text",
    [
        "l'accord du 27 décembre 1968",
        "Mon contrat commence le 12/05/2025",
        "la rue de Rivoli",
        "le standard de la préfecture est le 01 44 55 66 77",
        "l'arrêté du 14 juin 2007 place de référence",
    ],
)
def test_a_date_of_law_and_a_public_number_stay(text: str) -> None:
    assert redact(text).text == text


def test_what_neither_question_nor_sources_tell_is_a_leak() -> None:
    answer = "Appelez le 06 12 34 56 78."

    assert leaked_pii(answer, ["La carte coûte 225 euros.", ""]) == {"PHONE"}
    assert not leaked_pii(answer, ["Téléphone : 06.12.34.56.78"])
    assert not leaked_pii("La carte coûte 225 euros.", [])


def test_an_answer_that_tells_personal_data_of_nobody_asked_is_withheld() -> None:
    sources = [Passage(1, ("La carte coûte 225 euros.", "Écrivez à Ana, 12 rue des Lilas, 69003 Lyon."))]
    grounding = Grounding(sources, "Mon numéro est le 2 55 08 14 168 025 38 ?")

    def reason(text: str) -> Reason | None:
        return grounding.check(Unit(1, text, (SentenceId(1, 2),))).reason

    assert reason("Bonjour 1 84 12 76 451 089 46 !") is Reason.PII_LEAK
    assert reason("Bonjour 2 55 08 14 168 025 38 !") is not Reason.PII_LEAK
    assert reason("Écrivez à Ana, 12 rue des Lilas, 69003 Lyon.") is None
