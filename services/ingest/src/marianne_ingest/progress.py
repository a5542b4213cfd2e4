"""Shows on a terminal how far a build has come, how fast and how long it will take; says nothing elsewhere."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:.0f}/s")


class TerminalProgress:
    """One bar for each source, on stderr."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (
            *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
            *(_Rate(), TimeRemainingColumn()),
        )
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self._progress.stop()

    def start(self, source: str, rows: int) -> None:
        self._tasks[source] = self._progress.add_task(source, total=rows)

    def advance(self, source: str, rows: int) -> None:
        self._progress.advance(self._tasks[source], rows)
