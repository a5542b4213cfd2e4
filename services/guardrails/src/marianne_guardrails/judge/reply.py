"""Reads what an LLM judge answers, and believes it only where its quotation is right."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from marianne_guardrails.evidence import Passage
from marianne_guardrails.judge.port import Claim, Entailment, JudgeError, Judgement
from marianne_guardrails.judge.prompt import QUOTED_WORDS, sentences_around
from marianne_guardrails.wording import spoken
from marianne_language.citations import SentenceId

_ENTAILMENTS = {
    entailment.name: entailment for entailment in (Entailment.SUPPORTED, Entailment.CONTRADICTED, Entailment.NOT_FOUND)
}


def read_reply(content: str, passages: Sequence[Passage], claims: Sequence[Claim]) -> list[Judgement]:
    """One judgement for each claim that the reply judges in due form; two about one claim count as none.

    Raises JudgeError when the reply is not the JSON that was asked for.
    """
    asked = {claim.id: claim for claim in claims}
    found: dict[int, Judgement | None] = {}
    for item in _items(content):
        judgement = _judgement(item, passages, asked)
        if judgement is not None:
            found[judgement.claim] = None if judgement.claim in found else judgement
    return [judgement for judgement in found.values() if judgement is not None]


def _items(content: str) -> Iterator[Mapping[str, Any]]:
    try:
        reply = orjson.loads(content)
    except orjson.JSONDecodeError:
        # The decoder's error carries the document.
        raise JudgeError("the judge's reply is no JSON") from None
    items = reply.get("judgements") if isinstance(reply, dict) else None
    if not isinstance(items, list):
        raise JudgeError("the judge's reply has no list of judgements")
    return (item for item in items if isinstance(item, dict))


def _judgement(item: Mapping[str, Any], passages: Sequence[Passage], asked: Mapping[int, Claim]) -> Judgement | None:
    number, named = item.get("claim"), item.get("entailment")
    claim = asked.get(number) if isinstance(number, int) else None
    entailment = _ENTAILMENTS.get(named) if isinstance(named, str) else None
    if claim is None or entailment is None:
        return None
    if entailment is not Entailment.NOT_FOUND and not _quotes(item, passages, claim):
        entailment = Entailment.UNVERIFIED
    return Judgement(claim.id, entailment)


def _quotes(item: Mapping[str, Any], passages: Sequence[Passage], claim: Claim) -> bool:
    """Whether the item names a sentence that was shown with the claim, and begins it as it begins."""
    try:
        id_ = SentenceId.parse(str(item.get("source")).strip("[] "))
    except ValueError:
        return False
    if id_ not in sentences_around(passages, claim.citations):
        return False
    [sentence] = [passage.sentences[id_.sentence - 1] for passage in passages if passage.number == id_.passage]
    first = spoken(sentence).split()[:QUOTED_WORDS]
    return spoken(str(item.get("words"))).split()[:QUOTED_WORDS] == first
