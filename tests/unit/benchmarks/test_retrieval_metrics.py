import math
import random

import pytest
from benchmarks.retrieval import misspell
from benchmarks.retrieval_metrics import judge, ndcg, recall, reciprocal_rank

GRADES = {"a": 5, "b": 3, "c": 1}
TOPICS = {f"t{n}": {f"d{n}": 5} for n in range(50)}
DOCUMENTS = [f"d{n}" for n in range(1000)]


def test_the_best_order_scores_one_and_nothing_scores_nothing() -> None:
    assert ndcg(["a", "b", "c"], GRADES) == 1.0
    assert ndcg([], GRADES) == 0.0
    assert ndcg(["x", "y"], GRADES) == 0.0


def test_a_gain_is_two_to_the_grade_less_one_and_fades_with_the_rank() -> None:
    best = 31 + 7 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(["x", "a"], GRADES) == pytest.approx(31 / math.log2(3) / best)


def test_what_stands_below_the_tenth_rank_gains_nothing() -> None:
    assert ndcg([*"defghijklm", "a"], GRADES) == 0.0


def test_recall_counts_grades_from_three() -> None:
    assert recall(["a", "c"], GRADES, 5) == 0.5
    assert recall(["c"], GRADES, 5) == 0.0
    assert recall(["x", "a", "b"], GRADES, 2) == 0.5


def test_the_reciprocal_rank_is_that_of_the_first_answer() -> None:
    assert reciprocal_rank(["c", "b", "a"], GRADES) == 0.5
    assert reciprocal_rank([], GRADES) == 0.0


def test_a_ranker_that_returns_nothing_scores_nothing_everywhere() -> None:
    scores = judge({topic: [[], []] for topic in TOPICS}, TOPICS)
    assert (scores.ndcg_at_10, scores.recall_at_100, scores.mrr) == (0.0, 0.0, 0.0)


def test_a_random_ranker_scores_what_chance_gives() -> None:
    chance = random.Random(1)
    rankings = {topic: [chance.sample(DOCUMENTS, 1000) for _ in range(8)] for topic in TOPICS}
    scores = judge(rankings, TOPICS)
    assert scores.recall_at_100 == pytest.approx(0.1, abs=0.05)
    assert scores.ndcg_at_10 < 0.02


def test_a_ranker_that_knows_scores_one_everywhere() -> None:
    scores = judge({topic: [[*grades, "x"]] for topic, grades in TOPICS.items()}, TOPICS)
    assert (scores.ndcg_at_10, scores.recall_at_5, scores.mrr) == (1.0, 1.0, 1.0)


def test_every_topic_counts_the_same_however_many_phrasings_it_has() -> None:
    grades = {"often": {"a": 5}, "once": {"b": 5}}
    assert judge({"often": [["a"]] * 8, "once": [["x"]]}, grades).mrr == 0.5


def test_no_topic_is_no_score() -> None:
    with pytest.raises(ValueError, match="no topic"):
        judge({}, {})


def test_a_slip_changes_the_longest_word_alone() -> None:
    slips = random.Random(3)
    for _ in range(50):
        first, longest, last = misspell("un renouvellement ici", slips).split()
        assert (first, last) == ("un", "ici")
        assert abs(len(longest) - len("renouvellement")) <= 1
