import re
from pathlib import Path
from typing import Any

import pytest

from marianne_orchestrator.emergencies import KINDS, Emergencies
from marianne_orchestrator.events import Degraded, Done, Token
from marianne_orchestrator.language_detection import LANGUAGES, Language
from marianne_orchestrator.records import Question
from marianne_orchestrator.sources import SourcesUnavailableError
from support.ports import FakeThreads
from support.turns import Rig, answer, of, one

NUMBERS = {
    "violence": {"17", "112", "114", "15", "3919", "115"},
    "suicide": {"3114", "15", "112", "114"},
    "child": {"119", "17", "112", "114", "15", "115"},
    "expulsion": {"115", "17", "112", "114", "15"},
    "detention": {"15", "17", "112", "114"},
}


@pytest.fixture(scope="module", name="emergencies")
def _emergencies() -> Emergencies:
    return Emergencies.load()


@pytest.mark.parametrize(
    ("message", "language", "kind"),
    [
        ("mon compagnon m'a encore frappée, je n'ai pas de papiers", "fr", "violence"),
        ("violences conjugales, quel titre ?", "fr", "violence"),
        ("My husband threatens to kill me", "en", "violence"),
        ("mi esposo me golpea", "es", "violence"),
        ("o meu companheiro bate-me", "pt", "violence"),
        ("chong toi danh toi", "vi", "violence"),
        ("chồng tôi đánh tôi", "vi", "violence"),
        ("خطيبي يهددني بالقتل", "ar", "violence"),
        ("je pense au suicide", "fr", "suicide"),
        ("I want to end my life", "en", "suicide"),
        ("tôi không muốn sống nữa", "vi", "suicide"),
        ("j'ai 15 ans et je dors dehors tout seul", "fr", "child"),
        ("mi hija desapareció ayer", "es", "child"),
        ("on nous expulse demain matin", "fr", "expulsion"),
        ("they will deport me tomorrow", "en", "expulsion"),
        ("mon cousin est en garde à vue", "fr", "detention"),
        ("a polícia levou meu irmão", "pt", "detention"),
        ("الشرطة أخذت أخي", "ar", "detention"),
    ],
)
def test_an_emergency_is_recognised(emergencies: Emergencies, message: str, language: Language, kind: str) -> None:
    assert kind in emergencies.recognise(message, language)


@pytest.mark.parametrize(
    ("message", "language"),
    [
        ("Combien de temps dure une garde à vue ?", "fr"),
        ("je suis morte de rire", "fr"),
        ("Comment tuer le temps à la préfecture ?", "fr"),
        ("Comment renouveler mon titre de séjour ?", "fr"),
        ("Quel préavis avant une expulsion locative ?", "fr"),
        ("I am dying to get my card", "en"),
        ("quiero acabar con mi contrato", "es"),
        ("bị đánh thuế hai lần", "vi"),
    ],
)
def test_an_ordinary_message_with_words_of_an_emergency_is_none(
    emergencies: Emergencies, message: str, language: Language
) -> None:
    assert emergencies.recognise(message, language) == ()


def test_the_most_pressing_kind_comes_first(emergencies: Emergencies) -> None:
    kinds = emergencies.recognise("mon mari est en garde à vue, il me frappe", "fr")
    assert kinds == ("violence", "detention")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_text_gives_exactly_its_numbers_and_the_date(emergencies: Emergencies, kind: Any, language: Language) -> None:
    text, date = emergencies.text(kind, language), re.compile(r"\d{4}-\d\d-\d\d")
    assert date.search(text)
    assert set(re.findall(r"\d+", date.sub("", text))) == NUMBERS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_french_signs_follow_a_space_that_does_not_break(emergencies: Emergencies, kind: Any) -> None:
    assert not re.search(r"[^\u00a0\u202f][:;?!»]|«[^\u00a0\u202f]", emergencies.text(kind, "fr"))


def entries(**parts: Any) -> dict[str, Any]:
    texts = {kind: dict.fromkeys(LANGUAGES, "…") for kind in KINDS}
    return {"kinds": {}, "groups": {}, "texts": texts, "source_date": "2026-01-31"} | parts


def test_a_kind_that_is_not_known_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="kinds: fire is not known"):
        Emergencies(entries(kinds={"fire": {"fr": "feu"}}))


def test_a_text_that_lacks_a_language_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="violence lacks ar, en, es, pt, vi"):
        Emergencies(entries(texts=entries()["texts"] | {"violence": {"fr": "…"}}))


VIOLENCE = Question(
    "Mon mari me frappe, puis-je garder mon titre de séjour ?", "thread-1", "message-1", new_thread=True
)


async def test_whom_to_call_is_said_before_the_legal_answer(tmp_path: Path) -> None:
    tokens = of(await Rig(tmp_path).run(VIOLENCE), Token)
    assert tokens[0].verdict == "fixed"
    assert "3919" in tokens[0].text
    assert any(token.verdict != "fixed" for token in tokens[1:])


async def test_whom_to_call_is_said_when_everything_else_is_down(tmp_path: Path) -> None:
    threads = FakeThreads()
    rig = Rig(tmp_path, threads=threads)
    threads.away = rig.input_check.away = True
    rig.finder.error = SourcesUnavailableError("retrieval")
    rig.finder.corpus_now = None
    events = await rig.run(VIOLENCE)
    assert "3919" in of(events, Token)[0].text
    assert {degraded.dependency for degraded in of(events, Degraded)} >= {"redis", "guardrails", "retrieval"}
    assert isinstance(events[-1], Done)


async def test_whom_to_call_is_said_to_a_message_that_the_checks_refuse(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.input_check.refused = ("frappe",)
    events = await rig.run(VIOLENCE)
    assert "3919" in of(events, Token)[0].text
    assert one(events, Done).finish_reason == "refused"


async def test_despair_is_not_told_to_be_off_the_subject(tmp_path: Path) -> None:
    events = await Rig(tmp_path).run(Question("I want to die", "thread-1", "message-1", new_thread=True))
    assert "3114" in answer(events)
    assert "outside what I know" not in answer(events)


async def test_no_word_of_an_emergency_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await Rig(tmp_path).run(VIOLENCE)
    assert "frappe" not in caplog.text
