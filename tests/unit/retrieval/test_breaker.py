from collections.abc import Sequence

import pytest

from marianne_corpus.index import Lane, Ranking, Scope, StoreUnavailableError
from marianne_retrieval.breaker import Breaker
from marianne_retrieval.guarded_index import GuardedIndex
from support.corpus import scope
from support.ranked_index import RankedIndex


class SilentIndex(RankedIndex):
    async def rank(self, lanes: Sequence[Lane], scope: Scope, *, timeout_s: float) -> Ranking:
        raise StoreUnavailableError("no answer")


@pytest.mark.parametrize(("timeout_s", "opens"), [(0.01, False), (1.5, True)])
async def test_callers_in_a_hurry_do_not_make_an_index_look_dead(timeout_s: float, opens: bool) -> None:
    breaker = Breaker(failures=2)
    index = GuardedIndex(SilentIndex(), breaker)
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="no answer"):
            await index.rank([], scope(), timeout_s=timeout_s)
    assert breaker.allows() is not opens


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(failures=2, open_s=5.0, clock=clock)
    breaker.failed()
    assert breaker.allows()
    breaker.failed()
    return breaker


def test_failures_in_a_row_open_it() -> None:
    assert not opened(Clock()).allows()


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker(failures=2)
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.allows()


def test_one_attempt_is_let_through_after_a_while() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 5.0
    assert [breaker.allows(), breaker.allows()] == [True, False]


def test_an_attempt_that_succeeds_closes_it_and_one_that_fails_does_not() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 5.0
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    clock.now += 5.0
    assert breaker.allows()
    breaker.succeeded()
    assert breaker.allows()
