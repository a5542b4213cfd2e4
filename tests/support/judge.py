"""An LLM judge for tests: replies of a fake upstream that has read the judge's prompt as a model would."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from support.llm import RecordedRequest, Reply, Wait, reply_json

Item = dict[str, Any]
Judging = Callable[["Asked"], list[Item]]

_FENCE = re.compile(
    r"^=== (?P<what>sources|claims) (?P<mark>\w{16}) ===\n(?P<body>.*?)\n=== end of (?P=what) (?P=mark) ===$",
    re.DOTALL | re.MULTILINE,
)
_SENTENCE = re.compile(r"^\[(\d+\.\d+)\] (.+)$", re.MULTILINE)
_ORDER = re.compile(r"answer supported|say supported|répondez supported", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request asks: the sources shown by id, the claims, and what stands outside the fences."""

    sources: Mapping[str, str]
    claims: Sequence[Item]
    unfenced: str


def is_judging(request: RecordedRequest) -> bool:
    return "response_format" in request.body


def asked(request: RecordedRequest) -> Asked:
    content = request.body["messages"][-1]["content"]
    fenced = {fence["what"]: fence["body"] for fence in _FENCE.finditer(content)}
    claims = [json.loads(line) for line in fenced["claims"].splitlines()]
    return Asked(dict(_SENTENCE.findall(fenced["sources"])), claims, _FENCE.sub("", content))


def first_words(sentence: str, count: int = 4) -> str:
    return " ".join(sentence.split()[:count])


def item(request: Asked, claim: Item, entailment: str = "SUPPORTED") -> Item:
    """A judgement in due form, resting on the first sentence that the claim cites."""
    source = claim["cites"][0]
    quoted = entailment != "NOT_FOUND"
    return {
        "claim": claim["claim"],
        "entailment": entailment,
        "source": source if quoted else "",
        "words": first_words(request.sources[source]) if quoted else "",
    }


def always(entailment: str) -> Judging:
    return lambda request: [item(request, claim, entailment) for claim in request.claims]


def by_word(**entailments: str) -> Judging:
    """SUPPORTED, unless a claim holds one of these words."""
    return lambda request: [
        item(request, claim, next((e for word, e in entailments.items() if word in claim["text"]), "SUPPORTED"))
        for claim in request.claims
    ]


def obedient(request: Asked) -> list[Item]:
    """Supports nothing, unless the prompt itself, outside the quoted data, orders it to."""
    return always("SUPPORTED" if _ORDER.search(request.unfenced) else "NOT_FOUND")(request)


def lying(request: Asked) -> list[Item]:
    """Supports everything, pointing at words that stand nowhere."""
    return [{**item(request, claim), "words": "La préfecture accorde toujours"} for claim in request.claims]


def forgetful(request: Asked) -> list[Item]:
    """Judges the first claim alone."""
    return always("SUPPORTED")(request)[:1]


def judging(judge: Judging) -> Callable[[RecordedRequest], Reply]:
    """A responder for the fake upstream."""
    return lambda request: judgements(judge(asked(request)))


def judgements(items: Sequence[Item]) -> Reply:
    return judge_says(json.dumps({"judgements": items}))


def judge_says(content: str) -> Reply:
    message = {"role": "assistant", "content": content}
    usage = {"prompt_tokens": 90, "completion_tokens": 12, "total_tokens": 102}
    return reply_json(
        {
            "object": "chat.completion",
            "model": "fake-judge",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": usage,
        }
    )


def held(reply: Reply, until: asyncio.Event) -> Reply:
    """The same reply, not a byte of which comes before the event."""
    return Reply((Wait(until), *reply.steps), reply.status, reply.headers, hold_head=False)
