"""The sample corpus keeps its promises: no figure without a source, no question without an answer."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from marianne_language.values import find_values

SAMPLE = Path(__file__).parents[3] / "data" / "sample"
STATED = {"amount", "percentage", "duration"}


@functools.cache
def documents() -> dict[str, str]:
    return {**dict(_sheets()), **dict(_articles())}


def _sheets() -> Iterator[tuple[str, str]]:
    for path in sorted((SAMPLE / "sheets").glob("*.md")):
        _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
        matter = yaml.safe_load(head)
        assert matter["id"] == path.stem, path
        yield path.stem, f"{matter['title']}\n{matter['introduction']}\n{body}"


def _articles() -> Iterator[tuple[str, str]]:
    for path in sorted((SAMPLE / "articles").glob("*.yaml")):
        for article in yaml.safe_load(path.read_text(encoding="utf-8"))["articles"]:
            repealed = "" if article["status"] == "VIGUEUR" else f"-{str(article['end_date'])[:4]}"
            yield f"exemple-{path.stem}-{article['number']}{repealed}", article["text"]


@functools.cache
def facts() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.safe_load((SAMPLE / "facts.yaml").read_text(encoding="utf-8"))
    return entries


def questions() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.safe_load((SAMPLE / "questions.yaml").read_text(encoding="utf-8"))
    return entries


def _one_space(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_there_are_enough_sheets_and_articles_to_talk_about() -> None:
    articles = dict(_articles())

    assert len(documents()) - len(articles) >= 60
    assert len(articles) >= 40


@pytest.mark.parametrize("document", sorted(documents()))
def test_every_figure_of_a_document_has_its_fact(document: str) -> None:
    known = {
        (value.kind, value.value)
        for fact in facts()
        if fact["document"] == document
        for value in find_values(fact["value"])
    }

    # « chaque mois » says how often, which is a figure only by its number, and that is a value of its own.
    stated = [v for v in find_values(documents()[document]) if v.kind in STATED and not v.value.startswith("R/")]

    assert [value.text for value in stated if (value.kind, value.value) not in known] == []


def test_every_fact_names_its_source_and_date_and_stands_in_its_document() -> None:
    for fact in facts():
        assert _one_space(str(fact["value"])) in _one_space(documents()[fact["document"]]), fact
        assert str(fact["source"]).startswith("https://"), fact
        assert fact["date"].year >= 2024, fact


def test_fifty_questions_are_answered_by_documents_that_exist() -> None:
    assert len(questions()) == 50
    for question in questions():
        assert question["documents"], question
        assert set(question["documents"]) <= set(documents()), question


def test_no_service_knows_a_question_a_title_or_an_id_of_the_sample() -> None:
    root = SAMPLE.parents[1]
    files = [path for folder in ("services", "libs", "proto") for path in (root / folder).rglob("*") if path.is_file()]
    code = "\n".join(
        path.read_text(encoding="utf-8", errors="replace") for path in files if "__pycache__" not in path.parts
    )
    titles = [text.partition("\n")[0] for document, text in _sheets()]
    known = [*documents(), *(question["question"] for question in questions()), *(t for t in titles if " " in t)]

    assert [text for text in known if text.casefold() in code.casefold()] == []
