from hypothesis import given
from hypothesis import strategies as st

from marianne_corpus.index import Ranked
from marianne_retrieval.fusion import PASSAGES_OF_A_DOCUMENT, Evidence, fuse, passages_of
from support.corpus import sheet


def hits(*scores: tuple[str, float]) -> list[Ranked]:
    return [Ranked(sheet(chunk_id, "Une carte.").point_id, score) for chunk_id, score in scores]


def first(evidence: Evidence) -> int:
    return fuse(evidence, 1)[0].document


def document(chunk_id: str) -> int:
    return hits((chunk_id, 1.0))[0].document


def test_a_document_that_matches_in_several_passages_gains() -> None:
    assert first(Evidence(hits(("F1_1", 10.0), ("F2_1", 9.5), ("F2_2", 9.0), ("F2_3", 9.0)))) == document("F2_1")


def test_a_title_decides_between_equal_passages() -> None:
    passages = hits(("F1_1", 10.0), ("F2_1", 10.0))
    for lead in ("F1_1", "F2_1"):
        assert first(Evidence(passages, titles=hits((lead, 3.0)))) == document(lead)


def test_the_whole_document_counts_beside_its_passages() -> None:
    passages = hits(("F1_1", 10.0), ("F2_1", 9.9))
    assert first(Evidence(passages, documents=hits(("F2_1", 5.0), ("F1_1", 1.0)))) == document("F2_1")


def test_an_embedding_counts_by_its_distance_to_the_lanes_last_one() -> None:
    passages = hits(("F1_1", 10.0), ("F2_1", 9.0))
    meanings = hits(("F2_1", 0.81), ("F1_1", 0.80), ("F3_1", 0.79))
    assert first(Evidence(passages, meanings=meanings)) == document("F2_1")


def test_the_best_document_of_every_lane_scores_one() -> None:
    lead = hits(("F1_1", 7.0))
    assert fuse(Evidence(lead, lead, lead), 10)[0].score == 1.0


def test_a_document_of_which_only_the_lead_was_found_gives_its_lead() -> None:
    lead = hits(("F1_1", 7.0))
    assert [hit.point_id for hit in passages_of(fuse(Evidence(titles=lead), 10))] == [lead[0].point_id]


scored = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 5), st.floats(0.0, 100)), unique_by=lambda hit: hit[:2], max_size=20
)


@given(scored, scored)
def test_each_document_comes_once_and_best_first(
    passages: list[tuple[int, int, float]], documents: list[tuple[int, int, float]]
) -> None:
    evidence = Evidence(
        hits(*((f"F{n}_{index}", score) for n, index, score in passages)),
        documents=hits(*((f"F{n}_1", score) for n, index, score in documents if index == 1)),
    )
    ranked = fuse(evidence, 100)
    assert len({found.document for found in ranked}) == len(ranked)
    scores = [found.score for found in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 + 1e-9 for score in scores)


@given(scored)
def test_no_document_gives_more_passages_than_it_may(passages: list[tuple[int, int, float]]) -> None:
    chosen = passages_of(fuse(Evidence(hits(*((f"F{n}_{index}", score) for n, index, score in passages))), 100))
    counted = [hit.document for hit in chosen]
    assert all(counted.count(one) <= PASSAGES_OF_A_DOCUMENT for one in counted)
    assert [hit.score for hit in chosen] == sorted((hit.score for hit in chosen), reverse=True)
