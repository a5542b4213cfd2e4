import asyncio
from collections.abc import AsyncGenerator

import pytest

from marianne_gateway.events import Event, PeerError, PeerFault
from marianne_gateway.relay import settled, with_silences

TOKEN = Event("token", {"text": "Une phrase."}, 1)
DONE = Event("done", {"finish_reason": "stop"}, 2)


async def turn(*steps: Event | Exception | asyncio.Event) -> AsyncGenerator[Event]:
    for step in steps:
        match step:
            case Event():
                yield step
            case asyncio.Event():
                await step.wait()
            case _:
                raise step


async def all_of(events: AsyncGenerator[Event]) -> list[Event]:
    return [event async for event in events]


async def test_a_whole_turn_passes_as_it_is() -> None:
    assert await all_of(settled(turn(TOKEN, DONE), None)) == [TOKEN, DONE]


async def test_nothing_passes_after_done() -> None:
    assert await all_of(settled(turn(TOKEN, DONE, TOKEN, DONE), None)) == [TOKEN, DONE]


@pytest.mark.parametrize("code", ["unavailable", "timeout", "overloaded", "interrupted"])
async def test_a_turn_that_breaks_off_ends_with_a_retryable_error_and_done(code: PeerFault) -> None:
    token, error, done = await all_of(settled(turn(TOKEN, PeerError(code)), None))

    assert token is TOKEN
    assert (error.name, error.payload["code"], error.payload["retryable"]) == ("error", code, True)
    assert (done.name, done.payload["finish_reason"]) == ("done", "error")


async def test_an_unexpected_exception_ends_with_an_error_that_tells_nothing_of_it() -> None:
    error, done = await all_of(settled(turn(RuntimeError("a detail")), None))

    assert (error.payload["code"], done.name) == ("internal", "done")
    assert "detail" not in str(error.payload)


async def test_a_turn_that_just_stops_is_an_error_too() -> None:
    names = [event.name for event in await all_of(settled(turn(TOKEN), None))]

    assert names == ["token", "error", "done"]


async def test_what_the_gateway_adds_has_no_place_to_resume_from() -> None:
    added = await all_of(settled(turn(PeerError("unavailable")), None))

    assert [event.sequence for event in added] == [None, None]


@pytest.mark.parametrize(
    ("asked", "answered", "word"),
    [
        (None, "fr", "indisponible"),
        (None, "en", "unavailable"),
        ("en", "", "unavailable"),
        ("vi", "vi", "indisponible"),
    ],
)
async def test_people_are_told_in_the_language_of_the_answer(asked: str | None, answered: str, word: str) -> None:
    meta = Event("meta", {"language": answered}, 1)

    _, error, _ = await all_of(settled(turn(meta, PeerError("unavailable")), asked))

    assert word in error.payload["message"]


async def test_silence_is_told_once_after_the_first_wait_and_then_at_each_interval() -> None:
    quiet = asyncio.Event()
    heard: list[Event | None] = []

    async for event in with_silences(turn(quiet, TOKEN, DONE), 0.001, 0.001):
        heard.append(event)
        if heard == [None, None, None]:
            quiet.set()

    assert heard[:3] == [None, None, None]
    assert [event for event in heard if event] == [TOKEN, DONE]


async def test_a_reader_that_leaves_in_the_middle_of_a_silence_ends_the_turn() -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncGenerator[Event]:
        try:
            await asyncio.Event().wait()
            yield TOKEN
        finally:
            ended.set()

    events = with_silences(endless(), 0.001, 60)
    assert await anext(events) is None
    await events.aclose()

    assert ended.is_set()
