import pytest
from hypothesis import given
from hypothesis import strategies as st

from marianne_language.values import find_values, implied


def facts(text: str, language: str = "fr") -> list[str]:
    return [f"{found.kind} {found.value}" for found in find_values(text, language)]


def durations(text: str, language: str = "fr") -> list[str]:
    return [found.value for found in find_values(text, language) if found.kind == "duration"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("un an", "P12M"),
        ("12 mois", "P12M"),
        ("deux (2) mois", "P2M"),
        ("48 h", "P2D"),
        ("2 jours", "P2D"),
        ("36 heures", "PT36H"),
        ("1h30", "PT90M"),
        ("une demi-heure", "PT30M"),
        ("six semaines", "P42D"),
        ("une quinzaine de jours", "P15D"),
        ("un an et demi", "P18M"),
        ("les trois premiers mois", "P3M"),
        ("quatre-vingt-dix jours", "P90D"),
        ("cent vingt jours", "P120D"),
        ("vingt et un ans", "P252M"),
        ("2,5 jours", "PT60H"),
        ("une trentaine de jours", "P30D"),
        ("une carte décennale", "P120M"),
        ("agissez dans le trimestre", "P3M"),
    ],
)
def test_durations_compare_whatever_their_unit_and_spelling(text: str, value: str) -> None:
    assert set(durations(text)) == {value}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("deux à quatre mois", ["P2M", "P4M"]),
        ("de 18 à 25 ans", ["P216M", "P300M"]),
        ("10-15 jours", ["P10D", "P15D"]),
        ("entre 2 et 4 mois", ["P2M", "P4M"]),
        ("deux ou trois semaines", ["P14D", "P21D"]),
    ],
)
def test_both_ends_of_a_range_have_its_unit(text: str, values: list[str]) -> None:
    assert durations(text) == values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("par mois", "R/P1M"),
        ("100 €/mois", "R/P1M"),
        ("une somme mensuelle", "R/P1M"),
        ("35 heures hebdomadaires", "R/P7D"),
        ("tous les deux ans", "R/P24M"),
        ("chaque année", "R/P12M"),
    ],
)
def test_a_repetition_is_told_apart_from_a_duration(text: str, value: str) -> None:
    assert value in durations(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("225 €", "225 EUR"),
        ("225\u00a0euros", "225 EUR"),
        ("€225", "225 EUR"),
        ("225,00 EUR", "225 EUR"),
        ("1 500,50 euros", "1500.5 EUR"),
        ("1\u202f500 euros", "1500 EUR"),
        ("1.500 euros", "1500 EUR"),
        ("deux cent mille euros", "200000 EUR"),
        ("1,5 million d'euros", "1500000 EUR"),
        ("50 centimes", "0.5 EUR"),
        ("100 dollars", "100 USD"),
    ],
)
def test_amounts_compare_whatever_their_writing(text: str, value: str) -> None:
    assert facts(text) == [f"amount {value}"]


def test_both_ends_of_a_range_of_amounts_have_the_currency() -> None:
    assert facts("de 200 à 300 €") == ["amount 200 EUR", "amount 300 EUR"]


@pytest.mark.parametrize(
    ("text", "value"), [("12,5 %", "12.5"), ("vingt pour cent", "20"), ("97\u00a0%", "97"), ("20 percent", "20")]
)
def test_percentages(text: str, value: str) -> None:
    assert facts(text) == [f"percentage {value}"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("le 1er janvier 2024", ["2024-01-01"]),
        ("le 12/05/2024", ["2024-05-12"]),
        ("2024-05-12", ["2024-05-12"]),
        ("en mai 2024", ["2024-05"]),
        ("avant le 31 mars", ["--03-31"]),
        ("du 1er au 15 mars 2024", ["2024-03-01", "2024-03-15"]),
    ],
)
def test_dates(text: str, values: list[str]) -> None:
    assert facts(text) == [f"date {value}" for value in values]


def test_a_day_that_no_month_has_is_no_date() -> None:
    assert facts("le 45/13/2024") == ["number 45", "number 13", "number 2024"]


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("au 01 23 45 67 89", "phone 0123456789"),
        ("au +33 (0)1 23 45 67 89", "phone 0123456789"),
        ("au 39 39", "phone 3939"),
        ("au 0 806 000 126", "phone 0806000126"),
        ("à Contact@OFII.fr.", "email contact@ofii.fr"),
        ("sur https://www.Service-Public.fr/x/F2231.", "url service-public.fr/x/F2231"),
        ("sur ants.gouv.fr,", "url ants.gouv.fr"),
        ("l'art. L. 423-23 du CESEDA", "article L423-23"),
        ("la loi n° 2016-274", "number 2016-274"),
        ("le cerfa 15186*03", "number 15186*03"),
        ("le niveau A2", "number A2"),
        ("la 2e demande", "number 2°"),
        ("les deux tiers", "number 2/3"),
        ("trente enfants", "number 30"),
        ("1 500 000 habitants", "number 1500000"),
    ],
)
def test_other_facts(text: str, fact: str) -> None:
    assert facts(text) == [fact]


