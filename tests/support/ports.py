"""The ports of a turn, filled with plain objects whose behaviour a test chooses."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

from langchain_core.language_models import BaseChatModel

from marianne_language.citations import SentenceId
from marianne_orchestrator.checks import GuardrailsUnavailableError, InputVerdict, Unit, UnitVerdict, Verdict
from marianne_orchestrator.events import Corpus, Source
from marianne_orchestrator.llm.extractive import ExtractiveModel
from marianne_orchestrator.sources import Found, SourcesUnavailableError
from marianne_orchestrator.threads import Exchange, Thread, ThreadsUnavailableError

Judge = Callable[[Unit], UnitVerdict]


def source(n: int, *sentences: str, title: str = "Titre de séjour", lang: str = "fr") -> Source:
    return Source(
        n=n,
        id=f"chunk-{n}",
        title=title,
        url=f"https://www.service-public.gouv.fr/{n}",
        dataset="service-public",
        sentences=sentences,
        lang=lang,
    )


def verdict(unit: Unit, decision: Verdict = "cited", reason: str = "") -> UnitVerdict:
    return UnitVerdict(unit.id, decision, reason, unit.citations)


def cited(unit: Unit) -> UnitVerdict:
    return verdict(unit)


def withheld(unit: Unit) -> UnitVerdict:
    return verdict(unit, "withheld", "not_entailed")


def withholding(*words: str) -> Judge:
    """Withholds the units that hold one of these words."""
    return lambda unit: withheld(unit) if any(word in unit.text for word in words) else cited(unit)


class FakeAnswerCheck:
    """Judges as `judge` says, a unit once `due` is set. Units are taken as they come, whatever the verdicts do."""

    def __init__(self, judge: Judge = cited) -> None:
        self.judge = judge
        self.due = asyncio.Event()
        self.due.set()
        self.dies_after: int | None = None
        self.ends_after: int | None = None
        self.units: list[Unit] = []
        self.sources: Sequence[Source] = ()
        self.question = ""
        self.closed = asyncio.Event()
        self._grown = asyncio.Condition()

    async def received(self, count: int) -> list[Unit]:
        """Waits until that many units have come."""
        async with self._grown:
            await self._grown.wait_for(lambda: len(self.units) >= count)
        return self.units

    async def check_answer(
        self, sources: Sequence[Source], question: str, units: AsyncIterator[Unit]
    ) -> AsyncGenerator[UnitVerdict]:
        self.sources, self.question = sources, question
        waiting: asyncio.Queue[Unit | None] = asyncio.Queue()
        reader = asyncio.create_task(self._take(units, waiting))
        try:
            while (unit := await waiting.get()) is not None:
                await self.due.wait()
                if self.dies_after is not None and unit.id > self.dies_after:
                    raise GuardrailsUnavailableError
                yield self.judge(unit)
                if unit.id == self.ends_after:
                    return
        finally:
            reader.cancel()
            self.closed.set()

    async def _take(self, units: AsyncIterator[Unit], waiting: "asyncio.Queue[Unit | None]") -> None:
        async for unit in units:
            waiting.put_nowait(unit)
            async with self._grown:
                self.units.append(unit)
                self._grown.notify_all()
        waiting.put_nowait(None)


class FakeInputCheck:
    """Allows everything, with `Ana` as the one name that it takes out; refuses what holds a word of `refused`."""

    def __init__(self) -> None:
        self.away = False
        self.refused: tuple[str, ...] = ()
        self.checked: list[str] = []
        self.passages: list[str] = []

    async def check_input(self, text: str, language: str) -> InputVerdict:
        if self.away:
            raise GuardrailsUnavailableError
        self.checked.append(text)
        allowed = not any(word in text for word in self.refused)
        return InputVerdict(allowed, text.replace("Ana", "<NAME>"), "" if allowed else "injection_override")

    async def check_passages(self, texts: Sequence[str]) -> Sequence[bool]:
        if self.away:
            raise GuardrailsUnavailableError
        self.passages.extend(texts)
        return [not any(word in text for word in self.refused) for text in texts]


class FakeFinder:
    """Finds `found`, or raises `error`."""

    def __init__(self, *sources: Source) -> None:
        self.found = Found(sources)
        self.error: SourcesUnavailableError | None = None
        self.corpus_now: Corpus | None = Corpus("sample", "2999-01-01")
        self.queries: list[str] = []
        self.redacted: list[bool] = []

    async def search(self, query: str, *, as_of: str, limit: int, redacted: bool) -> Found:
        self.queries.append(query)
        self.redacted.append(redacted)
        if self.error:
            raise self.error
        return self.found

    async def corpus(self) -> Corpus | None:
        return self.corpus_now


@dataclass
class FakeModels:
    """Models by what they do; without `answer` none is configured. `asked` are the names that were asked for."""

    answer: BaseChatModel | None = None
    understand: BaseChatModel | None = None
    quoting: BaseChatModel = field(default_factory=ExtractiveModel)
    asked: list[str] = field(default_factory=list)

    def configured(self) -> bool:
        return self.answer is not None

    def answering(self, name: str) -> BaseChatModel:
        self.asked.append(name)
        assert self.answer is not None
        return self.answer

    def understanding(self, name: str) -> BaseChatModel:
        assert self.understand is not None
        return self.understand


class FakeThreads:
    """Keeps threads in a dictionary; `away` makes every call fail, and with `may_append` unset appending waits."""

    def __init__(self) -> None:
        self.threads: dict[str, Thread] = {}
        self.away = False
        self.appending = asyncio.Event()
        self.may_append = asyncio.Event()
        self.may_append.set()

    async def load(self, thread_id: str) -> Thread:
        self._here()
        return self.threads.get(thread_id, Thread())

    async def append(self, thread_id: str, exchange: Exchange) -> None:
        self._here()
        self.appending.set()
        await self.may_append.wait()
        self.threads[thread_id] = self.threads.get(thread_id, Thread()).with_exchange(exchange)

    async def delete(self, thread_id: str) -> None:
        self._here()
        self.threads.pop(thread_id, None)

    async def close(self) -> None:
        self.threads.clear()

    def _here(self) -> None:
        if self.away:
            raise ThreadsUnavailableError


def exchange(question: str, *, message_id: str = "m", query: str = "", answer: str = "Une réponse.") -> Exchange:
    return Exchange(message_id, question, query or question, answer, "2026-01-31T12:00:00+00:00")


def resting_on(unit: Unit, *ids: str) -> Unit:
    """The unit with these citations."""
    return replace(unit, citations=tuple(SentenceId.parse(text) for text in ids))
