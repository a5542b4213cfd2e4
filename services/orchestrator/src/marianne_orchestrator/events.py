"""What a turn tells its readers, in the order in which it happens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["understanding", "retrieving", "answering", "checking"]
Memory = Literal["kept", "new", "expired"]
ReleasedVerdict = Literal["quoted", "supported", "cited", "no_claim", "fixed"]
Dependency = Literal["qdrant", "retrieval", "embeddings", "rerank", "redis", "guardrails", "llm", "data"]
FinishReason = Literal["stop", "length", "clarification", "refused", "withheld", "cancelled", "interrupted", "error"]


@dataclass(frozen=True, slots=True)
class Corpus:
    name: str
    snapshot_at: str


@dataclass(frozen=True, slots=True)
class Meta:
    thread_id: str
    message_id: str
    trace_id: str
    trace_sampled: bool
    model: str
    language: str
    memory: Memory
    resumable: bool
    corpus: Corpus | None


@dataclass(frozen=True, slots=True)
class Status:
    stage: Stage


@dataclass(frozen=True, slots=True)
class Source:
    """A passage of an official text; sentence m of source n has the id "n.m". Dates are ISO 8601, "" when unknown."""

    n: int
    id: str
    title: str
    url: str
    dataset: str
    sentences: tuple[str, ...]
    context: tuple[str, ...] = ()
    status: str = ""
    start_date: str = ""
    end_date: str = ""
    updated_at: str = ""
    snapshot_at: str = ""
    lang: str = "fr"
    score: float = 0.0
    official: bool = True


@dataclass(frozen=True, slots=True)
class Sources:
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """Checked text. The texts of a turn's tokens, joined, are the whole answer, white space included."""

    text: str
    lang: str
    verdict: ReleasedVerdict
    citations: tuple[str, ...] = ()
    replaces: str = ""


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
    """`expected` marks a limit of the installation, such as no model configured, rather than a failure."""

    dependency: Dependency
    consequence: str
    expected: bool = False


@dataclass(frozen=True, slots=True)
class Error:
    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """`grounding` counts released sentences by verdict, and "withheld"; `timings` are milliseconds since the start."""

    finish_reason: FinishReason
    usage: Usage = field(default_factory=Usage)
    grounding: Mapping[str, int] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)


Event = Meta | Status | Sources | Token | Withheld | Clarification | Degraded | Error | Done
