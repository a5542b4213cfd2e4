"""The judge that the settings name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from marianne_guardrails.config import GuardrailsSettings
from marianne_guardrails.judge.lettucedetect import LettuceDetectJudge, load_detector
from marianne_guardrails.judge.openai_compatible import OpenAICompatibleJudge
from marianne_guardrails.judge.port import Judge

MAX_CONNECTIONS = 128


@asynccontextmanager
async def open_judge(settings: GuardrailsSettings) -> AsyncIterator[Judge | None]:
    """None when there is to be no judge. Raises ImportError when its extra is not installed."""
    if not settings.judging:
        yield None
    elif settings.judge_backend == "lettucedetect":
        yield LettuceDetectJudge(load_detector(settings.judging_model))
    else:
        key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else ""
        # Whoever asks sets the time limit.
        limits = httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=32)
        async with httpx.AsyncClient(limits=limits, timeout=None) as http:  # noqa: S113
            yield OpenAICompatibleJudge(http, settings.llm_base_url or "", settings.judging_model, key)
