from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marianne_corpus.analyzer import Analyzer
from marianne_corpus.index import Hit, Lane, ReferenceLane, Reply, Scope, SparseLane
from marianne_corpus.manifest import Manifest
from marianne_corpus.schema import Chunk
from marianne_retrieval.search import PASSAGES_OF_A_DOCUMENT, Searcher, fuse
from support.corpus import article, manifest_of, scope, sheet


class FixedIndex:
    """An index whose lanes give what they are told to; it keeps the lanes it was asked."""

    def __init__(self, matching: Sequence[Hit] = (), articles: Sequence[Chunk] = ()) -> None:
        self._matching = list(matching)
        self._articles = articles
        self.asked: list[Lane] = []

    async def search(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> Reply:
        self.asked = list(lanes)
        return Reply([self._lane(lane, scope) for lane in lanes], await self.manifest(timeout_s=timeout_s))

    async def count(self, *, timeout_s: float) -> int:
        return len(self._matching)

    async def manifest(self, *, timeout_s: float) -> Manifest:
        return manifest_of([hit.chunk for hit in self._matching], "2026-11-20")

    async def close(self) -> None: ...

    def _lane(self, lane: Lane, scope: Scope) -> list[Hit]:
        if isinstance(lane, SparseLane):
            return self._matching
        return [Hit(chunk, 1.0) for chunk in self._articles if _is_meant(chunk, lane, scope)]


def _is_meant(chunk: Chunk, lane: ReferenceLane, scope: Scope) -> bool:
    ended = chunk.end_date <= scope.as_of.isoformat()
    return chunk.number == lane.number and lane.code_slug in (None, chunk.code_slug) and ended == lane.ended


async def found(index: FixedIndex, question: str, limit: int = 8) -> list[str]:
    answer = await Searcher(index, Analyzer()).search(question, scope(), limit, timeout_s=1)
    return [passage.chunk.chunk_id for passage in answer.passages]


def sheets(*scores: tuple[str, float]) -> list[Hit]:
    return [Hit(sheet(chunk_id, "Une carte."), score) for chunk_id, score in scores]


async def test_the_best_match_comes_first() -> None:
    assert await found(FixedIndex(sheets(("F2_1", 3.0), ("F1_1", 7.0))), "carte") == ["F1_1", "F2_1"]


async def test_equal_matches_come_in_a_fixed_order() -> None:
    assert await found(FixedIndex(sheets(("F3_1", 1.0), ("F1_1", 1.0), ("F2_1", 1.0))), "carte") == [
        *("F1_1", "F2_1", "F3_1"),
    ]


async def test_a_document_gives_two_passages_at_most() -> None:
    index = FixedIndex(sheets(("F1_1", 9.0), ("F1_2", 8.0), ("F1_3", 7.0), ("F2_1", 1.0)))
    assert await found(index, "carte") == ["F1_1", "F1_2", "F2_1"]


async def test_no_more_passages_than_asked_for() -> None:
    assert len(await found(FixedIndex(sheets(*((f"F{n}_1", 1.0) for n in range(9)))), "carte", limit=3)) == 3


async def test_a_document_that_matches_in_several_sections_gains() -> None:
    index = FixedIndex(sheets(("F1_1", 10.0), ("F2_1", 9.5), ("F2_2", 9.0), ("F2_3", 9.0)))
    assert (await found(index, "carte"))[0] == "F2_1"


NAMED = article("L1234-5", "Le préavis.", chunk_id="named_1")
OTHER_CODE = article("L1234-5", "Autre.", code="Code civil", code_slug="code-civil", chunk_id="other_1")


@pytest.mark.parametrize(
    "question",
    [
        "Que dit l'article L. 1234-5 du code du travail ?",
        "article L1234-5 code du travail",
        "art. L.1234-5 du Code du travail",
    ],
)
async def test_an_article_that_is_named_comes_before_every_match(question: str) -> None:
    index = FixedIndex(sheets(("F1_1", 99.0)), [NAMED, OTHER_CODE])
    assert await found(index, question) == ["named_1", "F1_1"]


async def test_without_a_code_every_article_of_the_number_comes_first() -> None:
    index = FixedIndex(sheets(("F1_1", 99.0)), [NAMED, OTHER_CODE])
    assert set((await found(index, "Que dit l'article L. 1234-5 ?"))[:2]) == {"named_1", "other_1"}


async def test_of_several_candidates_the_one_that_matches_comes_first() -> None:
    index = FixedIndex([*sheets(("F1_1", 9.0)), Hit(OTHER_CODE, 5.0)], [NAMED, OTHER_CODE])
    assert await found(index, "article L. 1234-5 sur le préavis") == ["other_1", "named_1", "F1_1"]


async def test_an_article_that_is_not_indexed_is_not_guessed() -> None:
    index = FixedIndex(sheets(("F1_1", 1.0)), [NAMED])
    assert await found(index, "article L. 9999-9 du code du travail") == ["F1_1"]


async def test_a_repealed_number_gives_the_version_that_ended_last() -> None:
    first = article("L1", "Un.", chunk_id="first_1", end_date="2018-01-01")
    last = article("L1", "Deux.", chunk_id="last_1", end_date="2021-05-01")
    assert await found(FixedIndex(articles=[first, last]), "article L. 1 du code du travail") == ["last_1"]


async def test_a_number_in_force_is_never_answered_by_an_older_version() -> None:
    old = article("L1234-5", "Ancien.", chunk_id="old_1", end_date="2021-05-01")
    assert await found(FixedIndex(articles=[old, NAMED]), "article L. 1234-5 du code du travail") == ["named_1"]


async def test_a_question_without_a_term_finds_nothing_and_asks_nothing() -> None:
    index = FixedIndex(sheets(("F1_1", 1.0)))
    assert await found(index, "et pour nous ?") == []
    assert index.asked == []


async def test_few_references_of_a_long_list_are_looked_up() -> None:
    index = FixedIndex()
    await found(index, ", ".join(f"article L. {n}-1 du code du travail" for n in range(100, 150)))
    assert len([lane for lane in index.asked if isinstance(lane, ReferenceLane)]) == 8


async def test_passages_bear_the_day_of_their_data() -> None:
    answer = await Searcher(FixedIndex(sheets(("F1_1", 1.0))), Analyzer()).search("carte", scope(), 8, timeout_s=1)
    assert answer.passages[0].snapshot_at == answer.manifest.snapshot_at == "2026-11-20"


scored = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 5), st.floats(0.1, 100)), unique_by=lambda hit: hit[:2], max_size=20
)


@given(scored)
def test_fusion_keeps_every_chunk_once_and_best_first(hits: list[tuple[int, int, float]]) -> None:
    matching = sheets(*((f"F{document}_{n}", score) for document, n, score in hits))
    fused = fuse([], matching)
    assert {hit.chunk for hit in fused} == {hit.chunk for hit in matching}
    assert [hit.score for hit in fused] == sorted((hit.score for hit in fused), reverse=True)


@given(scored)
async def test_named_articles_lead_whatever_matches(hits: list[tuple[int, int, float]]) -> None:
    matching = sheets(*((f"F{document}_{n}", score) for document, n, score in hits))
    assert fuse([Hit(NAMED, 1.0)], matching)[0].chunk == NAMED
    passages = await found(FixedIndex(matching, [NAMED]), "carte", limit=50)
    documents = [passage.rpartition("_")[0] for passage in passages]
    assert all(documents.count(document) <= PASSAGES_OF_A_DOCUMENT for document in documents)
