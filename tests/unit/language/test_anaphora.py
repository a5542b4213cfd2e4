import pytest

from marianne_language.anaphora import leans_back


@pytest.mark.parametrize(
    "text",
    [
        "Ce délai court à partir de la notification.",
        "Dans ce cas, déposez une demande.",
        "Sauf si vous avez moins de 18 ans.",
        "**Cette carte** est gratuite.",
        "- Elle dure un an.",
        "Toutefois, le préfet peut refuser.",
        "À défaut, la demande est rejetée.",
        "Passé ce délai, il est trop tard.",
        "C'est gratuit.",
        "In this case, apply online.",
        "Unless you are a minor.",
        "It costs 225 euros.",
        "En este caso, pague la tasa.",
        "Neste caso, pague a taxa.",
        "Trong trường hợp này, bạn phải nộp đơn.",
        "Tuy nhiên, bạn phải trả phí.",
        "في هذه الحالة، يجب الدفع.",
    ],
)
def test_a_sentence_that_points_back_leans_on_the_one_before(text: str) -> None:
    assert leans_back(text)


@pytest.mark.parametrize(
    "text",
    [
        "La carte coûte 225 €.",
        "Il faut un passeport.",
        "Il est interdit de travailler.",
        "Il existe trois cartes.",
        "Centre des impôts : écrivez-leur.",
        "Enregistrez votre demande.",
        "Sauvegardez le récépissé.",
        "It is necessary to pay.",
        "Sonia dépose sa demande.",
        "Thời hạn là hai tháng.",
        "Estudiar exige un visado.",
        "",
        "…",
    ],
)
def test_a_sentence_with_its_own_subject_stands_alone(text: str) -> None:
    assert not leans_back(text)
