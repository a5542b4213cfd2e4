"""What a ranking is worth, given which documents answer and how well (grades 1 to 5)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import fmean

RELEVANT = 3
"""From this grade on a document counts as an answer where only yes and no count."""

Grades = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over topics; each topic is the mean of its phrasings."""

    ndcg_at_10: float
    recall_at_5: float
    recall_at_10: float
    recall_at_100: float
    mrr: float


def ndcg(ranking: Sequence[str], grades: Grades, depth: int = 10) -> float:
    """Normalised discounted cumulative gain with gain 2^grade - 1 and discount log2(rank + 1); 0 without any gain.

    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002, in Burges' form of 2005.
    """
    best = _gain(sorted(grades.values(), reverse=True)[:depth])
    return _gain([grades.get(document, 0) for document in ranking[:depth]]) / best if best else 0.0


def recall(ranking: Sequence[str], grades: Grades, depth: int) -> float:
    """The share of the relevant documents that is among the first `depth`; 0 when none is relevant."""
    relevant = _relevant(grades)
    return len(relevant & set(ranking[:depth])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Grades) -> float:
    """1 / the rank of the first relevant document; 0 without one."""
    relevant = _relevant(grades)
    return next((1 / rank for rank, document in enumerate(ranking, start=1) if document in relevant), 0.0)


def judge(rankings: Mapping[str, Sequence[Sequence[str]]], grades: Mapping[str, Grades]) -> Scores:
    """Scores the rankings of each topic's phrasings; every topic counts the same. Raises ValueError for no topic."""
    if not rankings:
        raise ValueError("no topic to judge")
    topics = [_mean([_scores(ranking, grades[topic]) for ranking in found]) for topic, found in rankings.items()]
    return _mean(topics)


def _scores(ranking: Sequence[str], grades: Grades) -> Scores:
    return Scores(
        ndcg(ranking, grades),
        recall(ranking, grades, 5),
        recall(ranking, grades, 10),
        recall(ranking, grades, 100),
        reciprocal_rank(ranking, grades),
    )


def _mean(scores: Sequence[Scores]) -> Scores:
    return Scores(*(fmean(getattr(one, field.name) for one in scores) for field in fields(Scores)))


def _gain(grades: Sequence[int]) -> float:
    return sum(float(2**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1))


def _relevant(grades: Grades) -> set[str]:
    return {document for document, grade in grades.items() if grade >= RELEVANT}
