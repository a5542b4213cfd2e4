import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marianne_orchestrator.llm.units import MAX_LIST_ITEMS, Unit, points_back, units_of

# A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def indices(*sentences: str) -> list[tuple[int, ...]]:
    return [unit.indices for unit in units_of(sentences)]


def test_a_sentence_that_stands_by_itself_is_a_unit() -> None:
    assert indices("La carte dure un an.", "La demande est gratuite.") == [(0,), (1,)]


def test_a_sentence_that_points_back_brings_what_it_points_to() -> None:
    assert indices("La carte dure un an.", "Elle est renouvelable.", "Ce délai est fixe.") == [(0,), (0, 1), (0, 1, 2)]


def test_a_sentence_that_points_to_nothing_is_no_unit() -> None:
    assert indices("Dans ce cas, le préfet répond.", "La demande est gratuite.") == [(1,)]


def test_a_sentence_after_an_incomplete_one_may_not_point_to_it() -> None:
    assert indices("un justificatif de domicile ;", "Il doit être récent.", "La carte dure un an.") == [(2,)]


def test_a_sentence_may_point_to_its_heading() -> None:
    assert units_of(("En cas de refus", "Il faut saisir le juge.", "Cela est gratuit.")) == [
        Unit((1,), "En cas de refus"),
        Unit((1, 2), "En cas de refus"),
    ]
    assert indices("Que faire en cas de refus ?", "Dans ce cas, saisissez le juge.") == [(0, 1)]


@pytest.mark.parametrize(
    "heading",
    [
        "Qui est concerné ?",
        "## Le coût",
        "Avis de recrutement",
        "Comment faire la demande, et à quel moment de l'année.",
    ],
)
def test_headings_and_named_questions_are_no_units(heading: str) -> None:
    assert units_of((heading, "La carte dure un an.")) == [Unit((1,), heading)]


def test_a_text_that_speaks_of_itself_is_no_unit() -> None:
    assert indices("La carte dure un an.", "Cette fiche explique la démarche.") == [(0,)]


@pytest.mark.parametrize(
    "items",
    [
        ("- le passeport ;", "- une photo."),
        ("le passeport ;", "une photo."),
        ("Passeport", "Photo d'identité"),
        ("1° Aux salariés ;", "2° Aux étudiants."),
        ("a) Le passeport", "b) La photo"),
        ("- le passeport :", "- sa première page ;", "- son visa."),
    ],
)
def test_a_list_is_one_unit_with_its_lead_in(items: tuple[str, ...]) -> None:
    whole = tuple(range(len(items) + 1))

    assert units_of(("Le dossier comprend :", *items)) == [Unit(whole, "", whole[1:])]


def test_what_follows_a_list_is_not_in_it() -> None:
    assert indices("Le dossier comprend :", "- le passeport ;", "- une photo.", "Le coût est de 9 euros.") == [
        (0, 1, 2),
        (3,),
    ]
    assert indices("Fournir :", "le passeport,", "ou un visa.", "Comment faire ?", "La demande est gratuite.") == [
        (0, 1, 2),
        (4,),
    ]


def test_a_sentence_that_points_to_a_list_brings_it_whole() -> None:
    assert units_of(("Joindre :", "- un visa.", "Ces documents sont traduits."))[-1] == Unit((0, 1, 2), "", (1,))


def test_what_follows_a_colon_is_its_list_even_when_it_is_one_sentence() -> None:
    assert indices("Attention :", "Le délai est court.", "La demande est gratuite.") == [(0, 1), (2,)]


@pytest.mark.parametrize("after", [(), ("## Le coût",), ("Combien coûte la carte ?",)])
def test_a_lead_in_without_list_is_no_unit(after: tuple[str, ...]) -> None:
    assert indices("Le dossier comprend :", *after) == []


def test_items_without_lead_in_are_no_units() -> None:
    assert indices("- une photo ;", "un justificatif de domicile,", "2° Aux étudiants.") == []


def test_a_list_too_long_to_quote_is_no_unit() -> None:
    assert indices("Le dossier comprend :", *["- une pièce ;"] * (MAX_LIST_ITEMS + 1)) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Il doit être récent.", "Elle est gratuite.", "Ce délai court.", "Cet avis compte.", "C'est le préfet.",
        "Celui-ci répond.", "Dans ce cas, attendez.", "Toutefois, un délai court.", "À défaut, elle est rejetée.",
        "En revanche, le visa suffit.", "Son montant varie.", "« Il » est d'usage.", "Sinon, saisissez le juge.",
    ],
)  # fmt: skip
def test_words_that_point_back_are_known(sentence: str) -> None:
    assert points_back(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Il est possible de payer en ligne.", "Il faut un timbre.", "Il n'existe pas de recours.",
        "Il n'est pas nécessaire de venir.", "La carte dure un an.", "Sont exclus les mineurs.",
        "Les deux époux signent.", "Île-de-France : oui.", "Ouvrir un compte est un droit.",
    ],
)  # fmt: skip
def test_other_openings_stand_by_themselves(sentence: str) -> None:
    assert not points_back(sentence)


PIECES = st.sampled_from(
    [
        "La carte dure un an.",
        "Il est court.",
        "Joindre :",
        "- une photo ;",
        "un visa,",
        "Le coût",
        "Où ?",
        "",
        "## A",
        "x",
    ]
)


@UNHURRIED
@given(st.lists(PIECES, max_size=12))
def test_a_unit_is_in_order_and_never_begins_by_pointing_back(sentences: list[str]) -> None:
    for unit in units_of(sentences):
        assert list(unit.indices) == sorted(set(unit.indices))
        assert set(unit.items) <= set(unit.indices)
        assert not points_back(sentences[unit.indices[0]])
        assert not sentences[unit.indices[-1]].endswith(":")
