import pytest

from support.turns import detector


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Comment renouveler mon titre ?", "fr"),
        ("How do I renew it?", "en"),
        ("¿Cómo renuevo mi tarjeta de residencia?", "es"),
        ("Como posso renovar a minha autorização?", "pt"),
        ("Làm thế nào để gia hạn?", "vi"),
        ("كيف أجدد بطاقة الإقامة؟", "ar"),
    ],
)
def test_five_words_tell_the_language(question: str, language: str) -> None:
    assert detector().detect(question) == language
