from collections.abc import Sequence
from dataclasses import replace

import pytest

from marianne_corpus.analyzer import Analyzer
from marianne_corpus.index import Hit, ReferenceLane, SparseLane
from marianne_corpus.lexicon import Lexicon
from marianne_corpus.schema import PASSAGE_VECTOR, SPARSE_VECTORS
from marianne_retrieval.articles import Concordance
from marianne_retrieval.models import Models
from marianne_retrieval.question import QuestionReader
from marianne_retrieval.search import Found, Searcher
from support.corpus import TODAY, article, scope, sheet
from support.ranked_index import RankedIndex

CONCORDANCE = Concordance({"ceseda": {"L313-7": ["L422-1"]}})


def searcher(index: RankedIndex, models: Models | None = None) -> Searcher:
    return Searcher(index, QuestionReader(Analyzer()), models, concordance=CONCORDANCE)


async def answer(index: RankedIndex, question: str, limit: int = 8) -> Found:
    return await searcher(index).search(question, scope(), limit, timeout_s=1)


async def found(index: RankedIndex, question: str, limit: int = 8) -> list[str]:
    return [passage.chunk.chunk_id for passage in (await answer(index, question, limit)).passages]


def sheets(*scores: tuple[str, float]) -> Sequence[Hit]:
    return [Hit(sheet(chunk_id, "Une carte."), score) for chunk_id, score in scores]


async def test_the_best_match_comes_first() -> None:
    assert await found(RankedIndex(bm25=sheets(("F2_1", 3.0), ("F1_1", 7.0))), "carte") == ["F1_1", "F2_1"]


async def test_a_document_gives_two_passages_at_most() -> None:
    index = RankedIndex(bm25=sheets(("F1_1", 9.0), ("F1_2", 8.0), ("F1_3", 7.0), ("F2_1", 1.0)))
    assert await found(index, "carte") == ["F1_1", "F1_2", "F2_1"]


async def test_no_more_passages_than_asked_for() -> None:
    assert len(await found(RankedIndex(bm25=sheets(*((f"F{n}_1", 1.0) for n in range(9)))), "carte", limit=3)) == 3


async def test_words_are_looked_for_in_passages_titles_and_documents_at_once() -> None:
    index = RankedIndex(bm25=sheets(("F1_1", 1.0)))
    await found(index, "carte")
    assert [lane.using for lane in index.asked if isinstance(lane, SparseLane)] == list(SPARSE_VECTORS)
    assert len(index.scopes) == 1


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
    index = RankedIndex(NAMED, OTHER_CODE, bm25=sheets(("F1_1", 99.0)))
    assert await found(index, question) == ["named_1", "F1_1"]


async def test_without_a_code_every_article_of_the_number_comes_first() -> None:
    index = RankedIndex(NAMED, OTHER_CODE, bm25=sheets(("F1_1", 99.0)))
    assert set((await found(index, "Que dit l'article L. 1234-5 ?"))[:2]) == {"named_1", "other_1"}


async def test_of_several_candidates_the_one_that_matches_comes_first() -> None:
    index = RankedIndex(NAMED, OTHER_CODE, bm25=[*sheets(("F1_1", 9.0)), Hit(OTHER_CODE, 5.0)])
    assert await found(index, "article L. 1234-5 sur le préavis") == ["other_1", "named_1", "F1_1"]


async def test_an_article_that_is_not_indexed_is_not_guessed_but_told() -> None:
    told = await answer(RankedIndex(NAMED, bm25=sheets(("F1_1", 1.0))), "article L. 9999-9 du code du travail")
    assert [passage.chunk.chunk_id for passage in told.passages] == ["F1_1"]
    assert [(unknown.article, unknown.replaced_by) for unknown in told.unknown] == [
        (("L9999-9", "code-du-travail"), ())
    ]


OLD = article(
    "L313-7",
    "Ancienne carte.",
    chunk_id="old_1",
    status="ABROGE",
    end_date="2021-05-01",
    code="CESEDA",
    code_slug="ceseda",
)
NEW = article("L422-1", "Carte étudiant.", chunk_id="new_1", code="CESEDA", code_slug="ceseda")


async def test_a_repealed_article_answers_with_its_end_and_then_what_may_correspond() -> None:
    told = await answer(RankedIndex(OLD, NEW), "article L. 313-7 du CESEDA")
    first, second = told.passages
    assert (first.chunk.status, first.chunk.end_date) == ("ABROGE", "2021-05-01")
    assert second.chunk == NEW
    assert not told.unknown


async def test_the_concordance_finds_articles_and_never_says_that_they_replaced_another() -> None:
    told = await answer(RankedIndex(OLD, NEW), "article L. 313-7 du CESEDA")
    assert [passage.replaced_by for passage in told.passages] == [(), ()]


async def test_what_followed_a_repealed_article_is_what_the_data_say() -> None:
    old = replace(OLD, replaced_by=("ceseda:L422-2",))
    told = await answer(RankedIndex(old), "article L. 313-7 du CESEDA")
    assert told.passages[0].replaced_by == (("L422-2", "ceseda"),)


