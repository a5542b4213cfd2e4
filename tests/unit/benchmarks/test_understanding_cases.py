"""The cases that judge the orchestrator are whole: rows are well formed; every language, topic and half is there."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from marianne_language.sentences import split_sentences

ROOT = Path(__file__).parents[3]
CASES, SHEETS = ROOT / "benchmarks" / "cases", ROOT / "data" / "sample" / "sheets"
LANGUAGES = {"ar", "en", "es", "fr", "pt", "vi"}
HALVES = {"dev", "test"}
INTENTS = {"fact", "procedure", "legal", "locator"}
ASIDE = {"smalltalk", "out_of_scope"}
TOPICS = {"immigration", "nationality", "asylum", "work", "health", "housing", "benefits"} | {
    "tax",
    "identity",
    "driving",
    "family",
    "education",
    "justice",
}
KINDS = {"violence", "suicide", "child", "expulsion", "detention"}
SLOTS = {"nationality_regime", "permit_type", "expiry", "status", "departement"}
REGIMES = {"eu_eea_swiss", "algerian_agreement", "other"}
TRAPS = ("justificatif", "taxi", "oqtf", "récépissé", "licencié", "préavis")

Row = dict[str, Any]


def read(name: str) -> list[Row]:
    return [json.loads(line) for line in (CASES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


QUESTIONS, MESSAGES, ANSWERED = read("understanding"), read("emergencies"), read("extractive")
DIALOGUES, FIRST_QUESTIONS = read("dialogues"), read("clarification")
TURNS = [turn for dialogue in DIALOGUES for turn in dialogue["turns"]]
FILES = {
    "understanding": (QUESTIONS, ("id", "question", "language", "topic", "topics_also_ok?", "intent", "half")),
    "emergencies": (MESSAGES, ("id", "text", "language", "emergency", "kind?", "half")),
    "extractive": (ANSWERED, ("id", "question", "doc_ids", "answers", "profile?", "half")),
    "dialogues": (DIALOGUES, ("id", "turns", "half")),
    "clarification": (FIRST_QUESTIONS, ("id", "question", "language", "complete", "missing?", "half")),
}
every_file = pytest.mark.parametrize("name", FILES)


def counts(rows: list[Row], *fields: str) -> Counter[Any]:
    return Counter(tuple(row.get(field) for field in fields) for row in rows)


def folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


@every_file
def test_every_row_has_the_fields_of_its_file(name: str) -> None:
    rows, fields = FILES[name]
    for row in rows:
        expected = tuple(field.rstrip("?") for field in fields if not field.endswith("?") or field[:-1] in row)
        assert tuple(row) == expected, row["id"]
        assert row["half"] in HALVES, row["id"]
        assert row.get("language", "fr") in LANGUAGES, row["id"]


@every_file
def test_no_row_stands_twice(name: str) -> None:
    rows, fields = FILES[name]
    for field in fields[:2]:
        values = Counter(folded(json.dumps(row[field], ensure_ascii=False)) for row in rows)
        assert [value for value, times in values.items() if times > 1] == []


@every_file
def test_the_halves_are_of_about_one_size(name: str) -> None:
    by_half = counts(FILES[name][0], "half")
    assert abs(by_half["dev",] - by_half["test",]) <= max(2, 0.03 * by_half.total())


def test_there_are_enough_questions_in_every_language() -> None:
    languages = counts(QUESTIONS, "language")
    assert languages.total() >= 480
    assert languages["fr",] >= 180
    assert languages["en",] >= 80
    assert min(languages[language,] for language in LANGUAGES) >= 55


def test_every_topic_of_every_language_stands_in_both_halves() -> None:
    present = counts(QUESTIONS, "language", "topic", "half")
    for language in LANGUAGES:
        assert min(present[language, topic, half] for topic in TOPICS | {"none"} for half in HALVES) >= 1
    assert set(counts(QUESTIONS, "topic")) == {(topic,) for topic in TOPICS | {"none"}}


def test_the_halves_of_a_topic_alternate() -> None:
    by_half = counts(QUESTIONS, "language", "topic", "half")
    for language, topic, _ in list(by_half):
        assert abs(by_half[language, topic, "dev"] - by_half[language, topic, "test"]) <= 1


def test_every_intent_of_every_language_stands_in_both_halves() -> None:
    present = counts(QUESTIONS, "language", "intent", "half")
    for language in LANGUAGES:
        assert min(present[language, intent, half] for intent in INTENTS | ASIDE for half in HALVES) >= 2
    assert set(counts(QUESTIONS, "intent")) == {(intent,) for intent in INTENTS | ASIDE}


@pytest.mark.parametrize("rows", [QUESTIONS, TURNS], ids=["questions", "turns"])
def test_exactly_what_is_no_question_of_the_field_has_no_topic(rows: list[Row]) -> None:
    for row in rows:
        assert row["topic"] in TOPICS | {"none"}, row
        assert row["intent"] in INTENTS | ASIDE, row
        assert (row["topic"] == "none") == (row["intent"] in ASIDE), row


def test_a_topic_that_would_also_do_is_another_one() -> None:
    for row in QUESTIONS:
        others = row.get("topics_also_ok", [])
        assert set(others) <= TOPICS - {row["topic"]}, row["id"]
        assert len(set(others)) == len(others), row["id"]


@pytest.mark.parametrize("word", TRAPS)
def test_words_that_mislead_stand_under_several_topics(word: str) -> None:
    topics = {row["topic"] for row in QUESTIONS if word in row["question"].lower()}
    assert len(topics) >= 3


def test_there_are_enough_emergencies_and_ordinary_messages() -> None:
    by_label = counts(MESSAGES, "emergency", "half")
    assert by_label[True, "dev"] + by_label[True, "test"] >= 130
    assert by_label[False, "dev"] + by_label[False, "test"] >= 220
    for label in (True, False):
        assert 0.85 <= by_label[label, "dev"] / by_label[label, "test"] <= 1.15


def test_only_an_emergency_has_a_kind() -> None:
    for row in MESSAGES:
        assert row["emergency"] in {True, False}, row["id"]
        assert ("kind" in row) == row["emergency"], row["id"]


def test_every_kind_of_emergency_stands_in_both_halves_of_every_language() -> None:
    present = counts(MESSAGES, "language", "kind", "half")
    for language in LANGUAGES:
        assert min(present[language, kind, half] for kind in KINDS for half in HALVES) >= 1
        assert min(present[language, None, half] for half in HALVES) >= 10
    assert set(counts(MESSAGES, "kind")) == {(kind,) for kind in KINDS | {None}}


def test_every_answer_opens_a_sentence_of_a_sheet_that_its_row_names() -> None:
    assert len(ANSWERED) == 60
    for row in ANSWERED:
        sheets = {doc: _sentences(doc) for doc in row["doc_ids"]}
        holders = [{doc for doc in sheets if _opens_one_of(answer, sheets[doc])} for answer in row["answers"]]
        assert holders, row["id"]
        assert all(holders), row["id"]
        assert set().union(*holders) == set(sheets), row["id"]


def _sentences(doc: str) -> list[str]:
    sheet = (SHEETS / f"{doc}.md").read_text(encoding="utf-8")
    return [unit.removeprefix("- ") for unit in split_sentences(sheet)]


def _opens_one_of(answer: str, sentences: list[str]) -> bool:
    return any(sentence.startswith(answer) for sentence in sentences)


def test_a_profile_names_a_nationality_regime() -> None:
    profiles = [row["profile"] for row in ANSWERED if "profile" in row]
    assert {profile["nationality_regime"] for profile in profiles} == REGIMES
    assert all(tuple(profile) == ("nationality_regime",) for profile in profiles)


def test_a_dialogue_has_several_turns_and_its_first_needs_no_context() -> None:
    assert len(DIALOGUES) >= 40
    fields = ("user", "language", "topic", "intent", "needs_context", "whole_question_fr")
    for dialogue in DIALOGUES:
        assert len(dialogue["turns"]) >= 2, dialogue["id"]
        assert all(tuple(turn) == fields and all(turn[field] != "" for field in fields) for turn in dialogue["turns"])
        assert dialogue["turns"][0]["needs_context"] is False, dialogue["id"]


def test_dialogues_are_led_in_every_language_and_some_change_it() -> None:
    first = Counter(dialogue["turns"][0]["language"] for dialogue in DIALOGUES)
    assert min(first[language] for language in LANGUAGES) >= 4
    assert sum(len({turn["language"] for turn in dialogue["turns"]}) > 1 for dialogue in DIALOGUES) >= 8


def test_a_turn_that_needs_context_is_made_whole_in_other_words() -> None:
    leaning = [turn for turn in TURNS if turn["needs_context"]]
    assert len(leaning) >= 70
    for turn in leaning:
        assert folded(turn["whole_question_fr"]) != folded(turn["user"]), turn["user"]


def test_there_are_enough_first_questions_of_each_sort_in_every_language() -> None:
    by_sort = counts(FIRST_QUESTIONS, "complete")
    assert by_sort[True,] >= 40
    assert by_sort[False,] >= 20
    both = counts(FIRST_QUESTIONS, "language", "complete")
    assert min(both[language, sort] for language in LANGUAGES for sort in (True, False)) >= 2


def test_exactly_an_incomplete_question_names_the_facts_it_misses() -> None:
    for row in FIRST_QUESTIONS:
        assert row["complete"] in {True, False}, row["id"]
        assert ("missing" in row) == (not row["complete"]), row["id"]
        assert row["complete"] or row["missing"], row["id"]
        assert set(row.get("missing", ())) <= SLOTS, row["id"]
    assert {slot for row in FIRST_QUESTIONS for slot in row.get("missing", ())} == SLOTS
