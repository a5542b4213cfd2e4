"""How a language model can fail. Messages hold no key, no address and no text of a user, so they may be logged."""

from typing import ClassVar, Literal

Outcome = Literal[
    "ok", "unavailable", "refused", "timeout", "interrupted", "no_text", "protocol_error", "cancelled", "internal_error"
]
TimedPhase = Literal["connect", "first_token", "between_tokens", "total"]

_ADVICE = {401: ": check LLM_API_KEY", 403: ": check LLM_API_KEY", 404: ": check LLM_BASE_URL and LLM_MODEL"}


class LLMError(Exception):
    """A language model gave no whole answer."""

    outcome: ClassVar[Outcome] = "internal_error"


class LLMUnavailable(LLMError):  # noqa: N818 - the state of the model reads best
    """Unreachable, overloaded (429), failing (5xx), or gone before its first token. Asking again may help."""

    outcome = "unavailable"

    def __init__(self, cause: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"the language model is unavailable ({cause})")
        self.retry_after_s = retry_after_s


class LLMRefused(LLMError):  # noqa: N818 - the state of the model reads best
    """Answered with a status that asking again does not change, such as 401 or 404."""

    outcome = "refused"

    def __init__(self, status: int) -> None:
        super().__init__(f"the language model refused the request with status {status}{_ADVICE.get(status, '')}")
        self.status = status


class LLMTimeout(LLMError):  # noqa: N818 - the state of the model reads best
    """Took longer than the call policy allows in one phase."""

    outcome = "timeout"

    def __init__(self, phase: TimedPhase) -> None:
        super().__init__(f"the language model took too long ({phase})")
        self.phase = phase


class LLMProtocolError(LLMError):
    """Sent something that is not an OpenAI-compatible answer."""

    outcome = "protocol_error"

    def __init__(self, what: str) -> None:
        super().__init__(f"the language model sent no OpenAI-compatible answer ({what}): check LLM_BASE_URL")


class LLMNoText(LLMError):  # noqa: N818 - the state of the model reads best
    """Ended its answer properly, but without any text, as after a tool call or when reasoning used up the tokens."""

    outcome = "no_text"

    def __init__(self, finish_reason: str | None) -> None:
        super().__init__(f"the language model gave no text (finish reason: {finish_reason})")
        self.finish_reason = finish_reason


class LLMInterrupted(LLMError):  # noqa: N818 - the state of the model reads best
    """Failed after text had been given. `given` is that text; the failure itself is the `__cause__`."""

    outcome = "interrupted"

    def __init__(self, given: str) -> None:
        super().__init__("the language model was interrupted in its answer")
        self.given = given