async def test_an_old_number_that_is_not_indexed_is_told_with_what_may_correspond() -> None:
    told = await answer(RankedIndex(NEW), "article L. 313-7 du CESEDA")
    assert [passage.chunk for passage in told.passages] == [NEW]
    assert told.unknown[0].replaced_by == (("L422-1", "ceseda"),)


async def test_a_repealed_number_gives_the_version_that_ended_last() -> None:
    first = article("L1", "Un.", chunk_id="first_1", end_date="2018-01-01")
    last = article("L1", "Deux.", chunk_id="last_1", end_date="2021-05-01")
    assert await found(RankedIndex(first, last), "article L. 1 du code du travail") == ["last_1"]


async def test_a_number_in_force_is_never_answered_by_an_older_version() -> None:
    old = article("L1234-5", "Ancien.", chunk_id="old_1", end_date="2021-05-01")
    assert await found(RankedIndex(old, NAMED), "article L. 1234-5 du code du travail") == ["named_1"]


@pytest.mark.parametrize(
    ("end_date", "changes_on"),
    [("2026-12-31", "2026-12-31"), ("2027-01-21", "2027-01-21"), ("2027-01-22", ""), ("2999-01-01", "")],
)
async def test_a_text_that_changes_within_sixty_days_says_so(end_date: str, changes_on: str) -> None:
    index = RankedIndex(bm25=[Hit(article("L1", "Le préavis.", end_date=end_date), 1.0)])
    told = await answer(index, "préavis")
    assert told.passages[0].changes_on == changes_on


async def test_a_question_without_a_term_finds_nothing_and_asks_nothing() -> None:
    index = RankedIndex(bm25=sheets(("F1_1", 1.0)))
    assert await found(index, "et pour nous ?") == []
    assert index.asked == []


async def test_few_references_of_a_long_list_are_looked_up() -> None:
    index = RankedIndex()
    await found(index, ", ".join(f"article L. {n}-1 du code du travail" for n in range(100, 150)))
    assert len([lane for lane in index.asked if isinstance(lane, ReferenceLane)]) == 8


async def test_passages_bear_the_day_of_their_data() -> None:
    told = await answer(RankedIndex(bm25=sheets(("F1_1", 1.0))), "carte")
    assert told.passages[0].snapshot_at == told.manifest.snapshot_at == "2026-11-20"


async def test_offices_of_other_departements_are_left_out_when_a_place_is_named() -> None:
    index = RankedIndex(bm25=sheets(("F1_1", 1.0)))
    search = searcher(index)
    await search.serve(None, Lexicon({}, {"villeurbanne": ("69",), "69100": ("69",)}))
    for question in ("quelle préfecture pour Villeurbanne", "préfecture 69100", "la préfecture du Rhône"):
        await search.search(question, scope(), 8, timeout_s=1)
        assert index.scopes[-1].departments == ("69",)


async def test_offices_are_left_out_when_no_place_is_named() -> None:
    index = RankedIndex(bm25=sheets(("F1_1", 1.0)))
    await found(index, "faut-il aller à la préfecture ?")
    assert (index.scopes[-1].departments, index.scopes[-1].local) == ((), False)


async def test_the_callers_departments_count_before_those_of_the_question() -> None:
    index = RankedIndex(bm25=sheets(("F1_1", 1.0)))
    await searcher(index).search("préfecture du Rhône", scope(TODAY, {"departments": ("75",)}), 8, timeout_s=1)
    assert index.scopes[-1].departments == ("75",)


async def test_a_branch_of_industry_counts_when_the_question_names_it() -> None:
    index = RankedIndex(bm25=sheets(("F1_1", 1.0)))
    await found(index, "préavis convention collective 1486")
    assert index.scopes[-1].branches == ("1486",)


async def test_a_slip_of_the_finger_is_corrected_by_the_words_of_the_corpus() -> None:
    index = RankedIndex(bm25=sheets(("F1_1", 1.0)))
    search = searcher(index)
    await search.serve(None, Lexicon({"renouvellement": 9}, {}))
    await search.search("renouvelement", scope(), 8, timeout_s=1)
    [lane] = [lane for lane in index.asked if isinstance(lane, SparseLane) and lane.using == PASSAGE_VECTOR]
    assert lane.vector.indices == Analyzer().query("renouvellement").indices


async def test_an_acronym_and_its_name_find_each_other_at_half_the_weight_of_the_question() -> None:
    index = RankedIndex(bm25=sheets(("F1_1", 1.0)))
    await found(index, "OQTF")
    lane = index.asked[0]
    assert isinstance(lane, SparseLane)
    weights = dict(zip(lane.vector.indices, lane.vector.values, strict=True))
    [own] = Analyzer().query("OQTF").indices
    assert weights[own] == 1.0
    assert weights[Analyzer().query("territoire").indices[0]] == 0.5
