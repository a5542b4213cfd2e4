"""Articles of law that a question names: looked up by number and code, never guessed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final, Protocol
from uuid import UUID

import yaml

from marianne_corpus.index import Ranked, ReferenceLane
from marianne_corpus.schema import Chunk
from marianne_retrieval.question import Reference

_POINTS_OF_A_NUMBER: Final = 32
"""Passages and versions of one number, in all codes when none is named."""


class Fetch(Protocol):
    """Reads the chunks of points; those that are no longer there are left out."""

    async def __call__(self, point_ids: Sequence[UUID]) -> Mapping[UUID, Chunk]: ...


@dataclass(frozen=True, slots=True)
class UnknownArticle:
    """An article that the question names and the index does not hold, with what may correspond to it today."""

    article: Reference
    replaced_by: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class NamedArticles:
    """What was found of the articles that a question names: their `points`, the `unknown` ones, and the possible
    `successors` of those that are repealed or unknown.
    """

    points: tuple[Ranked, ...] = ()
    unknown: tuple[UnknownArticle, ...] = ()
    successors: tuple[Reference, ...] = ()


def lanes_of(references: Sequence[Reference]) -> list[ReferenceLane]:
    """Two for each article: what is in force, and the versions that ended."""
    return [
        ReferenceLane(number, code, _POINTS_OF_A_NUMBER, ended=ended)
        for number, code in references
        for ended in (False, True)
    ]


async def choose(
    references: Sequence[Reference], lanes: Sequence[Sequence[Ranked]], concordance: "Concordance", fetch: Fetch
) -> NamedArticles:
    """Of each article what is in force; of a repealed one the version that ended last, whose title says so.

    `lanes` are the hits of `lanes_of(references)`.
    """
    points: list[Ranked] = []
    unknown: list[UnknownArticle] = []
    successors: list[Reference] = []
    for reference, in_force, ended in zip(references, lanes[::2], lanes[1::2], strict=True):
        points += in_force
        if in_force:
            continue
        last = _last_version(await fetch([hit.point_id for hit in ended])) if ended else {}
        points += [Ranked(point_id, 1.0) for point_id in last]
        following = [*_following(last.values()), *concordance.successors(*reference)]
        successors += following
        if not last:
            unknown.append(UnknownArticle(reference, tuple(dict.fromkeys(following))))
    return NamedArticles(tuple(points), tuple(unknown), tuple(dict.fromkeys(successors)))


def successors_of(chunk: Chunk) -> tuple[Reference, ...]:
    """What followed a repealed article, as the data say it; nothing for others."""
    return tuple(_following([chunk])) if chunk.status == "ABROGE" else ()


class Concordance:
    """Articles that may correspond to those of a code that was written anew; it finds them, it proves nothing."""

    def __init__(self, codes: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        """`codes`: by the code's slug, the new numbers of each old one."""
        self._codes = codes

    @classmethod
    def shipped(cls) -> "Concordance":
        text = resources.files("marianne_retrieval").joinpath("concordance.yaml").read_text(encoding="utf-8")
        return cls(yaml.safe_load(text))

    def successors(self, number: str, code: str | None) -> tuple[Reference, ...]:
        """Without a code those of every code that had the number."""
        codes = [code] if code else list(self._codes)
        return tuple((following, slug) for slug in codes for following in self._codes.get(slug, {}).get(number, ()))


def _last_version(chunks: Mapping[UUID, Chunk]) -> dict[UUID, Chunk]:
    """The version that ended last of each code's article."""
    last: dict[str, str] = {}
    for chunk in chunks.values():
        last[chunk.code_slug] = max(chunk.end_date, last.get(chunk.code_slug, ""))
    return {point_id: chunk for point_id, chunk in chunks.items() if chunk.end_date == last[chunk.code_slug]}


def _following(chunks: Iterable[Chunk]) -> Iterator[Reference]:
    for chunk in chunks:
        for entry in chunk.replaced_by:
            slug, _, number = entry.rpartition(":")
            yield number, slug or None
