"""Where a model is reached, and how long and how often it is tried."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server. `base_url` ends where `/chat/completions` begins, as in `https://host/v1`.

    `model` replaces the asked model where this server names it otherwise; `provider` is the `gen_ai.provider.name`
    of its spans. Raises ValueError for an address or a key that no request can carry; neither is in the message.
    """

    base_url: str = field(repr=False)
    api_key: str = field(default="", repr=False)
    model: str = ""
    provider: str = "openai"

    def __post_init__(self) -> None:
        url = httpx.URL(self.base_url)
        if url.scheme not in {"http", "https"} or not url.host:
            raise ValueError("LLM_BASE_URL must be an http or https address such as https://host/v1")
        if url.userinfo or url.query:
            raise ValueError("LLM_BASE_URL must hold no user, password or query: the key goes into LLM_API_KEY")
        if not self.api_key.isascii() or any(c.isspace() or not c.isprintable() for c in self.api_key):
            raise ValueError("LLM_API_KEY must be printable ASCII without blanks")

    @property
    def completions_url(self) -> str:
        return f"{self.base_url.rstrip('/')}/chat/completions"

    @property
    def host(self) -> str:
        return httpx.URL(self.base_url).host

    @property
    def authorization(self) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """Limits of one call, in seconds.

    `first_token_timeout_s` bounds one attempt up to its first text, `token_timeout_s` the wait for each later piece,
    `total_timeout_s` the call with all attempts. An endpoint is tried `attempts` times, and only before the first
    text; waits between attempts start at `backoff_s`, double, and are never longer than `longest_wait_s`.
    Once a sentence is under way the stream is read every `read_interval_s`; 0 reads at once.
    """

    connect_timeout_s: float = 3.0
    first_token_timeout_s: float = 20.0
    token_timeout_s: float = 15.0
    total_timeout_s: float = 80.0
    attempts: int = 3
    backoff_s: float = 0.2
    longest_wait_s: float = 2.0
    read_interval_s: float = 0.03

    def wait_s(self, failed_attempts: int, retry_after_s: float | None) -> float | None:
        """How long to wait before the next attempt, or None when there should be none."""
        if failed_attempts >= self.attempts or (retry_after_s or 0) > self.longest_wait_s:
            return None
        backoff = min(self.longest_wait_s, self.backoff_s * 2.0 ** (failed_attempts - 1))
        jittered = backoff * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing
        return max(jittered, retry_after_s or 0)


def retry_after_s(header: str | None) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3); None when it says neither."""
    if not header:
        return None
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (until.astimezone(UTC) - datetime.now(UTC)).total_seconds())
