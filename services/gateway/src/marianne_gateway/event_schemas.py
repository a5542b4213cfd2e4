"""The payloads of the events, for the reference of the API; what is sent is built in `orchestrator_client`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

IsoDate = Annotated[str | None, Field(description="Date ISO 8601 ; null quand la source n’en donne pas.")]
Verdict = Literal["quoted", "supported", "cited", "no_claim", "fixed"]


class _Payload(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Corpus(_Payload):
    name: str
    snapshot_at: IsoDate


class Meta(_Payload):
    """Le tour qui commence."""

    thread_id: str
    message_id: str
    trace_id: str
    trace_sampled: bool
    model: str
    language: str
    memory: Annotated[
        Literal["kept", "new", "expired"],
        Field(description="La conversation a été retrouvée, commence, ou a expiré."),
    ]
    resumable: Annotated[bool, Field(description="Le flux peut se reprendre après une coupure.")]
    corpus: Corpus


class Status(_Payload):
    """Ce que Marianne est en train de faire."""

    stage: Literal["understanding", "retrieving", "answering", "checking"]


class Source(_Payload):
    """Un passage d’un texte. Sa phrase `m` est `sentences[m - 1]` ; les citations la nomment `n.m`."""

    n: int
    id: str
    title: str
    context: Annotated[list[str], Field(description="Les titres qui mènent du document au passage.")]
    url: str
    dataset: str
    official: Annotated[bool, Field(description="Faux pour les textes qui ne viennent pas de l’administration.")]
    status: Annotated[str, Field(description="« VIGUEUR », « ABROGE »… ; vide pour un texte sans statut juridique.")]
    start_date: IsoDate
    end_date: IsoDate
    updated_at: IsoDate
    snapshot_at: IsoDate
    lang: str
    sentences: list[str]
    score: float


class Sources(_Payload):
    """Les textes sur lesquels la réponse repose, envoyés avant elle."""

    sources: list[Source]


class Token(_Payload):
    """Du texte vérifié, blancs et retours à la ligne compris."""

    text: str
    lang: str
    citations: Annotated[list[str], Field(description="`2.3` est la phrase 3 de la source 2.")]
    verdict: Annotated[
        Verdict,
        Field(
            description="Mot pour mot dans la source, vérifié, appuyé sur la source citée, sans affirmation, ou phrase "
            "fixe de Marianne."
        ),
    ]
    replaces: Annotated[
        str | None,
        Field(description="Présent quand ce texte tient la place d’une phrase retenue : la raison de la retenue."),
    ] = None


class Withheld(_Payload):
    """Une phrase n’a pas passé la vérification."""

    reason: str


class ClarifyingQuestion(_Payload):
    slot: str
    question: str
    why: str
    options: list[str] | None = None


class Clarification(_Payload):
    """Ce qu’il faut savoir avant de répondre."""

    questions: list[ClarifyingQuestion]


class Degraded(_Payload):
    """Une dépendance manque ; `consequence` dit ce que cela change pour la personne."""

    dependency: Literal["qdrant", "retrieval", "embeddings", "rerank", "redis", "guardrails", "llm", "data"]
    consequence: str


class Error(_Payload):
    """Le tour a échoué ; `done` suit."""

    code: str
    message: str
    retryable: bool
    field: Annotated[str | None, Field(description="Le champ de la demande en cause, s’il y en a un.")] = None


class Usage(_Payload):
    prompt_tokens: int
    completion_tokens: int


class Grounding(_Payload):
    """Combien de phrases ont reçu chaque verdict, et combien ont été retenues."""

    quoted: int
    supported: int
    cited: int
    no_claim: int
    fixed: int
    withheld: int


class Done(_Payload):
    """La fin du tour, toujours en dernier et une seule fois."""

    finish_reason: Literal[
        "stop", "length", "clarification", "refused", "withheld", "cancelled", "interrupted", "error"
    ]
    usage: Usage
    grounding: Grounding
    timings: Annotated[dict[str, float], Field(description="Millisecondes depuis le début du tour, par étape.")]


class Answer(_Payload):
    """Le tour entier. Ce qui n’est jamais venu est null."""

    thread_id: str | None
    message_id: str | None
    trace_id: str | None
    trace_sampled: bool | None
    model: str | None
    language: str | None
    memory: Literal["kept", "new", "expired"] | None
    resumable: bool | None
    corpus: Corpus | None
    answer: Annotated[str, Field(description="Tout le texte, en markdown.")]
    sentences: list[Token]
    sources: list[Source]
    withheld: list[Withheld]
    clarification: Clarification | None
    degraded: list[Degraded]
    error: Error | None
    finish_reason: str
    usage: Usage
    grounding: Grounding
    timings: dict[str, float]


class Fault(_Payload):
    """Ce qui n’a pas été possible."""

    code: str
    message: str
    retryable: bool
    field: Annotated[str | None, Field(description="Le champ ou l’en-tête en cause, s’il y en a un.")] = None


class ErrorBody(_Payload):
    """Le corps de toute réponse d’erreur."""

    error: Fault


class Turn(_Payload):
    """Une question et sa réponse."""

    message_id: str
    question: str
    answer: str
    asked_at: str | None


class Thread(_Payload):
    """Une conversation, du tour le plus ancien au plus récent."""

    thread_id: str
    memory: Literal["kept", "expired"]
    turns: list[Turn]


EVENTS: dict[str, type[BaseModel]] = {
    "meta": Meta,
    "status": Status,
    "sources": Sources,
    "token": Token,
    "withheld": Withheld,
    "clarification": Clarification,
    "degraded": Degraded,
    "error": Error,
    "done": Done,
}
