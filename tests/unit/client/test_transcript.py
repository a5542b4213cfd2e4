from collections.abc import Sequence
from typing import Any

import pytest

from marianne_client.events import (
    Clarification,
    ClarifyingQuestion,
    Corpus,
    Degraded,
    Done,
    Event,
    Meta,
    Source,
    Sources,
    Status,
    Token,
    Usage,
    Withheld,
)
from marianne_client.transcript import Transcript

DONE = Done("stop", Usage(0, 0), {}, {})


def begun(language: str = "fr") -> Meta:
    return Meta("t_1", "m_1", "ab" * 16, True, "extractive", language, "new", True, Corpus("sample", None))


def source(n: int, **fields: Any) -> Source:
    defaults: dict[str, Any] = {
        "id": f"chunk-{n}",
        "title": f"Texte {n}",
        "context": (),
        "url": f"https://example.org/{n}",
        "dataset": "service-public",
        "official": True,
        "status": "",
        "start_date": None,
        "end_date": None,
        "updated_at": None,
        "snapshot_at": None,
        "lang": "fr",
        "sentences": ("Une phrase.",),
        "score": 1.0,
    }
    return Source(n=n, **(defaults | fields))


def printed(*events: Event, styled: bool = False) -> str:
    transcript = Transcript(styled=styled)
    return "".join(transcript.say(event) for event in events)


def tokens(*texts: str) -> Sequence[Token]:
    return [Token(text, "fr", ("1.1",), "supported") for text in texts]


def test_an_answer_reads_like_a_text_with_its_sources_below() -> None:
    dated = source(2, title="Un article", dataset="legi", status="VIGUEUR", start_date="2021-05-01")

    text = printed(
        begun(),
        Status("answering"),
        Sources((source(1, updated_at="2026-10-01"), dated)),
        Token("Une phrase. ", "fr", ("1.1", "2.1"), "supported"),
        Token("Une autre.\n", "fr", (), "no_claim"),
        DONE,
    )

    assert text == (
        "Une phrase. [1.1] [2.1] Une autre.\n"
        "\n"
        "Sources\n"
        "1. Texte 1 (service-public, mis à jour le 2026-10-01)\n"
        "   https://example.org/1\n"
        "2. Un article (legi, vigueur, depuis le 2021-05-01)\n"
        "   https://example.org/2\n"
        "\n"
        f"Trace\N{NO-BREAK SPACE}: {'ab' * 16}\n"
    )


def test_each_sentence_is_printed_when_it_comes() -> None:
    transcript = Transcript(styled=False)

    assert [transcript.say(token) for token in tokens("Un. ", "Deux.")] == ["Un. [1.1] ", "Deux. [1.1]"]


def test_notices_stand_between_the_answer_and_the_sources() -> None:
    text = printed(
        begun(),
        Degraded("rerank", "Classé moins finement."),
        Sources((source(1, official=False),)),
        *tokens("Un."),
        DONE,
    )

    assert text.split("\n")[:5] == [
        "Un. [1.1]",
        "",
        "Classé moins finement.",
        "Exemple rédigé pour la démonstration, non officiel.",
        "",
    ]


def test_a_withheld_sentence_is_told_and_what_stands_in_its_place() -> None:
    replacing = Token("Tel quel.", "fr", ("1.1",), "quoted", replaces="contradiction")

    text = printed(begun(), Withheld("contradiction"), replacing, DONE)

    assert "Tel quel. [1.1] (texte de la source, à la place d’une phrase que Marianne n’a pas pu vérifier)\n" in text
    assert "Phrases retenues, faute d’avoir pu être vérifiées\N{NO-BREAK SPACE}: 1." in text


def test_a_question_back_is_printed_with_its_choices() -> None:
    asked = ClarifyingQuestion("s", "Lequel ?", "Cela change tout.", ("Un", "Deux"))

    text = printed(begun(), Clarification((asked,)), DONE)

    assert text.startswith("\nLequel ?\n  Cela change tout.\n  - Un\n  - Deux\n")


@pytest.mark.parametrize(("language", "word"), [("fr", "mis à jour"), ("en", "updated"), ("vi", "updated")])
def test_labels_are_french_for_french_answers_and_english_for_others(language: str, word: str) -> None:
    text = printed(begun(language), Sources((source(1, updated_at="2026-10-01"),)), DONE)

    assert f"{word} " in text


def test_escape_sequences_of_others_do_not_reach_the_terminal() -> None:
    evil = "\x1b[2J\x1b]0;taken\x07\x9bm"
    hostile = source(1, title=evil, url=evil, dataset=evil)
    asked = ClarifyingQuestion("s", evil, evil, (evil,))

    text = printed(begun(), Degraded("llm", evil), Sources((hostile,)), *tokens(evil), Clarification((asked,)), DONE)

    assert not set(text) & {"\x1b", "\x07", "\x9b"}


def test_marks_are_dimmed_on_a_terminal_only() -> None:
    [said] = tokens("Un.")

    assert printed(said, styled=True) == "Un. \x1b[2m[1.1]\x1b[0m"
    assert printed(said, styled=False) == "Un. [1.1]"