@pytest.mark.parametrize(
    "text",
    [
        "Deux mois",
        "1. Déposer la demande",
        "- 2) Payer",
        "Le délai court [1.2, 3.1].",
        "l'un des parents",
        "les deux parents",
        "un logement neuf",
        "un jour férié",
        "une année scolaire",
        "trois cas sont possibles",
        "en premier lieu",
        "la première demande",
        "tu es si gentil",
    ],
)
def test_numbering_marks_and_idioms_are_no_numbers(text: str) -> None:
    assert [fact for fact in facts(text) if fact.startswith("number")] == []


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "two months, twenty-one days", ["duration P2M", "duration P21D"]),
        ("en", "two and a half years, within a month", ["duration P30M", "duration P1M"]),
        ("en", "1,500.50 euros or €1,500", ["amount 1500.5 EUR", "amount 1500 EUR"]),
        ("en", "May 12, 2024 or 12 May 2024", ["date 2024-05-12", "date 2024-05-12"]),
        ("en", "you may apply 12 times", ["number 12"]),
        ("es", "dos meses, 15 días, treinta y un días", ["duration P2M", "duration P15D", "duration P31D"]),
        ("es", "12 de mayo de 2024, 1.500,50 euros", ["date 2024-05-12", "amount 1500.5 EUR"]),
        ("pt", "dois meses, três anos, 20 por cento", ["duration P2M", "duration P36M", "percentage 20"]),
        ("pt", "12 de março de 2024", ["date 2024-03-12"]),
        ("vi", "hai tháng, năm năm, hai mươi lăm ngày", ["duration P2M", "duration P60M", "duration P25D"]),
        ("vi", "ngày 12 tháng 5 năm 2024, năm 2024", ["date 2024-05-12", "number 2024"]),
        ("vi", "3 tháng, tháng 5 năm 2024, 20 phần trăm", ["duration P3M", "date 2024-05", "percentage 20"]),
        ("ar", "شهرين، 3 أشهر، سنة واحدة", ["duration P2M", "duration P3M", "duration P12M"]),
        ("ar", "خمسة عشر يوما، ٢٠ يورو", ["duration P15D", "amount 20 EUR"]),
        ("ar", "12 مايو 2024، 20 في المئة", ["date 2024-05-12", "percentage 20"]),
        ("de", "3 mois, 225 €", ["duration P3M", "amount 225 EUR"]),
    ],
)
def test_values_are_the_same_in_every_language(language: str, text: str, expected: list[str]) -> None:
    assert facts(text, language) == expected


def test_positions_and_words_are_those_of_the_text() -> None:
    text = "Vous avez deux mois et 225 € à payer."

    assert [(found.text, text[found.start : found.end]) for found in find_values(text)] == [
        ("deux mois", "deux mois"),
        ("225 €", "225 €"),
    ]


def test_decomposed_accents_change_nothing() -> None:
    assert facts("le 12 fe\u0301vrier 2024") == ["date 2024-02-12"]


@given(st.integers(0, 999_999_999))
def test_a_number_is_the_same_with_and_without_separators(number: int) -> None:
    writings = [
        f"{number} dossiers",
        f"{number:,} dossiers".replace(",", " "),
        f"{number:,} dossiers".replace(",", "."),
    ]

    assert {tuple(facts(text)) for text in writings} == {(f"number {number}",)}


@given(st.integers(1, 120))
def test_years_and_months_compare(years: int) -> None:
    assert durations(f"{years} ans") == durations(f"{12 * years} mois")


@given(st.text(max_size=80), st.sampled_from(["fr", "en", "vi", "es", "pt", "ar", "de", ""]))
def test_any_text_can_be_read(text: str, language: str) -> None:
    for found in find_values(text, language):
        assert found.start < found.end


def test_a_whole_date_tells_its_month_and_year() -> None:
    assert set(implied("date", "2024-01-05")) == {
        ("date", "2024-01-05"),
        ("date", "2024-01"),
        ("date", "--01-05"),
        ("number", "2024"),
    }
    assert set(implied("date", "--01-05")) == {("date", "--01-05")}


def test_an_address_tells_its_host_and_a_short_number_can_be_called() -> None:
    assert ("url", "a.fr") in implied("url", "a.fr/x")
    assert ("phone", "3939") in implied("number", "3939")


@pytest.mark.parametrize(
    ("text", "value"), [("un quart de mois", "1/4"), ("un cinquième du salaire", "1/5"), ("deux tiers", "2/3")]
)
def test_a_part_is_a_fraction(text: str, value: str) -> None:
    assert facts(text) == [f"number {value}"]


def test_a_rank_after_an_article_is_no_fraction() -> None:
    assert facts("un cinquième enfant") == []
