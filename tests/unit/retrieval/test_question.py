import pytest

from marianne_corpus.analyzer import Analyzer
from marianne_corpus.lexicon import Lexicon
from marianne_retrieval.question import QuestionReader

WORDS = {"licenciement": 90, "renouvellement": 40, "titre": 80, "sejour": 80, "permis": 20, "residence": 10}


@pytest.fixture
def reader() -> QuestionReader:
    reader = QuestionReader(Analyzer())
    reader.learn(Lexicon(WORDS, {}))
    return reader


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("renouvelement du titre de sejour", "renouvellement du titre de sejour"),
        ("licenciemnt", "licenciement"),
        ("licenciement", "licenciement"),
    ],
)
def test_a_slip_of_the_finger_is_read_as_the_word_that_was_meant(
    reader: QuestionReader, written: str, read: str
) -> None:
    assert reader.read(written).text == read


@pytest.mark.parametrize(
    "question",
    ["how do I renew my residence permit", "¿cómo renovar el permiso de residencia?", "كيف أجدد بطاقة الإقامة"],
)
def test_a_question_in_another_language_is_searched_in_french_too(reader: QuestionReader, question: str) -> None:
    wanted = set(Analyzer().query("titre de séjour").indices)
    assert wanted & set(reader.read(question).terms.indices)


def test_before_an_index_is_known_nothing_is_corrected() -> None:
    assert QuestionReader(Analyzer()).read("licenciemnt").text == "licenciemnt"


def test_a_long_question_is_corrected_all_the_same(reader: QuestionReader) -> None:
    assert reader.read("renouvelement " + "titre " * 300).text.startswith("renouvellement titre")


def test_a_branch_and_an_article_are_read_from_the_question(reader: QuestionReader) -> None:
    question = reader.read("préavis Syntec et article L. 423-23 du CESEDA")
    assert question.branches == ("1486",)
    assert question.references == (("L423-23", "ceseda"),)
