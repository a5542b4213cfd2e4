from dataclasses import replace
from typing import get_args

import pytest

from marianne_orchestrator.event_messages import event_message
from marianne_orchestrator.events import (
    Clarification,
    ClarifyingQuestion,
    Corpus,
    Degraded,
    Done,
    Error,
    Event,
    Meta,
    Source,
    Sources,
    Status,
    Token,
    Usage,
    Withheld,
)
from marianne_proto.orchestrator.v1 import orchestrator_pb2 as pb

META = Meta("t1", "m1", "0af7", True, "fake-1", "fr", "kept", True, Corpus("sample", "2026-01-31"))
SOURCE = Source(
    n=2,
    id="F1-2",
    title="Titre",
    url="https://www.service-public.gouv.fr/F1",
    dataset="service-public",
    sentences=("Une.", "Deux."),
    context=("Chapitre",),
    status="VIGUEUR",
    start_date="2021-05-01",
    end_date="2999-01-01",
    updated_at="2024-02-03",
    snapshot_at="2026-01-31",
    lang="fr",
    score=0.5,
    official=True,
)
GROUNDING = {"quoted": 1, "supported": 2, "cited": 3, "no_claim": 4, "fixed": 5, "withheld": 6}

EVENTS: tuple[tuple[Event, pb.TurnEvent], ...] = (
    (
        META,
        pb.TurnEvent(
            meta=pb.MetaEvent(
                thread_id="t1",
                message_id="m1",
                trace_id="0af7",
                trace_sampled=True,
                model="fake-1",
                language="fr",
                memory="kept",
                resumable=True,
                corpus=pb.CorpusInfo(name="sample", snapshot_at="2026-01-31"),
            )
        ),
    ),
    (Status("retrieving"), pb.TurnEvent(status=pb.StatusEvent(stage="retrieving"))),
    (
        Sources((SOURCE,)),
        pb.TurnEvent(
            sources=pb.SourcesEvent(
                sources=[
                    pb.Source(
                        n=2,
                        id="F1-2",
                        title="Titre",
                        url="https://www.service-public.gouv.fr/F1",
                        dataset="service-public",
                        status="VIGUEUR",
                        start_date="2021-05-01",
                        end_date="2999-01-01",
                        updated_at="2024-02-03",
                        snapshot_at="2026-01-31",
                        lang="fr",
                        sentences=["Une.", "Deux."],
                        score=0.5,
                        context=["Chapitre"],
                        official=True,
                    )
                ]
            )
        ),
    ),
    (
        Token("\n\nUne.", "fr", "quoted", ("2.1", "2.2"), replaces="actor"),
        pb.TurnEvent(
            token=pb.TokenEvent(
                text="\n\nUne.", lang="fr", citations=["2.1", "2.2"], verdict="quoted", replaces="actor"
            )
        ),
    ),
    (Withheld("actor"), pb.TurnEvent(withheld=pb.WithheldEvent(reason="actor"))),
    (
        Clarification((ClarifyingQuestion("nationality", "Quelle ?", "Un accord.", ("DZ", "autre")),)),
        pb.TurnEvent(
            clarification=pb.ClarificationEvent(
                questions=[
                    pb.ClarifyingQuestion(
                        slot="nationality", question="Quelle ?", why="Un accord.", options=["DZ", "autre"]
                    )
                ]
            )
        ),
    ),
    (
        Degraded("llm", "Sans modèle.", expected=True),
        pb.TurnEvent(degraded=pb.DegradedEvent(dependency="llm", consequence="Sans modèle.")),
    ),
    (
        Error("llm", "Réessayez.", retryable=True),
        pb.TurnEvent(error=pb.ErrorEvent(code="llm", message="Réessayez.", retryable=True)),
    ),
    (
        Done("stop", Usage(7, 5), GROUNDING, {"total_ms": 12.5}),
        pb.TurnEvent(
            done=pb.DoneEvent(
                finish_reason="stop",
                usage=pb.Usage(prompt_tokens=7, completion_tokens=5),
                grounding=pb.Grounding(**GROUNDING),
                timings={"total_ms": 12.5},
            )
        ),
    ),
)


@pytest.mark.parametrize(("event", "message"), EVENTS, ids=[type(event).__name__ for event, _ in EVENTS])
def test_every_field_of_an_event_is_on_the_wire(event: Event, message: pb.TurnEvent) -> None:
    message.sequence = 3
    assert event_message(3, event) == message


def test_every_kind_of_event_is_tried() -> None:
    assert {type(event) for event, _ in EVENTS} == set(get_args(Event))


def test_every_field_of_the_contract_is_tried() -> None:
    for _, message in EVENTS:
        told = getattr(message, message.WhichOneof("event") or "")
        assert {field.name for field, _ in told.ListFields()} == set(told.DESCRIPTOR.fields_by_name)


def test_an_unknown_corpus_is_left_out() -> None:
    assert not event_message(1, replace(META, corpus=None)).meta.HasField("corpus")
