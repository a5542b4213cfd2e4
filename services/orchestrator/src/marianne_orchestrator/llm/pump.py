"""Decouples who reads the network from who uses the text, so that what piled up meanwhile is handed on in one piece.

Handing a piece through LangChain's callbacks costs far more than reading it; with one task reading and another using,
the pieces grow as soon as the user falls behind, and stay single tokens while it keeps up.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

MAX_HELD_CHARS = 1 << 16


class TextBuffer:
    """Text between one writer and one reader. The writer waits while more than `limit` characters are held."""

    def __init__(self, limit: int = MAX_HELD_CHARS) -> None:
        self._limit = limit
        self._held: list[str] = []
        self._size = 0
        self._closed = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def put(self, text: str) -> None:
        self._held.append(text)
        self._size += len(text)
        self._changed.set()
        if self._size > self._limit:
            self._room.clear()
            await self._room.wait()

    def close(self) -> None:
        self._closed = True
        self._changed.set()

    async def take(self) -> str:
        """Everything held, after waiting for something; empty only when the buffer is closed and used up."""
        while not self._held and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        text = "".join(self._held)
        self._held.clear()
        self._size = 0
        self._room.set()
        return text


async def pumped(
    write: Callable[[TextBuffer], Awaitable[None]], *, limit: int = MAX_HELD_CHARS
) -> AsyncGenerator[str, None]:
    """Runs `write` in a task of its own and yields what it puts, at once, or merged when the reader is behind.

    An error of `write` is raised after all its text. Closing the generator, or cancelling its reader, cancels `write`
    and waits until it has let go of its resources; a cancellation is never swallowed.
    """
    buffer = TextBuffer(limit)
    task = asyncio.create_task(_write_and_close(write, buffer))
    try:
        while text := await buffer.take():
            yield text
        await task
    finally:
        task.cancel()
        # Unlike awaiting the task, this raises CancelledError only when this reader itself is cancelled.
        await asyncio.wait((task,))
        if not task.cancelled():
            task.exception()


async def _write_and_close(write: Callable[[TextBuffer], Awaitable[None]], buffer: TextBuffer) -> None:
    try:
        await write(buffer)
    finally:
        buffer.close()
