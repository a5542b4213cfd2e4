"""An answer as text for a terminal: sentences as they come, then what one needs to verify them."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from marianne_client.events import (
    Clarification,
    ClarifyingQuestion,
    Degraded,
    Done,
    Event,
    Meta,
    Source,
    Sources,
    Token,
    Withheld,
)

# Sources are other people's text: an escape sequence in them must not reach the terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

_WORDS: Final = {
    "fr": {
        "sources": "Sources",
        "sample": "Exemple rédigé pour la démonstration, non officiel.",
        "in_place": "(texte de la source, à la place d’une phrase que Marianne n’a pas pu vérifier)",
        "withheld": "Phrases retenues, faute d’avoir pu être vérifiées : {}.",
        "since": "depuis le {}",
        "until": "jusqu’au {}",
        "updated": "mis à jour le {}",
        "trace": "Trace : {}",
    },
    "en": {
        "sources": "Sources",
        "sample": "Example written for the demonstration, not official.",
        "in_place": "(text of the source, in place of a sentence that Marianne could not verify)",
        "withheld": "Sentences withheld because they could not be verified: {}.",
        "since": "since {}",
        "until": "until {}",
        "updated": "updated {}",
        "trace": "Trace: {}",
    },
}


class Transcript:
    """Give it the events in order, and print what it returns as it is; "" when there is nothing to say yet."""

    def __init__(self, *, styled: bool) -> None:
        self._styled = styled
        self._words = _WORDS["fr"]
        self._trace_id = ""
        self._sources: tuple[Source, ...] = ()
        self._notices: list[str] = []
        self._withheld = 0
        self._in_line = False

    def say(self, event: Event) -> str:
        match event:
            case Meta():
                self._trace_id = event.trace_id
                self._words = _WORDS["fr" if event.language == "fr" else "en"]
            case Sources():
                self._sources = event.sources
            case Withheld():
                self._withheld += 1
            case Degraded():
                self._notices.append(_clean(event.consequence))
            case Token():
                return self._sentence(event)
            case Clarification():
                return self._block(line for question in event.questions for line in _question(question))
            case Done():
                return self._end()
        return ""

    def _sentence(self, token: Token) -> str:
        text = _clean(token.text)
        sentence = text.rstrip()
        space = text[len(sentence) :]
        marks = " ".join(f"[{citation}]" for citation in token.citations)
        if token.replaces:
            marks = f"{marks} {self._words['in_place']}".lstrip()
        self._in_line = not space.endswith("\n")
        return sentence + (f" {self._dimmed(marks)}" if marks and sentence else "") + space

    def _end(self) -> str:
        notices = list(self._notices)
        if self._withheld:
            notices.append(self._words["withheld"].format(self._withheld))
        if not all(source.official for source in self._sources):
            notices.append(self._words["sample"])
        blocks = [self._block(notices), self._block(self._source_lines())]
        if self._trace_id:
            blocks.append(self._block([self._dimmed(self._words["trace"].format(self._trace_id))]))
        return "".join(blocks)

    def _source_lines(self) -> Iterator[str]:
        if self._sources:
            yield self._words["sources"]
        for source in self._sources:
            yield f"{source.n}. {_clean(source.title)} ({self._provenance(source)})"
            yield f"   {_clean(source.url)}"

    def _provenance(self, source: Source) -> str:
        dates = {"since": source.start_date, "until": source.end_date, "updated": source.updated_at}
        told = [self._words[word].format(date) for word, date in dates.items() if date]
        return _clean(", ".join(filter(None, [source.dataset, source.status.lower(), *told])))

    def _block(self, lines: Iterable[str]) -> str:
        """Lines of their own after an empty one; nothing if there are none."""
        text = "".join(f"{line}\n" for line in lines)
        before = "\n\n" if self._in_line else "\n"
        if text:
            self._in_line = False
        return before + text if text else ""

    def _dimmed(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self._styled else text


def _question(question: ClarifyingQuestion) -> Iterator[str]:
    yield _clean(question.question)
    if question.why:
        yield f"  {_clean(question.why)}"
    for option in question.options:
        yield f"  - {_clean(option)}"


def _clean(text: str) -> str:
    return _CONTROL.sub("", text)
