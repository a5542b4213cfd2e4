"""What a trace tells about a turn, and what it must not tell."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from structlog.testing import capture_logs

from marianne_orchestrator.events import Meta
from marianne_orchestrator.prompt_files import PROMPTS_ATTRIBUTE
from marianne_orchestrator.records import Question
from marianne_orchestrator.sources import Found, SourcesUnavailableError
from support.llm import FakeLLM
from support.ports import FakeFinder
from support.turns import QUESTION, Rig, llm, of_trace, one, recorded_spans

ROOT = "orchestrator_handle_query"
BEGIN = [ROOT, "recognise_emergencies", "check_input"]
START = [*BEGIN, "understand"]


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "audit")


@pytest.fixture(name="exporter")
def _exporter() -> Iterator[InMemorySpanExporter]:
    with recorded_spans() as exporter:
        yield exporter


@pytest.fixture(name="fake")
async def _fake(rig: Rig) -> AsyncIterator[FakeLLM]:
    async with llm(rig, "Le titre se renouvelle en ligne [1.1].") as fake:
        yield fake


async def traced(rig: Rig, exporter: InMemorySpanExporter, question: Question = QUESTION) -> list[ReadableSpan]:
    return of_trace(exporter, one(await rig.run(question), Meta).trace_id)


def asking(text: str) -> Question:
    return replace(QUESTION, text=text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("Comment renouveler mon titre de séjour ?", ["retrieve", "procedure"]),
        ("Combien coûte un titre de séjour ?", ["retrieve", "procedure"]),
        ("Ai-je le droit de travailler avec un récépissé ?", ["retrieve", "legal"]),
        ("Où est la préfecture pour mon titre ?", ["retrieve", "locator"]),
        ("Quelle est la recette de la tarte aux pommes ?", ["retrieve", "out_of_scope"]),
        ("Bonjour !", ["smalltalk"]),
    ],
)
async def test_every_intent_takes_its_path(
    rig: Rig, exporter: InMemorySpanExporter, text: str, path: list[str]
) -> None:
    spans = await traced(rig, exporter, asking(text))
    assert [span.name for span in spans] == [*START, *path]


async def test_a_refused_question_ends_after_its_check(rig: Rig, exporter: InMemorySpanExporter) -> None:
    rig.input_check.refused = ("titre",)
    assert [span.name for span in await traced(rig, exporter)] == [*BEGIN, "refused"]


async def test_a_question_that_no_text_answers_has_its_own_end(rig: Rig, exporter: InMemorySpanExporter) -> None:
    rig.finder = FakeFinder()
    assert [span.name for span in await traced(rig, exporter)] == [*START, "retrieve", "not_found"]


async def test_texts_that_are_away_have_their_own_end(rig: Rig, exporter: InMemorySpanExporter) -> None:
    rig.finder.error = SourcesUnavailableError("qdrant")
    assert [span.name for span in await traced(rig, exporter)] == [*START, "retrieve", "unreachable"]


async def test_every_node_is_a_child_of_the_turn(rig: Rig, exporter: InMemorySpanExporter) -> None:
    root, *nodes = await traced(rig, exporter)
    assert root.context is not None
    assert {node.parent.span_id for node in nodes if node.parent} == {root.context.span_id}
    assert root.status.status_code is StatusCode.UNSET


async def test_model_calls_are_children_of_their_nodes(rig: Rig, exporter: InMemorySpanExporter, fake: FakeLLM) -> None:
    spans = await traced(rig, exporter, asking("How do I renew my residence permit?"))
    names = {span.context.span_id: span.name for span in spans if span.context}
    parents = [names[span.parent.span_id] for span in spans if span.name == "chat fake-1" and span.parent]
    assert parents == ["understand", "procedure"]


async def test_spans_name_the_prompts_and_their_versions(
    rig: Rig, exporter: InMemorySpanExporter, fake: FakeLLM
) -> None:
    spans = await traced(rig, exporter, asking("How do I renew my residence permit?"))
    used = {span.name: span.attributes.get(PROMPTS_ATTRIBUTE) for span in spans if span.attributes}
    assert {name: prompts for name, prompts in used.items() if prompts} == {
        "understand": ("translate@1",),
        "procedure": ("answer@1", "procedure@1"),
    }


class Talkative(FakeFinder):
    async def search(self, query: str, *, as_of: str, limit: int, redacted: bool) -> Found:
        raise RuntimeError(f"cannot search for {query}")


async def test_a_failure_is_on_the_spans_without_the_words_of_the_user(
    rig: Rig, exporter: InMemorySpanExporter
) -> None:
    rig.finder = Talkative()
    with capture_logs():
        root, *nodes = await traced(rig, exporter, asking("Le titre de séjour de Zebulon expire"))
    assert (root.status.status_code, root.status.description) == (StatusCode.ERROR, "error")
    assert (nodes[-1].status.status_code, nodes[-1].status.description) == (StatusCode.ERROR, "RuntimeError")
    assert not any("Zebulon" in span.to_json() for span in (root, *nodes))
    assert not any(span.events for span in (root, *nodes))


async def test_no_words_of_the_user_are_on_any_span(rig: Rig, exporter: InMemorySpanExporter, fake: FakeLLM) -> None:
    spans = await traced(rig, exporter, asking("How does Zebulon renew his residence permit?"))
    assert len(spans) == 8
    assert not any("Zebulon" in span.to_json() for span in spans)
