"""The claims of one answer on their way to the judge: few calls, one after another, while the answer goes on."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

import structlog

from marianne_guardrails import metrics
from marianne_guardrails.evidence import Passage
from marianne_guardrails.judge.port import Claim, Entailment, Judge, JudgeError

SENTENCES_PER_CALL: Final = 3

Finding = Entailment | Literal["missing", "timeout", "error"]
"""What a judge found, or why it found nothing."""

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class JudgeLimits:
    """Seconds that a call may take; the first one of an answer holds back its first sentence.

    `linger_s` is how long a claim waits for company; where a model writes slower still, calls are spent and not the
    reader's time.
    """

    first_s: float
    later_s: float
    linger_s: float = 2.0


class ClaimBatches:
    """Judges the first claim at once and then all that wait, at most one call for three sentences of the answer."""

    def __init__(self, judge: Judge, limits: JudgeLimits, passages: Sequence[Passage]) -> None:
        self._judge = judge
        self._limits = limits
        self._passages = passages
        self._waiting: list[tuple[Claim, asyncio.Future[Finding]]] = []
        self._oldest_since = 0.0
        self._changed = asyncio.Event()
        self._sentences = 0
        self._calls = 0
        self._ended = False

    def ask(self, claim: Claim) -> "asyncio.Future[Finding]":
        loop = asyncio.get_running_loop()
        finding: asyncio.Future[Finding] = loop.create_future()
        if not self._waiting:
            self._oldest_since = loop.time()
        self._waiting.append((claim, finding))
        self.pass_by()
        return finding

    def pass_by(self) -> None:
        """One more sentence of the answer has come."""
        self._sentences += 1
        self._changed.set()

    def end(self) -> None:
        """No more sentence comes."""
        self._ended = True
        self._changed.set()

    async def run(self) -> None:
        """Makes the calls, until all that was asked before the end is found."""
        batch: list[tuple[Claim, asyncio.Future[Finding]]] = []
        try:
            while await self._call_is_due():
                batch, self._waiting = self._waiting, []
                await self._call(batch)
        finally:
            # Whoever waits must not wait for a task that is gone.
            for _, finding in (*batch, *self._waiting):
                finding.cancel()

    async def _call_is_due(self) -> bool:
        """False once everything is done."""
        while not self._is_due():
            if self._ended and not self._waiting:
                return False
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience_s() if self._waiting else None):
                    await self._changed.wait()
        return True

    def _is_due(self) -> bool:
        if not self._waiting:
            return False
        allowed = 1 + (self._sentences - 1) // SENTENCES_PER_CALL
        return self._calls < allowed or self._ended or self._patience_s() <= 0

    def _patience_s(self) -> float:
        return self._oldest_since + self._limits.linger_s - asyncio.get_running_loop().time()

    async def _call(self, batch: Sequence[tuple[Claim, "asyncio.Future[Finding]"]]) -> None:
        self._calls += 1
        findings = await self._findings([claim for claim, _ in batch])
        for claim, finding in batch:
            found = findings.get(claim.id, "missing")
            metrics.JUDGEMENTS.labels(found).inc()
            if not finding.done():
                finding.set_result(found)

    async def _findings(self, claims: Sequence[Claim]) -> Mapping[int, Finding]:
        limit_s = self._limits.first_s if self._calls == 1 else self._limits.later_s
        try:
            with metrics.GUARDRAIL_CHECK_SECONDS.labels("judge").time():
                async with asyncio.timeout(limit_s):
                    judgements = await self._judge.judge(self._passages, claims)
        except TimeoutError:
            return _none_found(claims, "timeout")
        except JudgeError as error:
            logger.warning("judge_failed", reason=str(error))
            return _none_found(claims, "error")
        metrics.JUDGE_REQUESTS.labels("ok").inc()
        return {judgement.claim: judgement.entailment for judgement in judgements}


def _none_found(claims: Sequence[Claim], why: Literal["timeout", "error"]) -> Mapping[int, Finding]:
    metrics.JUDGE_REQUESTS.labels(why).inc()
    return {claim.id: why for claim in claims}
