import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process

import grpc
import pytest

from support.gateway import RunningGateway, free_address
from support.orchestrator import Break, FakeOrchestrator, Step, done, error, meta, source, sources, token


async def start(*arguments: str, **variables: str) -> Process:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MARIANNE_")}  # noqa: TID251
    command = "from marianne_client.cli import main; main()"
    environment = inherited | {"PYTHONUTF8": "1"} | variables
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", command, *arguments, env=environment, stdout=PIPE, stderr=PIPE
    )


async def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
    process = await start(*arguments, **variables)
    async with asyncio.timeout(60):
        out, err = await process.communicate()
        return await process.wait(), out.decode(), err.decode()


async def test_a_question_is_answered_with_its_sources(gateway: RunningGateway, orchestrator: FakeOrchestrator) -> None:
    given = source(1, "Une phrase.", title="Une fiche")
    orchestrator.play(meta(), sources(given), token("Une phrase.", "1.1", verdict="quoted"), done())

    status, out, err = await run("ask", "Une question ?", "--url", gateway.url, "--nationality", "DZ")

    assert (status, err) == (0, "")
    assert out.startswith("Une phrase. [1.1]\n\nSources\n1. Une fiche (service-public)\n   https://example.org/1\n")
    assert "\x1b" not in out
    assert orchestrator.asked[0].query == "Une question ?"
    assert orchestrator.asked[0].user_nationality == "DZ"


async def test_sentences_are_printed_as_they_come(gateway: RunningGateway, orchestrator: FakeOrchestrator) -> None:
    go_on = asyncio.Event()
    orchestrator.play(meta(), token("La première."), go_on, token(" La seconde."), done())

    process = await start("ask", "Une question ?", MARIANNE_URL=gateway.url)
    assert process.stdout is not None
    async with asyncio.timeout(60):
        assert await process.stdout.readuntil(b".") == "La première.".encode()
        go_on.set()
        await process.communicate()

    assert process.returncode == 0


async def test_json_is_one_event_a_line(gateway: RunningGateway) -> None:
    status, out, _ = await run("ask", "Une question ?", "--json", MARIANNE_URL=gateway.url)

    events = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [event["event"] for event in events] == ["meta", "sources", "token", "done"]
    assert events[2]["data"]["citations"] == ["1.1"]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([meta(), token("…"), done("length")], 0),
        ([meta(), done("clarification")], 0),
        ([meta(), done("refused")], 4),
        ([meta(), done("withheld")], 4),
        ([meta(), error("llm", "Le modèle ne répond pas."), done("error")], 1),
        ([meta(), Break(grpc.StatusCode.UNAVAILABLE)], 1),
    ],
)
async def test_the_exit_status_says_how_it_ended(
    gateway: RunningGateway, orchestrator: FakeOrchestrator, steps: list[Step], expected: int
) -> None:
    orchestrator.play(*steps)

    status, _, err = await run("ask", "Une question ?", MARIANNE_URL=gateway.url)

    assert status == expected
    assert bool(err) is (expected == 1)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "required"),
        (["ask"], "query"),
        (["ask", "?", "--as-of", "demain"], "--as-of"),
        (["ask", "?", "--language", "de"], "language: "),
        (["ask", ""], "query: "),
    ],
)
async def test_wrong_usage_and_refused_requests_end_with_2(
    gateway: RunningGateway, arguments: list[str], complaint: str
) -> None:
    status, _, err = await run(*arguments, MARIANNE_URL=gateway.url)

    assert status == 2
    assert complaint in err
    assert "Traceback" not in err


async def test_nobody_at_the_address_ends_with_3() -> None:
    status, out, err = await run("ask", "?", MARIANNE_URL=f"http://{free_address()}")

    assert (status, out) == (3, "")
    assert err.startswith("marianne: nobody answers at http://127.0.0.1:")


async def test_an_interruption_ends_with_130(gateway: RunningGateway, orchestrator: FakeOrchestrator) -> None:
    orchestrator.play(meta(), token("Une phrase."), asyncio.Event())
    process = await start("ask", "Une question ?", MARIANNE_URL=gateway.url)
    assert process.stdout is not None

    async with asyncio.timeout(60):
        await process.stdout.readuntil(b".")
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()

    assert (process.returncode, err) == (130, b"")


async def test_the_help_says_what_the_exit_status_means() -> None:
    status, out, _ = await run("ask", "--help")

    assert status == 0
    assert "exit status:" in out
    assert "MARIANNE_URL" in out
