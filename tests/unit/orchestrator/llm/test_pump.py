import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from marianne_orchestrator.llm.delivery import Pace
from marianne_orchestrator.llm.pump import TextBuffer, pumped


async def collected(texts: AsyncIterator[str]) -> list[str]:
    return [text async for text in texts]


async def test_what_piled_up_is_handed_on_in_one_piece() -> None:
    async def write(buffer: TextBuffer) -> None:
        for text in ("a", "b", "c"):
            await buffer.put(text)

    assert await collected(pumped(write)) == ["abc"]


async def test_a_piece_is_handed_on_before_the_next_is_written() -> None:
    read = asyncio.Event()

    async def write(buffer: TextBuffer) -> None:
        await buffer.put("a")
        await read.wait()
        await buffer.put("b")

    async with asyncio.timeout(5), aclosing(pumped(write)) as texts:
        assert await anext(texts) == "a"
        read.set()
        assert await anext(texts) == "b"


async def test_a_writer_waits_while_its_reader_is_far_behind() -> None:
    put: list[str] = []

    async def write(buffer: TextBuffer) -> None:
        for text in ("aaa", "bbb", "ccc"):
            await buffer.put(text)
            put.append(text)

    async with aclosing(pumped(write, limit=4)) as texts:
        assert await anext(texts) == "aaabbb"
        assert put == ["aaa"]
        assert await collected(texts) == ["ccc"]
    assert put == ["aaa", "bbb", "ccc"]


async def test_an_error_comes_after_all_text_before_it() -> None:
    async def write(buffer: TextBuffer) -> None:
        await buffer.put("a")
        raise LookupError

    texts = pumped(write)

    assert await anext(texts) == "a"
    with pytest.raises(LookupError):
        await anext(texts)


async def test_leaving_early_waits_until_the_writer_has_let_go() -> None:
    released = False

    async def write(buffer: TextBuffer) -> None:
        nonlocal released
        try:
            await buffer.put("a")
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            released = True

    async with aclosing(pumped(write)) as texts:
        await anext(texts)

    assert released


async def test_a_cancellation_during_the_cleaning_up_is_not_swallowed() -> None:
    cleaning, go_on = asyncio.Event(), asyncio.Event()

    async def write(buffer: TextBuffer) -> None:
        try:
            await buffer.put("a")
            await asyncio.Event().wait()
        finally:
            cleaning.set()
            await go_on.wait()

    async def read() -> None:
        async with aclosing(pumped(write)) as texts:
            await anext(texts)

    reader = asyncio.create_task(read())
    await cleaning.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    go_on.set()


async def suspends(pace: Pace, text: str) -> bool:
    """Whether a pause would wait; it is not waited for."""
    pausing = pace.pause(text)
    try:
        pausing.send(None)
    except StopIteration:
        return False
    pausing.close()
    return True


async def test_reads_are_not_paced_before_a_sentence_is_under_way() -> None:
    pace = Pace(10)

    assert not await suspends(pace, "Le dossier ")
    assert not await suspends(pace, "est complet. ")
    assert await suspends(pace, "La suite ")


async def test_reads_are_not_paced_without_an_interval() -> None:
    pace = Pace(0)

    assert not await suspends(pace, "Fin. ")
    assert not await suspends(pace, "La suite ")


async def test_only_the_first_piece_of_a_read_pauses() -> None:
    pace = Pace(0.001)

    await pace.pause("Fin. ")
    await pace.pause("La suite ")
    assert not await suspends(pace, "Le même paquet ")
    await asyncio.sleep(0)
    assert await suspends(pace, "Le suivant ")
