from typing import Any

import pytest

from marianne_orchestrator.understanding import Registry, Understanding, on_subject
from support.ports import exchange, source
from support.turns import detector

RENEWAL = exchange("Comment renouveler mon titre de séjour ?")


@pytest.fixture(scope="module", name="registry")
def _registry() -> Registry:
    return Registry.load()


def entries(**parts: Any) -> dict[str, Any]:
    topics, intents = {"tax": {"fr": {2: "impôt"}}}, {"fact": {"fr": {2: "combien"}}}
    return {"topics": topics, "intents": intents, "follow_ups": {"anywhere": {"fr": {1: "cela"}}}} | parts


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("Comment déclarer mes impôts ?", "tax"),
        ("comment declarer mes impots", "tax"),
        ("Quel justificatif pour un taxi ?", "none"),
        ("La surtaxe du parking", "none"),
        ("J’ai reçu une OQTF", "immigration"),
        ("Mon récépissé expire demain", "immigration"),
        ("J'ai été licencié", "work"),
        ("Combien dure le préavis ?", "work"),
        ("What are the taxes I must pay?", "tax"),
        ("How do I renew my residence permit?", "immigration"),
        ("¿Dónde pido un permiso de residencia?", "immigration"),
        ("Como pedir o divórcio e o casamento?", "family"),
        ("Tôi muốn nhập quốc tịch Pháp", "nationality"),
        ("كيف أجدد بطاقة الإقامة", "immigration"),
        ("Quel temps fait-il ?", "none"),
    ],
)
def test_topics_are_told_by_whole_words(registry: Registry, question: str, topic: str) -> None:
    assert registry.understand(question, [], detector().detect(question)).topic == topic


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("Où est la préfecture ?", "locator"),
        ("où dois-je aller pour mon passeport", "locator"),
        ("Faut-il un CDI ou un CDD ?", "procedure"),
        ("Quels documents pour un passeport ou une carte d’identité ?", "procedure"),
        ("Combien coûte un timbre ?", "fact"),
        ("Can I appeal?", "legal"),
        ("Ai-je le droit de travailler ?", "legal"),
        ("How do I renew my card?", "procedure"),
        ("Mon passeport est perdu", "procedure"),
        ("Dites-moi tout.", "out_of_scope"),
        ("Bonjour !", "smalltalk"),
        ("xin chào", "smalltalk"),
    ],
)
def test_intents_are_told_by_their_words(registry: Registry, question: str, intent: str) -> None:
    assert registry.understand(question, [], detector().detect(question)).intent == intent


def test_a_greeting_with_a_topic_is_a_question(registry: Registry) -> None:
    understood = registry.understand(
        "Bonjour, mon titre de séjour expire.", [], detector().detect("Bonjour, mon titre de séjour expire.")
    )
    assert (understood.intent, understood.topic) == ("procedure", "immigration")


def test_a_question_without_history_is_searched_as_it_is(registry: Registry) -> None:
    assert (
        registry.understand("Et combien ça coûte ?", [], detector().detect("Et combien ça coûte ?")).query
        == "Et combien ça coûte ?"
    )


@pytest.mark.parametrize(
    "follow_up",
    [
        "Et combien ça coûte ?",
        "Quels documents faut-il ?",
        "And how much is it?",
        "Et si mon titre expire ?",
        "¿y cuánto?",
    ],
)
def test_a_follow_up_is_made_whole_and_keeps_the_topic(registry: Registry, follow_up: str) -> None:
    understood = registry.understand(follow_up, [RENEWAL], detector().detect(follow_up))
    assert understood.query == f"{RENEWAL.query} {follow_up}"
    assert understood.topic == "immigration"


@pytest.mark.parametrize(
    "question",
    [
        "Comment échanger mon permis de conduire ?",
        "Quels papiers pour un mariage et un PACS ?",
        "Con visado, ¿puedo trabajar?",
        "Je voudrais savoir quels papiers il me faut pour que ma mère vienne me voir cet été",
    ],
)
def test_a_question_of_its_own_is_left_alone(registry: Registry, question: str) -> None:
    assert registry.understand(question, [RENEWAL], detector().detect(question)).query == question


def test_thanks_do_not_lean_on_the_conversation(registry: Registry) -> None:
    assert registry.understand("merci", [RENEWAL], detector().detect("merci")) == Understanding(
        "smalltalk", "none", "merci"
    )


def test_among_as_many_hits_the_earlier_name_wins() -> None:
    registry = Registry(entries(topics={"work": {"fr": {2: "salaire"}}, "tax": {"fr": {2: "impôt"}}}))
    assert registry.understand("impôt sur le salaire", [], detector().detect("impôt sur le salaire")).topic == "work"
    assert registry.understand("salaire", [], detector().detect("salaire")).topic == "work"


def test_a_word_counts_once() -> None:
    registry = Registry(entries(topics={"tax": {"fr": {2: "impôt"}}, "work": {"fr": {2: "salaire, paie"}}}))
    assert (
        registry.understand(
            "impôt, impôt, impôt : ma paie, mon salaire",
            [],
            detector().detect("impôt, impôt, impôt : ma paie, mon salaire"),
        ).topic
        == "work"
    )


@pytest.mark.parametrize(("part", "name"), [("topics", "taxi"), ("intents", "chat")])
def test_an_unknown_name_is_refused_at_start(part: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"{part}: {name} is not known"):
        Registry(entries(**{part: {name: {"fr": {1: "mot"}}}}))


def test_a_known_topic_is_on_the_subject() -> None:
    assert on_subject("tax", "Quel impôt ?", [])


def test_without_a_topic_the_texts_must_speak_of_what_was_asked() -> None:
    found = [source(1, "La carte de bibliothèque est gratuite.")]
    assert on_subject("none", "Combien coûte la carte de bibliothèque ?", found)
    assert not on_subject("none", "Quelle recette pour une tarte aux pommes ?", found)
    assert not on_subject("none", "Combien coûte la carte de bibliothèque ?", [])


def test_a_question_without_words_is_off_the_subject() -> None:
    assert not on_subject("none", "???", [source(1, "Un texte.")])
