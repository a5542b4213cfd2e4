"""What a turn tells, typed; the gateway's reference (`/docs`) says what each part means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import orjson

from marianne_client.errors import ProtocolError
from marianne_client.sse import Message

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Corpus:
    name: str
    snapshot_at: str | None


@dataclass(frozen=True, slots=True)
class Meta:
    thread_id: str
    message_id: str
    trace_id: str
    trace_sampled: bool
    model: str
    language: str
    memory: str
    resumable: bool
    corpus: Corpus


@dataclass(frozen=True, slots=True)
class Status:
    stage: str


@dataclass(frozen=True, slots=True)
class Source:
    """A passage; sentence m of source n, `sentences[m - 1]`, is cited as "n.m". Dates are ISO 8601."""

    n: int
    id: str
    title: str
    context: tuple[str, ...]
    url: str
    dataset: str
    official: bool
    status: str
    start_date: str | None
    end_date: str | None
    updated_at: str | None
    snapshot_at: str | None
    lang: str
    sentences: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Sources:
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """Checked text; the texts of all tokens, joined, are the answer. `replaces` says why another was withheld."""

    text: str
    lang: str
    citations: tuple[str, ...]
    verdict: str
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    reason: str


@dataclass(frozen=True, slots=True)
class ClarifyingQuestion:
    slot: str
    question: str
    why: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clarification:
    questions: tuple[ClarifyingQuestion, ...]


@dataclass(frozen=True, slots=True)
class Degraded:
    dependency: str
    consequence: str


@dataclass(frozen=True, slots=True)
class Error:
    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Done:
    """`grounding` counts sentences by verdict; `timings` are milliseconds since the turn began, by stage."""

    finish_reason: str
    usage: Usage
    grounding: Mapping[str, int]
    timings: Mapping[str, float]


Event = Meta | Status | Sources | Token | Withheld | Clarification | Degraded | Error | Done


def decode(message: Message) -> Event | None:
    """The event of a message, None for a kind this client does not know. Raises ProtocolError for a malformed one."""
    build = _BUILDERS.get(message.event)
    if build is None:
        return None
    try:
        return build(orjson.loads(message.data))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ProtocolError(f"malformed {message.event!r} event") from error


def name_of(event: Event) -> str:
    """The event's name on the wire."""
    return type(event).__name__.lower()


def _plain(kind: type[T], payload: Mapping[str, Any], **built: Any) -> T:
    """Fields by name, lists as tuples; what this client does not know is passed over."""
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # only dataclasses come here
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in payload.items()}
    return kind(**{name: value for name, value in (given | built).items() if name in known})


def _meta(payload: Mapping[str, Any]) -> Meta:
    return _plain(Meta, payload, corpus=_plain(Corpus, payload["corpus"]))


def _sources(payload: Mapping[str, Any]) -> Sources:
    return Sources(tuple(_plain(Source, source) for source in payload["sources"]))


def _clarification(payload: Mapping[str, Any]) -> Clarification:
    return Clarification(tuple(_plain(ClarifyingQuestion, question) for question in payload["questions"]))


def _done(payload: Mapping[str, Any]) -> Done:
    return _plain(Done, payload, usage=_plain(Usage, payload["usage"]))


_BUILDERS: dict[str, Callable[[Mapping[str, Any]], Event]] = {
    "meta": _meta,
    "status": lambda payload: _plain(Status, payload),
    "sources": _sources,
    "token": lambda payload: _plain(Token, payload),
    "withheld": lambda payload: _plain(Withheld, payload),
    "clarification": _clarification,
    "degraded": lambda payload: _plain(Degraded, payload),
    "error": lambda payload: _plain(Error, payload),
    "done": _done,
}
