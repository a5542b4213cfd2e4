"""Answers without a language model: the best sentences of the best passages, verbatim, each under its id."""

import math
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Never

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from typing_extensions import override

from marianne_language.citations import SentenceId
from marianne_language.references import find_references
from marianne_orchestrator.llm.prompting import NumberedPassage
from marianne_orchestrator.llm.ranking import Ranking, stems
from marianne_orchestrator.llm.units import Unit, is_heading, units_of

MAX_SENTENCES = 8
MAX_PASSAGES = 3
_ITEMS_PER_SENTENCE = 4

_STOPPED = {"finish_reason": "stop", "model_name": "extractive"}

# A unit says nothing new when it has no new figure and this part of its words stands in another one.
_SAME = 0.8

# A unit is worth quoting when it scores at least this part of the best one. One of another document must come closer,
# for it may be about another case, and so must one that would stand before the best, as the reader's first sentence.
_WORTH = 0.6
_WORTH_ELSEWHERE = 0.8
_WORTH_FIRST = 0.95


@dataclass(frozen=True, slots=True)
class Quote:
    """One source sentence. `lead` is the white space between it and the quote before it, "" for the first."""

    id: SentenceId
    sentence: str
    lead: str

    @property
    def text(self) -> str:
        return f"{self.sentence} [{self.id}]"

    @property
    def citations(self) -> tuple[SentenceId]:
        return (self.id,)


@dataclass(frozen=True, slots=True)
class _Candidate:
    passage: NumberedPassage
    unit: Unit
    score: float


def extract(question: str, passages: Sequence[NumberedPassage]) -> list[Quote]:
    """The sentences that answer best, at most MAX_SENTENCES, best passage first and in reading order within each.

    `question` is in the language of the passages, which come in the order of retrieval. Nothing is returned that does
    not stand in a passage word for word; when no unit can stand by itself the list is empty.
    """
    selection = _Selection()
    for candidate in _candidates(question, passages):
        selection.consider(candidate)
    return list(selection.quotes())


def _candidates(question: str, passages: Sequence[NumberedPassage]) -> list[_Candidate]:
    """Best first; equal scores keep the order of reading."""
    ranking = Ranking(question, passages)
    scored = [
        _Candidate(passage, unit, ranking.score(passage, unit))
        for passage in _asked_for(question, passages)
        for unit in units_of(passage.sentences)
    ]
    return sorted(scored, key=lambda candidate: -candidate.score)


def _asked_for(question: str, passages: Sequence[NumberedPassage]) -> Sequence[NumberedPassage]:
    """The articles that the question names by their number, if they are there; a number is no word to be matched."""
    asked = {reference.number for reference in find_references(question)}
    named = [passage for passage in passages if asked & {found.number for found in find_references(passage.title)}]
    return named or passages


class _Selection:
    """Takes candidates best first, and drops what is weak, too much, or said already."""

    def __init__(self) -> None:
        self._taken: list[_Candidate] = []
        self._said: list[set[str]] = []
        self._cost = 0

    def consider(self, candidate: _Candidate) -> None:
        new = set(candidate.unit.indices) - self._indices(candidate.passage)
        words = stems(" ".join(candidate.passage.sentences[index] for index in new))
        cost = _cost(new, candidate.unit)
        if self._is_worth(candidate) and self._cost + cost <= MAX_SENTENCES and not self._is_said(words):
            self._taken.append(candidate)
            self._said.append(words)
            self._cost += cost

    def quotes(self) -> Iterator[Quote]:
        for passage in dict.fromkeys(taken.passage for taken in self._taken):
            items = {index for taken in self._of(passage) for index in taken.unit.items}
            opening = "" if passage is self._taken[0].passage else "\n\n"
            yield from _quotes(passage, sorted(self._indices(passage)), items, opening)

    def _of(self, passage: NumberedPassage) -> list[_Candidate]:
        return [taken for taken in self._taken if taken.passage is passage]

    def _indices(self, passage: NumberedPassage) -> set[int]:
        return {index for taken in self._of(passage) for index in taken.unit.indices}

    def _is_worth(self, candidate: _Candidate) -> bool:
        if not self._taken:
            return True
        best = self._taken[0]
        if not self._of(candidate.passage) and len({taken.passage.number for taken in self._taken}) == MAX_PASSAGES:
            return False
        return candidate.score >= best.score * _worth_beside(best, candidate)

    def _is_said(self, words: set[str]) -> bool:
        figures = {word for word in words if word[0].isdigit()}
        return any(figures <= said and len(words & said) >= _SAME * len(words) for said in self._said)


def _worth_beside(best: _Candidate, candidate: _Candidate) -> float:
    if candidate.passage.title != best.passage.title:
        return _WORTH_ELSEWHERE
    comes_first = candidate.passage is best.passage and candidate.unit.indices < best.unit.indices
    return _WORTH_FIRST if comes_first else _WORTH


def _cost(new: set[int], unit: Unit) -> int:
    """In sentences; the items of a list count together."""
    items = len(new.intersection(unit.items))
    return len(new) - items + math.ceil(items / _ITEMS_PER_SENTENCE)


def _quotes(passage: NumberedPassage, indices: Sequence[int], items: set[int], opening: str) -> Iterator[Quote]:
    lead = opening
    for index, following in zip(indices, (*indices[1:], None), strict=True):
        sentence = passage.sentences[index].strip()
        yield Quote(SentenceId(passage.number, index + 1), sentence, lead)
        lead = _lead(sentence, index, following, items)


def _lead(sentence: str, index: int, following: int | None, items: set[int]) -> str:
    """The white space between a sentence and the next one quoted from the same passage."""
    if index in items and following not in items:
        return "\n\n"
    if following in items or is_heading(sentence) or following != index + 1:
        return "\n"
    return " "


class ExtractiveModel(BaseChatModel):
    """Answers with `extract`, one chunk a sentence, so that a turn without a language model takes the same way.

    The last message carries the passages in `additional_kwargs["passages"]`, a list of NumberedPassage, and the French
    question in `additional_kwargs["question"]`.
    """

    @property
    def _llm_type(self) -> str:
        return "extractive"

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[ChatGenerationChunk, None]:
        for quote in _extracted(messages):
            yield ChatGenerationChunk(message=AIMessageChunk(content=quote.lead + quote.text))
        yield ChatGenerationChunk(
            message=AIMessageChunk(content="", chunk_position="last"), generation_info=dict(_STOPPED)
        )

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        content = "".join([quote.lead + quote.text for quote in _extracted(messages)])
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content), generation_info=dict(_STOPPED))])

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Never:
        raise NotImplementedError("this model is asynchronous: use ainvoke or astream")


def _extracted(messages: Sequence[BaseMessage]) -> list[Quote]:
    carried = messages[-1].additional_kwargs
    return extract(carried["question"], carried["passages"])
