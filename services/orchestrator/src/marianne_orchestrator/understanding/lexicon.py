"""Terms that stand for names: words and phrases, found in a text from left to right, the longest first.

A term is written as it is spoken. `word*` stands for every word that begins so, `{name}` for any word of a group,
`~` for up to four words, `~~` for up to forty, `^` for the beginning of a sentence and `?` for its question mark.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from marianne_language.folding import fold
from marianne_orchestrator.understanding.words import START, STOP, forms, stem, tokens

_GAPS: Final = {"~": 4, "~~": 40}
_SHORTEST_BEGINNING: Final = 2
_SIGNS: Final = frozenset({START, STOP, "?"})


@dataclass(frozen=True, slots=True)
class Term:
    """What finding a term means: `weight` points for `name`."""

    name: str
    weight: int
    text: str


@dataclass(slots=True)
class _Node:
    next: dict[str, "_Node"] = field(default_factory=dict)
    terms: list[Term] = field(default_factory=list)


class Lexicon:
    """Finds terms in time that grows with the text, not with the number of terms."""

    def __init__(
        self, terms: Iterable[Term], groups: Mapping[str, Sequence[str]] | None = None, *, with_articles: bool = False
    ) -> None:
        """Articles of the languages of Europe count only if asked for, because Vietnamese words look like them.

        Raises ValueError naming a term that is empty or names an unknown group.
        """
        self._with_articles = with_articles
        self._root = _Node()
        self._symbols: dict[str, dict[str, None]] = {}
        for name, members in (groups or {}).items():
            for member in members:
                self._symbols.setdefault(_symbol(member), {})[f"{{{name}}}"] = None
        for term in terms:
            self._add(term, groups or {})

    def find(self, text: str) -> list[Term]:
        """Every distinct term of the text that no longer one covers."""
        return self.find_in(tokens(text, with_articles=self._with_articles))

    def find_in(self, words: Sequence[str]) -> list[Term]:
        """The same, of words that `tokens` gave."""
        return list(dict.fromkeys(term for _, _, terms in self._spans(words) for term in terms))

    def without(self, words: Sequence[str]) -> list[str]:
        """The words with a STOP in the place of every term that is found."""
        left = list(words)
        for start, end, _ in self._spans(words):
            left[start:end] = [STOP] * (end - start)
        return left

    def _spans(self, words: Sequence[str]) -> Iterator[tuple[int, int, Sequence[Term]]]:
        symbols = [self._symbols_of(word) for word in words]
        position = 0
        while position < len(symbols):
            end, terms = self._longest(symbols, position)
            if terms:
                yield position, end, terms
            position = max(end, position + 1)

    def _add(self, term: Term, groups: Mapping[str, Sequence[str]]) -> None:
        node = self._root
        symbols = list(_parse(term.text, self._with_articles))
        if not symbols:
            raise ValueError(f"the term {term.text!r} of {term.name} has no word that counts")
        for symbol in symbols:
            if symbol.startswith("{") and symbol[1:-1] not in groups:
                raise ValueError(f"the term {term.text!r} of {term.name} names an unknown group")
            if symbol not in _GAPS and not symbol.startswith("{"):
                self._symbols.setdefault(symbol, {})[symbol] = None
            node = node.next.setdefault(symbol, _Node())
        if all(term.name != known.name for known in node.terms):
            node.terms.append(term)

    def _symbols_of(self, word: str) -> list[str]:
        if word in _SIGNS:
            return [word]
        symbols: dict[str, None] = {}
        for form in forms(word):
            symbols |= self._symbols.get(form, {})
        for beginning in _beginnings(word):
            symbols |= self._symbols.get(f"{beginning}*", {})
        return list(symbols)

    def _longest(self, words: Sequence[Sequence[str]], start: int) -> tuple[int, Sequence[Term]]:
        best: tuple[int, Sequence[Term]] = (start, ())
        paths = [(start, self._root)]
        while paths:
            position, node = paths.pop()
            if node.terms and position > best[0]:
                best = (position, node.terms)
            for gap, width in _GAPS.items():
                if child := node.next.get(gap):
                    paths.extend((beyond, child) for beyond in _beyond_gap(words, position, width))
            if position < len(words):
                paths.extend((position + 1, child) for symbol in words[position] if (child := node.next.get(symbol)))
        return best


def _beyond_gap(words: Sequence[Sequence[str]], position: int, width: int) -> Iterator[int]:
    for beyond in range(position, min(position + width + 1, len(words))):
        yield beyond
        if words[beyond] in ([STOP], ["?"]):
            return


def _beginnings(word: str) -> Iterator[str]:
    for form in {word, *forms(word)}:
        for length in range(_SHORTEST_BEGINNING, len(form) + 1):
            yield form[:length]


def _parse(text: str, with_articles: bool) -> Iterator[str]:
    for part in text.split():
        if part in _SIGNS or part in _GAPS or part.startswith("{"):
            yield part
        elif part.endswith("*"):
            yield f"{_bare(part[:-1])}*"
        else:
            yield from (_symbol(word) for word in tokens(part, with_articles=with_articles) if word not in _SIGNS)


def _symbol(word: str) -> str:
    """A word as terms have it: the stem, in Arabic without the article."""
    if word.endswith("*"):
        return f"{_bare(word[:-1])}*"
    bare = _bare(word)
    return bare.removeprefix("ال") if bare.startswith("ال") and len(bare) > len("ال") + 2 else stem(bare)


def _bare(word: str) -> str:
    return next((token for token in tokens(word, with_articles=True) if token not in _SIGNS), fold(word))
