"""A judge over any server with the chat completions API of OpenAI."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx
import orjson
from opentelemetry.instrumentation.utils import suppress_http_instrumentation

from marianne_guardrails.evidence import Passage
from marianne_guardrails.judge.port import Claim, JudgeError, Judgement
from marianne_guardrails.judge.prompt import RESPONSE_FORMAT, judge_messages
from marianne_guardrails.judge.reply import read_reply
from marianne_guardrails.judge.telemetry import CallRecord, recorded_call

_ATTEMPTS: Final = 2
_MAX_REPLY_BYTES: Final = 1 << 18


class OpenAICompatibleJudge:
    """Asks `model` about all claims in one request. `base_url` ends where `/chat/completions` begins.

    The client is shared and stays open; only its owner closes it.
    """

    def __init__(self, http: httpx.AsyncClient, base_url: str, model: str, api_key: str = "") -> None:
        self._http = http
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._host = httpx.URL(base_url).host
        self._model = model
        self._headers = {"content-type": "application/json"}
        if api_key:
            self._headers["authorization"] = f"Bearer {api_key}"

    async def judge(self, passages: Sequence[Passage], claims: Sequence[Claim]) -> Sequence[Judgement]:
        with recorded_call(self._model, self._host) as record:
            content = await self._ask(judge_messages(passages, claims), record)
            return read_reply(content, passages, claims)

    async def _ask(self, messages: Sequence[Mapping[str, str]], record: CallRecord) -> str:
        payload = {
            "model": self._model,
            "messages": messages,
            "temperature": 0,
            "stream": False,
            "response_format": RESPONSE_FORMAT,
        }
        response = await self._post(orjson.dumps(payload), record)
        if not response.is_success:
            raise JudgeError(f"the judge answered with status {response.status_code}")
        if len(response.content) > _MAX_REPLY_BYTES:
            raise JudgeError("the judge's reply is too long")
        return _content(response.content, record)

    async def _post(self, body: bytes, record: CallRecord) -> httpx.Response:
        """Tries again once when the connection broke, as a kept one does when its server closed it meanwhile."""
        headers = {**self._headers, **record.headers()}
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                # Its span would hide that the record's span is the one of the call.
                with suppress_http_instrumentation():
                    return await self._http.post(self._url, content=body, headers=headers)
            except httpx.RequestError as error:
                if attempt == _ATTEMPTS or not isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError):
                    raise JudgeError(f"the judge cannot be reached ({type(error).__name__})") from error
        raise AssertionError


def _content(body: bytes, record: CallRecord) -> str:
    try:
        reply: Any = orjson.loads(body)
        record.counted(reply.get("usage") or {})
        content = reply["choices"][0]["message"]["content"]
    except (orjson.JSONDecodeError, AttributeError, KeyError, IndexError, TypeError):
        # These errors carry the document.
        raise JudgeError("the judge sent no OpenAI-compatible answer") from None
    if not isinstance(content, str):
        raise JudgeError("the judge's answer has no text")
    return content
