"""What stands in the place of a sentence that may not be shown: a source sentence, or a mark with a link to one."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from marianne_language.anaphora import leans_back
from marianne_language.citations import SentenceId
from marianne_orchestrator.events import Source, Token

_LIST_MARKER: Final = re.compile(r"^(?:[-*•]|\d+[.)])\s+")
_CELL_END: Final = re.compile(r"(?<!\\)\|")


class Replacements:
    """Replaces units of an answer that rests on `sources`. `mark` says in the reader's language that one is missing."""

    def __init__(self, sources: Sequence[Source], language: str, mark: str) -> None:
        self._sources = {source.n: source for source in sources}
        self._sentences = _by_id(sources)
        self._language = language
        self._mark = mark

    @property
    def longest(self) -> int:
        """Characters of the longest source sentence."""
        return max((len(sentence) for sentence in self._sentences.values()), default=0)

    def language_of(self, citation: SentenceId) -> str:
        return self._sources[citation.passage].lang

    def quote(
        self, text: str, citations: Sequence[SentenceId], quoted: Collection[str], *, alone: bool
    ) -> Token | None:
        """The first cited source sentence that was not `quoted` yet, verbatim, in the form of `text`.

        With `alone` nothing before it explains what it points back to, so that one that does is left out, unless the
        source sentence that it points to was quoted.
        """
        for citation in self._cited(citations):
            sentence = self._sentences[citation]
            before = str(SentenceId(citation.passage, citation.sentence - 1))
            if str(citation) in quoted or (alone and leans_back(sentence) and before not in quoted):
                continue
            marker = _LIST_MARKER.match(text)
            shaped = _in_row(text, (marker[0] if marker else "") + _LIST_MARKER.sub("", sentence))
            return Token(shaped, self.language_of(citation), "quoted", (str(citation),))
        return None

    def mark(self, text: str, citations: Sequence[SentenceId]) -> Token:
        """The mark with a link to the source that `text` cites; to the best one where it cites none."""
        cited = (self._sources[id_.passage] for id_ in citations if id_.passage in self._sources)
        source = next(cited, None) or next(iter(self._sources.values()), None)
        linked = f"{self._mark} {_link(source)}" if source and source.url else self._mark
        return Token(_in_row(text, linked), self._language, "fixed")

    def _cited(self, citations: Sequence[SentenceId]) -> Iterator[SentenceId]:
        return (citation for citation in citations if citation in self._sentences)


def is_row(text: str) -> bool:
    """Whether a unit is a row of a Markdown table."""
    return text.startswith("|")


def _in_row(row: str, text: str) -> str:
    """`text` in the first of as many cells as `row` has, so that the table stays whole; as it is outside of a table."""
    if not is_row(row) or is_row(text):
        return text
    columns = max(1, len(_CELL_END.findall(row)) - 1)
    escaped = _CELL_END.sub(r"\|", text)
    return f"| {escaped} |" + " |" * (columns - 1)


def _link(source: Source) -> str:
    title = source.title.replace("[", "(").replace("]", ")")
    return f"[{title}]({source.url})"


def _by_id(sources: Sequence[Source]) -> Mapping[SentenceId, str]:
    return {
        SentenceId(source.n, m): sentence for source in sources for m, sentence in enumerate(source.sentences, start=1)
    }
