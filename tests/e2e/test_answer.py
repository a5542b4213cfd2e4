"""A question in, a checked answer out, through five processes."""

from pathlib import Path

import httpx
import pytest

from marianne_client.events import Meta, Sources, Status, Token
from support.events import answer, ask, finish_reason, of_kind, one, verdicts
from support.processes import Program, python
from support.sample import SAMPLE, one_space, questions, sheet_urls, whole_text
from support.stack import SERVICES, Stack

DEMO = questions()[0].text


async def test_ingest_and_the_four_services_are_five_processes(stack: Stack, tmp_path: Path) -> None:
    command = [*python("marianne_ingest"), "--sample", str(SAMPLE), "--index-dir", str(tmp_path / "index")]
    ingest = Program("ingest", command, {}, tmp_path)
    await ingest.start()

    pids = {ingest.pid, *(stack.programs[name].pid for name in SERVICES)}

    assert len(pids) == 5
    assert await ingest.exit_code() == 0, ingest.output()


async def test_the_demo_question_is_answered_by_sentences_of_the_sheets_alone(stack: Stack) -> None:
    events = await ask(stack, DEMO)

    tokens = of_kind(events, Token)
    assert tokens
    assert verdicts(events) == {"quoted"}
    assert all(one_space(token.text) in whole_text() for token in tokens)
    assert finish_reason(events) == "stop"


async def test_every_citation_is_the_source_sentence_that_it_names(stack: Stack) -> None:
    events = await ask(stack, DEMO)

    sources = {source.n: source for source in one(events, Sources).sources}
    for token in of_kind(events, Token):
        [citation] = token.citations
        n, m = (int(part) for part in citation.split("."))
        assert sources[n].sentences[m - 1] == token.text.strip()


async def test_sources_open_the_official_page_of_their_sheet_and_are_labelled_unofficial(stack: Stack) -> None:
    sources = one(await ask(stack, DEMO), Sources).sources

    for source in sources:
        assert source.dataset == "sample"
        assert not source.official
        if source.title in sheet_urls():
            assert source.url == sheet_urls()[source.title]


async def test_events_come_in_order_and_the_page_is_alive_before_the_first_sentence(stack: Stack) -> None:
    events = await ask(stack, DEMO)

    assert isinstance(events[0], Meta)
    first = {
        kind: next(n for n, event in enumerate(events) if isinstance(event, kind)) for kind in (Status, Sources, Token)
    }
    assert first[Status] < first[Sources] < first[Token]
    assert [event.stage for event in of_kind(events, Status)] == [
        "understanding",
        "retrieving",
        "answering",
        "checking",
    ]


async def test_the_frames_carry_ids_without_gaps_and_one_data_line(stack: Stack) -> None:
    async with httpx.AsyncClient() as http:
        response = await http.post(f"{stack.url}/chat/stream", json={"query": DEMO}, timeout=20)

    frames = [frame for frame in response.text.split("\n\n") if frame and not frame.startswith(":")]
    assert response.headers["content-type"].startswith("text/event-stream")
    assert [int(frame.split("\n")[0].removeprefix("id: ")) for frame in frames] == list(range(1, len(frames) + 1))
    assert all([line.split(":")[0] for line in frame.split("\n")] == ["id", "event", "data"] for frame in frames)


async def test_the_whole_answer_is_the_streamed_one(stack: Stack) -> None:
    async with httpx.AsyncClient() as http:
        response = await http.post(f"{stack.url}/chat", json={"query": DEMO}, timeout=20)

    assert response.status_code == 200
    assert answer(await ask(stack, DEMO)) in response.json().values()


async def test_the_second_turn_remembers_the_first(stack: Stack) -> None:
    first = await ask(stack, DEMO)
    second = await ask(stack, "Et quels documents faut-il ?", one(first, Meta).thread_id)

    assert (one(first, Meta).memory, one(second, Meta).memory) == ("new", "kept")
    titles = {source.title for source in one(first, Sources).sources}
    assert one(second, Sources).sources[0].title in titles


@pytest.mark.parametrize("greeting", ["Bonjour", "Merci !"])
async def test_a_greeting_is_answered_without_a_search(stack: Stack, greeting: str) -> None:
    events = await ask(stack, greeting)

    assert verdicts(events) == {"fixed"}
    assert not of_kind(events, Sources)


async def test_a_question_about_cooking_is_declined(stack: Stack) -> None:
    events = await ask(stack, "Quelle est la recette de la ratatouille niçoise ?")

    assert verdicts(events) == {"fixed"}
    assert "administration" in answer(events)


async def test_most_french_sample_questions_find_a_document_that_answers_them(stack: Stack) -> None:
    asked = [question for question in questions() if question.language == "fr"]

    found = 0
    for question in asked:
        shown = of_kind(await ask(stack, question.text), Sources)
        ids = {source.id.rsplit("_", 1)[0] for sources in shown for source in sources.sources}
        found += bool(ids & set(question.documents))

    assert found >= 0.85 * len(asked), f"{found} of {len(asked)}"
