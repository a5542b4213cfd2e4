"""Domain events as proto messages."""

from typing import assert_never

from marianne_orchestrator.events import (
    Clarification,
    ClarifyingQuestion,
    Degraded,
    Done,
    Error,
    Event,
    Meta,
    Source,
    Sources,
    Status,
    Token,
    Withheld,
)
from marianne_proto.orchestrator.v1 import orchestrator_pb2 as pb


def event_message(sequence: int, event: Event) -> pb.TurnEvent:
    message = pb.TurnEvent(sequence=sequence)
    match event:
        case Meta():
            message.meta.CopyFrom(_meta(event))
        case Status(stage):
            message.status.stage = stage
        case Sources(sources):
            message.sources.sources.extend(_source(source) for source in sources)
        case Token():
            message.token.CopyFrom(
                pb.TokenEvent(
                    text=event.text,
                    lang=event.lang,
                    citations=event.citations,
                    verdict=event.verdict,
                    replaces=event.replaces,
                )
            )
        case Withheld(reason):
            message.withheld.reason = reason
        case Clarification(questions):
            message.clarification.questions.extend(_question(question) for question in questions)
        case Degraded():
            message.degraded.CopyFrom(pb.DegradedEvent(dependency=event.dependency, consequence=event.consequence))
        case Error():
            message.error.CopyFrom(pb.ErrorEvent(code=event.code, message=event.message, retryable=event.retryable))
        case Done():
            message.done.CopyFrom(_done(event))
        case _:
            assert_never(event)
    return message


def _meta(event: Meta) -> pb.MetaEvent:
    corpus = event.corpus
    return pb.MetaEvent(
        thread_id=event.thread_id,
        message_id=event.message_id,
        trace_id=event.trace_id,
        trace_sampled=event.trace_sampled,
        model=event.model,
        language=event.language,
        memory=event.memory,
        resumable=event.resumable,
        corpus=pb.CorpusInfo(name=corpus.name, snapshot_at=corpus.snapshot_at) if corpus else None,
    )


def _source(source: Source) -> pb.Source:
    return pb.Source(
        n=source.n,
        id=source.id,
        title=source.title,
        url=source.url,
        dataset=source.dataset,
        status=source.status,
        start_date=source.start_date,
        end_date=source.end_date,
        updated_at=source.updated_at,
        snapshot_at=source.snapshot_at,
        lang=source.lang,
        sentences=source.sentences,
        score=source.score,
        context=source.context,
        official=source.official,
    )


def _question(question: ClarifyingQuestion) -> pb.ClarifyingQuestion:
    return pb.ClarifyingQuestion(
        slot=question.slot, question=question.question, why=question.why, options=question.options
    )


def _done(event: Done) -> pb.DoneEvent:
    return pb.DoneEvent(
        finish_reason=event.finish_reason,
        usage=pb.Usage(prompt_tokens=event.usage.prompt_tokens, completion_tokens=event.usage.completion_tokens),
        grounding=pb.Grounding(**event.grounding),
        timings=event.timings,
    )
