import pytest

from marianne_corpus.branches import branches_named, branches_of


@pytest.mark.parametrize(
    ("title", "branches"),
    [
        ("Quel préavis ? (convention collective 0016)", ("16",)),
        ("Quel préavis ? (Convention collective n° 1486)", ("1486",)),
        ("Qu'est-ce qu'une convention collective ?", ()),
        ("Quel préavis ?", ()),
    ],
)
def test_a_title_tells_the_branch_for_which_alone_it_answers(title: str, branches: tuple[str, ...]) -> None:
    assert branches_of(title) == branches


@pytest.mark.parametrize(
    ("question", "branches"),
    [
        ("travail de nuit syntec", ("1486",)),
        ("préavis IDCC 0016", ("16",)),
        ("période d'essai convention collective 1979", ("1979",)),
        ("ma convention collective prévoit quoi ?", ()),
        ("combien de jours de congés", ()),
    ],
)
def test_a_question_names_a_branch_by_number_or_name(question: str, branches: tuple[str, ...]) -> None:
    assert branches_named(question) == branches
