from marianne_language.words import content_words


def test_function_words_carry_no_content() -> None:
    assert content_words("Vous pouvez le faire dans les deux mois") == content_words("pouvez faire deux mois")


def test_number_and_gender_do_not_count() -> None:
    assert content_words("titres délivrés") == content_words("titre délivré")
