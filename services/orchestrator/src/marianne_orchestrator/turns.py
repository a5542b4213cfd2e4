"""Starts turns as tasks of their own, so that a run and its readers may end independently."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from marianne_orchestrator import metrics
from marianne_orchestrator.events import Event
from marianne_orchestrator.records import Question
from marianne_orchestrator.turn import Tell
from marianne_orchestrator.turn_log import TurnLog


class Runner(Protocol):
    async def run(self, question: Question, emit: Tell) -> None:
        """Emits the events of one turn, Done as the last, also when it is cancelled."""
        ...


@dataclass(slots=True)
class _Run:
    """`leaving` runs while nobody reads a resumable turn, and stops it in the end."""

    task: asyncio.Task[None]
    resumable: bool
    readers: int = 0
    leaving: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        # A task that is cancelled before its first step never takes one, and could not tell that it ended.
        asyncio.get_running_loop().call_soon(self.task.cancel)

    def entered(self) -> None:
        self.readers += 1
        self.stay()

    def left(self, grace_s: float) -> None:
        self.readers -= 1
        if self.readers or self.task.done():
            return
        if self.resumable:
            self.leaving = asyncio.get_running_loop().call_later(grace_s, self.stop)
        else:
            self.stop()

    def stay(self) -> None:
        if self.leaving:
            self.leaving.cancel()
            self.leaving = None


class Turns:
    """The turns that this process runs. A resumable one outlives its last reader by `resume_grace_s`."""

    def __init__(self, runner: Runner, log: TurnLog, resume_grace_s: float) -> None:
        self._runner = runner
        self._log = log
        self._resume_grace_s = resume_grace_s
        self._runs: dict[str, _Run] = {}

    async def ask(self, question: Question) -> AsyncGenerator[tuple[int, Event]]:
        """Starts the turn unless it exists, and reads it from its first event."""
        if await self._log.open(question.message_id):
            self._start(question)
        async with aclosing(self.read(question.message_id, 0)) as events:
            async for numbered in events:
                yield numbered

    async def read(self, message_id: str, after: int) -> AsyncGenerator[tuple[int, Event]]:
        """Raises UnknownTurnError."""
        run = self._runs.get(message_id)
        if run:
            run.entered()
        try:
            async with aclosing(self._log.read(message_id, after)) as events:
                async for numbered in events:
                    yield numbered
        finally:
            if run:
                run.left(self._resume_grace_s)

    def stop(self, message_id: str) -> None:
        if run := self._runs.get(message_id):
            run.stop()

    async def drain(self, timeout_s: float) -> None:
        """Waits for detached turns; those still running after `timeout_s` are cancelled and end as such."""
        tasks = [run.task for run in self._runs.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)
        for run in self._runs.values():
            run.stop()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, question: Question) -> None:
        message_id = question.message_id

        async def emit(event: Event) -> None:
            await self._log.append(message_id, event)

        task = asyncio.create_task(self._runner.run(question, emit))
        self._runs[message_id] = _Run(task, question.resumable)
        metrics.ACTIVE_STREAMS.inc()
        task.add_done_callback(lambda _: self._ended(message_id))

    def _ended(self, message_id: str) -> None:
        metrics.ACTIVE_STREAMS.dec()
        self._runs.pop(message_id).stay()
