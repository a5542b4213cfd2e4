"""A turn as plain markdown, for readers that know nothing of events."""

from collections.abc import Mapping, Sequence
from typing import Any

from marianne_gateway.events import Event

_SOURCES = {"fr": "Sources", "en": "Sources", "es": "Fuentes", "pt": "Fontes", "vi": "Nguồn", "ar": "المصادر"}
_UNOFFICIAL = {
    "fr": "texte non officiel",
    "en": "unofficial text",
    "es": "texto no oficial",
    "pt": "texto não oficial",
    "vi": "văn bản không chính thức",
    "ar": "نص غير رسمي",
}


class Prose:
    """Says each event in the place where it came. Withheld sentences need no words of their own: what stands in their
    place is told as text.
    """

    def __init__(self) -> None:
        self.sources: list[Mapping[str, Any]] = []
        self._language = "fr"
        self._cited: set[int] = set()
        self._begun = False

    def of(self, event: Event) -> str:
        """The text of an event, "" for those that are not for reading."""
        payload = event.payload
        match event.name:
            case "token":
                self._cited |= {int(citation.split(".")[0]) for citation in payload["citations"]}
                self._begun = True
                return str(payload["text"])
            case "degraded":
                return self._paragraph(f"> {payload['consequence']}") + "\n\n"
            case "clarification":
                return self._paragraph("\n".join(_asked(question) for question in payload["questions"]))
            case "done" if cited := [source for source in self.sources if source["n"] in self._cited]:
                return self._paragraph(self._footer(cited))
            case "meta":
                self._language = payload["language"]
            case "sources":
                self.sources = payload["sources"]
        return ""

    def _paragraph(self, text: str) -> str:
        return f"\n\n{text}" if self._begun else text

    def _footer(self, cited: Sequence[Mapping[str, Any]]) -> str:
        title = self._in_language(_SOURCES)
        return "\n".join([f"**{title}**", "", *(f"{source['n']}. {self._link(source)}" for source in cited)])

    def _link(self, source: Mapping[str, Any]) -> str:
        title = str(source["title"]).replace("[", "(").replace("]", ")")
        note = "" if source["official"] else f" ({self._in_language(_UNOFFICIAL)})"
        return f"[{title}](<{source['url']}>){note}"

    def _in_language(self, words: Mapping[str, str]) -> str:
        return words.get(self._language, words["fr"])


def _asked(question: Mapping[str, Any]) -> str:
    options = question.get("options") or ()
    lines = [f"- {question['question']} {question['why']}".rstrip(), *(f"  - {option}" for option in options)]
    return "\n".join(lines)
