"""One call of a chat completions API: attempts, fail-over and time limits around the reading of a response."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, cast

import httpx
import orjson
import structlog
from opentelemetry.instrumentation.utils import suppress_http_instrumentation

from marianne_orchestrator.llm.delivery import Delivery
from marianne_orchestrator.llm.errors import (
    LLMError,
    LLMInterrupted,
    LLMNoText,
    LLMProtocolError,
    LLMRefused,
    LLMTimeout,
    LLMUnavailable,
)
from marianne_orchestrator.llm.policy import CallPolicy, Endpoint, retry_after_s
from marianne_orchestrator.llm.stream import AnswerReader, Completion, reader_of
from marianne_orchestrator.llm.telemetry import CallRecord

# A server that has said [DONE] ends the body at once; waiting for that keeps the connection for the next call.
_END_OF_BODY_S = 0.05

_log = structlog.get_logger(__name__)


class Exchange:
    """Sends one payload to the first endpoint that answers. Use once.

    `payload` is the JSON body; its `model` is replaced where an endpoint names models otherwise.
    """

    def __init__(
        self, http: httpx.AsyncClient, endpoints: tuple[Endpoint, ...], policy: CallPolicy, payload: Mapping[str, Any]
    ) -> None:
        self._http = http
        self._endpoints = endpoints
        self._policy = policy
        self._payload = payload

    async def run(self, delivery: Delivery, record: CallRecord) -> Completion:
        """Raises an LLMError; LLMInterrupted and no other once text has been given."""
        try:
            return await self._in_time(delivery, record)
        except LLMError as error:
            if not delivery.given:
                raise
            raise LLMInterrupted(delivery.given) from error

    async def _in_time(self, delivery: Delivery, record: CallRecord) -> Completion:
        try:
            async with asyncio.timeout(self._policy.total_timeout_s):
                return await self._any_endpoint(delivery, record)
        except TimeoutError as error:
            raise LLMTimeout("total") from error

    async def _any_endpoint(self, delivery: Delivery, record: CallRecord) -> Completion:
        *earlier, last = self._endpoints
        for endpoint in earlier:
            try:
                return await self._attempts(endpoint, delivery, record)
            except LLMError:
                if delivery.given:
                    raise
        return await self._attempts(last, delivery, record)

    async def _attempts(self, endpoint: Endpoint, delivery: Delivery, record: CallRecord) -> Completion:
        failed = 0
        while True:
            try:
                return await self._attempt(endpoint, delivery, record)
            except LLMError as error:
                failed += 1
                wait_s = self._wait_s(error, failed, delivery)
                _log.warning("llm_attempt_failed", host=endpoint.host, error=type(error).__name__, wait_s=wait_s)
                if wait_s is None:
                    raise
            await asyncio.sleep(wait_s)

    def _wait_s(self, error: LLMError, failed: int, delivery: Delivery) -> float | None:
        if delivery.given or not isinstance(error, LLMUnavailable):
            return None
        return self._policy.wait_s(failed, error.retry_after_s)

    async def _attempt(self, endpoint: Endpoint, delivery: Delivery, record: CallRecord) -> Completion:
        limit_s = self._policy.first_token_timeout_s if self._payload["stream"] else None
        try:
            async with asyncio.timeout(limit_s) as clock, self._response(endpoint, record) as response:
                reader = reader_of(response.headers.get("content-type", ""))
                await _read(response, reader, delivery, clock)
        except TimeoutError as error:
            raise LLMTimeout("between_tokens" if delivery.given else "first_token") from error
        except httpx.ConnectTimeout as error:
            raise LLMTimeout("connect") from error
        except httpx.DecodingError as error:
            raise LLMProtocolError("its compression is broken") from error
        except httpx.RequestError as error:
            raise LLMUnavailable(type(error).__name__) from error
        record.completed(reader.completion)
        if not delivery.given:
            raise LLMNoText(reader.completion.finish_reason)
        return reader.completion

    @asynccontextmanager
    async def _response(self, endpoint: Endpoint, record: CallRecord) -> AsyncIterator[httpx.Response]:
        request = self._http.build_request(
            "POST",
            endpoint.completions_url,
            content=orjson.dumps({**self._payload, "model": endpoint.model or self._payload["model"]}),
            headers={
                "content-type": "application/json",
                "accept-encoding": "identity",
                **endpoint.authorization,
                **record.attempted(endpoint),
            },
            timeout=httpx.Timeout(self._policy.connect_timeout_s, read=None),
        )
        # The instrumentation's span would end at the headers; the one of the record covers the whole stream.
        with suppress_http_instrumentation():
            response = await self._http.send(request, stream=True)
        async with aclosing(response):
            _raise_for_status(response)
            yield response


async def _read(response: httpx.Response, reader: AnswerReader, delivery: Delivery, clock: asyncio.Timeout) -> None:
    body = cast("AsyncGenerator[bytes, None]", response.aiter_bytes())
    async with aclosing(body):
        async for data in body:
            await delivery.hand_on(reader.feed(data), clock)
            if reader.done:
                return await _read_to_end(body)
        return await delivery.hand_on(reader.close(), clock)


async def _read_to_end(body: AsyncGenerator[bytes, None]) -> None:
    with suppress(TimeoutError, httpx.RequestError):
        async with asyncio.timeout(_END_OF_BODY_S):
            async for _ in body:
                continue


def _raise_for_status(response: httpx.Response) -> None:
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
        raise LLMUnavailable(f"status {status}", retry_after_s=retry_after_s(response.headers.get("retry-after")))
    if not response.is_success:
        raise LLMRefused(status)
