"""A judge that runs in this process: the token classifier of LettuceDetect, an optional extra of this service.

https://github.com/KRLabsOrg/LettuceDetect
"""

import asyncio
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Final, Protocol, cast

from marianne_guardrails.evidence import Passage
from marianne_guardrails.judge.port import Claim, Entailment, JudgeError, Judgement
from marianne_guardrails.judge.prompt import sentences_around

MIN_CONFIDENCE: Final = 0.5


class Detector(Protocol):
    """The part of `lettucedetect.models.inference.HallucinationDetector` that is used."""

    def predict(
        self, context: list[str], answer: str, question: str | None, output_format: str, min_confidence: float
    ) -> Sequence[Mapping[str, Any]]:
        """The spans of `answer` that `context` does not support."""
        ...


class LettuceDetectJudge:
    """Judges one claim after another, in a thread. A claim of which a part is unsupported is NOT_FOUND."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._free = asyncio.Lock()

    async def judge(self, passages: Sequence[Passage], claims: Sequence[Claim]) -> Sequence[Judgement]:
        async with self._free:
            return [await asyncio.to_thread(self._judgement, passages, claim) for claim in claims]

    def _judgement(self, passages: Sequence[Passage], claim: Claim) -> Judgement:
        try:
            unsupported = self._detector.predict(
                _context(passages, claim), claim.text, None, "spans", min_confidence=MIN_CONFIDENCE
            )
        except (RuntimeError, ValueError) as error:
            raise JudgeError(f"lettucedetect failed ({type(error).__name__})") from error
        return Judgement(claim.id, Entailment.NOT_FOUND if unsupported else Entailment.SUPPORTED)


def load_detector(model: str) -> Detector:
    """Loads the classifier `model`, a path or a name. Raises ImportError, saying what to install."""
    try:
        inference = import_module("lettucedetect.models.inference")
    except ImportError as error:
        raise ImportError("GUARDRAILS_JUDGE_BACKEND=lettucedetect needs marianne-guardrails[lettucedetect]") from error
    return cast(Detector, inference.HallucinationDetector(method="transformer", model_path=model))


def _context(passages: Sequence[Passage], claim: Claim) -> list[str]:
    shown = sentences_around(passages, claim.citations)
    return [
        " ".join(
            [
                passage.title,
                *(passage.sentences[id_.sentence - 1] for id_ in sorted(shown) if id_.passage == passage.number),
            ]
        )
        for passage in passages
        if any(id_.passage == passage.number for id_ in shown)
    ]
