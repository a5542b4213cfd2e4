"""What a well-behaved model would write: sentences that cite the sources in its prompt."""

import re

from support.llm import RecordedRequest

_NUMBERED = re.compile(r"^\[(\d+\.\d+)\] (.+)$", re.MULTILINE)


def sources_in(request: RecordedRequest) -> dict[str, str]:
    """The numbered source sentences of the prompt, by id."""
    return dict(_NUMBERED.findall(request.body["messages"][-1]["content"]))


def plain_ids(request: RecordedRequest, count: int) -> list[str]:
    """Ids of sentences that end with a full stop and state no figure."""
    found = [
        n
        for n, text in sources_in(request).items()
        if re.fullmatch(r"[A-ZÉÈÀ][^\d:;]{30,}\.", text) and "- " not in text
    ]
    assert len(found) >= count, f"only {len(found)} of {count} sentences in the prompt"
    return found[:count]


def cite(request: RecordedRequest, sentence_id: str) -> str:
    """The source sentence, as a model would repeat it."""
    return f"{sources_in(request)[sentence_id].removesuffix('.')} [{sentence_id}]."
