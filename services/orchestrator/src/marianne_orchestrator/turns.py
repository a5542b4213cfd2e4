"""Starts turns as tasks of their own, so that a run and its readers may end independently."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from marianne_orchestrator import metrics
from marianne_orchestrator.events import Event
from marianne_orchestrator.records import Question
from marianne_orchestrator.trace_links import current_traceparent, link_current_span
from marianne_orchestrator.turn import Tell
from marianne_orchestrator.turn_log import OwnTurn, TurnLog


class Runner(Protocol):
    async def run(self, question: Question, emit: Tell) -> None:
        """Emits the events of one turn, Done as the last, also when it is cancelled."""
        ...


@dataclass(slots=True)
class _Run:
    """`leaving` waits while nobody here reads a resumable turn, and stops it in the end."""

    task: asyncio.Task[None]
    resumable: bool
    readers: int = 0
    leaving: asyncio.Task[None] | None = None

    def stop(self) -> None:
        # A task that is cancelled before its first step never takes one, and could not tell that it ended.
        asyncio.get_running_loop().call_soon(self.task.cancel)

    def stay(self) -> None:
        if self.leaving:
            self.leaving.cancel()
            self.leaving = None


class Turns:
    """The turns that this process runs. A resumable one outlives its last reader, here or in another process, by
    `resume_grace_s`; any other ends with its last reader here.
    """

    def __init__(self, runner: Runner, log: TurnLog, resume_grace_s: float) -> None:
        self._runner = runner
        self._log = log
        self._resume_grace_s = resume_grace_s
        self._runs: dict[str, _Run] = {}

    async def ask(self, question: Question) -> AsyncGenerator[tuple[int, Event]]:
        """Starts the turn unless it exists, and reads its latest attempt from the first event.

        Raises TurnsUnavailableError.
        """
        message_id = question.message_id
        opened = await self._log.open(message_id, current_traceparent(), lambda: self._stop(message_id))
        if opened.turn:
            self._start(replace(question, resumable=question.resumable and opened.turn.shared), opened.turn)
            events = self._follow(message_id, opened.after)
        else:
            events = self.read(message_id, opened.after)
        async with aclosing(events):
            async for numbered in events:
                yield numbered

    async def read(self, message_id: str, after: int) -> AsyncGenerator[tuple[int, Event]]:
        """Links the current span to the one that asked. Raises UnknownTurnError and TurnsUnavailableError."""
        link_current_span(await self._log.origin(message_id))
        async with aclosing(self._follow(message_id, after)) as events:
            async for numbered in events:
                yield numbered

    async def stop(self, message_id: str) -> None:
        """Whichever process runs the turn. Raises TurnsUnavailableError."""
        await self._log.stop(message_id)

    async def drain(self, timeout_s: float) -> None:
        """Waits for detached turns; those still running after `timeout_s` are cancelled and end as such."""
        tasks = [run.task for run in self._runs.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)
        for run in self._runs.values():
            run.stop()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, message_id: str, after: int) -> AsyncGenerator[tuple[int, Event]]:
        run = self._runs.get(message_id)
        if run:
            run.readers += 1
            run.stay()
        try:
            async with aclosing(self._log.read(message_id, after)) as events:
                async for numbered in events:
                    yield numbered
        finally:
            if run:
                self._left(message_id, run)

    def _left(self, message_id: str, run: _Run) -> None:
        run.readers -= 1
        if run.readers or run.task.done():
            return
        if run.resumable:
            run.leaving = asyncio.create_task(self._stop_unread(message_id, run))
        else:
            run.stop()

    async def _stop_unread(self, message_id: str, run: _Run) -> None:
        await asyncio.sleep(self._resume_grace_s)
        while await self._log.is_read_elsewhere(message_id):  # noqa: ASYNC110  nothing tells when they leave
            await asyncio.sleep(self._resume_grace_s)
        run.stop()

    def _start(self, question: Question, turn: OwnTurn) -> None:
        message_id = question.message_id
        task = asyncio.create_task(self._runner.run(question, turn.append))
        self._runs[message_id] = _Run(task, question.resumable)
        metrics.ACTIVE_STREAMS.inc()
        task.add_done_callback(lambda _: self._ended(message_id))

    def _stop(self, message_id: str) -> None:
        if run := self._runs.get(message_id):
            run.stop()

    def _ended(self, message_id: str) -> None:
        metrics.ACTIVE_STREAMS.dec()
        self._runs.pop(message_id).stay()
