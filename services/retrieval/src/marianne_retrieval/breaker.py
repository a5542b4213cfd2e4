"""Keeps questions from waiting for what did not answer the last ones."""

import time
from collections.abc import Callable
from typing import Final

FAILURES: Final = 2
OPEN_S: Final = 5.0


class Breaker:
    """Opens after some failures in a row; then lets one attempt through each `open_s` seconds until one succeeds."""

    def __init__(
        self, *, failures: int = FAILURES, open_s: float = OPEN_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = failures
        self._open_s = open_s
        self._clock = clock
        self._failures = 0
        self._next_attempt = 0.0

    def allows(self) -> bool:
        """Whether an attempt may be made now; when the breaker is open, the caller's is the only one for a while."""
        if self._failures < self._most:
            return True
        now = self._clock()
        if now < self._next_attempt:
            return False
        self._next_attempt = now + self._open_s
        return True

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        self._next_attempt = self._clock() + self._open_s
