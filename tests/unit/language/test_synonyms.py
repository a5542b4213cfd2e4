import pytest

from marianne_language.synonyms import Synonyms, related


@pytest.mark.parametrize(
    ("text", "official"),
    [
        ("mon patron m'a viré", "licenciement"),
        ("mon patron m'a viré", "employeur"),
        ("je bosse au black", "travail dissimulé"),
        ("le proprio garde la caution", "dépôt de garantie"),
        ("je suis sans-papiers", "séjour irrégulier"),
        ("congé mat", "congé de maternité"),
    ],
)
def test_everyday_words_bring_the_official_ones(text: str, official: str) -> None:
    assert 0 < related(text)[official] < 1


def test_official_words_bring_each_other_but_no_everyday_word() -> None:
    synonyms = Synonyms([("0.5", "paye", "salaire | rémunération")])

    assert synonyms.related("mon salaire") == {"rémunération": 0.5}


def test_small_words_make_a_difference() -> None:
    assert "séjour irrégulier" not in related("où sont mes papiers")


def test_words_of_the_question_are_not_brought_again() -> None:
    assert Synonyms([("0.5", "viré", "licenciement")]).related("viré, mon licenciement") == {}


def test_the_strongest_relation_counts() -> None:
    synonyms = Synonyms([("0.2", "taf", "travail"), ("0.6", "boulot", "travail")])

    assert synonyms.related("taf boulot") == {"travail": 0.6}


@pytest.mark.parametrize("row", [("1", "a", "b"), ("0", "a", "b"), ("0.5", "a", "")])
def test_a_wrong_group_is_told(row: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match="weight between 0 and 1"):
        Synonyms([row])
