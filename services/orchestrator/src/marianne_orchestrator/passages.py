"""What others wrote is checked for orders to the model before the model reads it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from marianne_orchestrator import metrics
from marianne_orchestrator.events import Source
from marianne_orchestrator.threads import Exchange

logger = structlog.get_logger(__name__)


class PassageCheck(Protocol):
    async def check_passages(self, texts: Sequence[str]) -> Sequence[bool]:
        """Whether each text is free of orders to the model. Raises GuardrailsUnavailableError."""
        ...


async def readable_sources(check: PassageCheck, sources: Sequence[Source]) -> tuple[Source, ...]:
    """The sources, counted anew, without documents of users that give orders to the model.

    An official text is never dropped, for a law must not vanish: the prompt fences it, and operators are told. Raises
    GuardrailsUnavailableError.
    """
    verdicts = await check.check_passages([_whole(source) for source in sources]) if sources else ()
    for source, is_clean in zip(sources, verdicts, strict=True):
        if not is_clean:
            metrics.SUSPICIOUS_PASSAGES.labels("official" if source.official else "document").inc()
            logger.warning("suspicious_passage", chunk_id=source.id, official=source.official)
    kept = [source for source, is_clean in zip(sources, verdicts, strict=True) if is_clean or source.official]
    return tuple(replace(source, n=n) for n, source in enumerate(kept, start=1))


async def readable_history(check: PassageCheck, history: Sequence[Exchange]) -> tuple[Exchange, ...]:
    """The exchanges that give no orders to the model. Raises GuardrailsUnavailableError."""
    verdicts = await check.check_passages([f"{past.question}\n{past.answer}" for past in history]) if history else ()
    dropped = sum(not is_clean for is_clean in verdicts)
    if dropped:
        metrics.SUSPICIOUS_PASSAGES.labels("history").inc(dropped)
    return tuple(past for past, is_clean in zip(history, verdicts, strict=True) if is_clean)


def _whole(source: Source) -> str:
    return "\n".join((source.title, *source.context, *source.sentences))
