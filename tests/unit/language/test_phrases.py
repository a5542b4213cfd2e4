from marianne_language.phrases import Found, PhraseTable, flat_words, split_words


def test_the_longest_of_two_phrases_counts() -> None:
    table = PhraseTable([(("titre",), "title"), (("titre", "de", "sejour"), "permit")])

    assert list(table.find(["mon", "titre", "de", "sejour"])) == [Found(("permit",), 1, 4)]


def test_phrases_do_not_overlap() -> None:
    table = PhraseTable([(("a", "b"), 1), (("b", "c"), 2), (("c",), 3)])

    assert [found.values for found in table.find(["a", "b", "c"])] == [(1,), (3,)]


def test_a_phrase_may_have_several_values_each_once() -> None:
    table = PhraseTable([(("cra",), 1), (("cra",), 2), (("cra",), 1)])

    assert [found.values for found in table.find(["cra"])] == [(1, 2)]


def test_an_empty_phrase_is_never_found() -> None:
    assert not list(PhraseTable([((), "nothing")]).find(["word"]))


def test_a_dotted_acronym_is_one_word() -> None:
    assert split_words("l'O.Q.T.F. du 3 mai") == ["l", "OQTF", "du", "3", "mai"]


def test_composed_and_decomposed_letters_give_the_same_words() -> None:
    assert flat_words("e\u0301toile, cœur") == flat_words("Étoile coeur")
