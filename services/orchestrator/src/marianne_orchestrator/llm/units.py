"""What may be quoted from a passage as a whole: a sentence with what it refers to, or a list with its lead-in.

Sentences come split; nothing here looks inside them for ends. A unit is a set of sentences of one passage, so that
units may share sentences and a quotation of several never repeats one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from marianne_language.folding import flatten

MAX_LIST_ITEMS = 15
_MAX_HEADING_WORDS = 12
_MIN_SENTENCE_WORDS = 3

_HEADING_MARK = re.compile(r"#{1,6}\s")
_ITEM_MARK = re.compile(r"[-–—•·▪]\s*(?=\S)|\*\s+|\d{1,2}(?:[.)]\s+|°\s*)|[a-z]\)\s*")
_CLOSED = re.compile(r"[.!…][\s\"'»”)\]]*$")

# What only names its subject (« Quand et comment déposer la demande. », « Pour l'étudiant qui arrive. »), and a text
# that speaks of itself: neither answers.
_SUBJECT = re.compile(r"(?:comment|combien|pourquoi|que faire|quels?|quelles?|quand et)\b|pour\b[^,]*$")
_SELF = re.compile(
    r"(?:cette|la presente) (?:fiche|page|rubrique)\b|(?:ce|le present) (?:guide|document) (?:explique|presente)"
)

# Words that point back to something said before; what they open says nothing by itself.
_POINTS_BACK = re.compile(
    r"(?:et|ou|mais|or|donc|car|puis|ensuite|enfin|aussi|ainsi|alors|sinon|toutefois|cependant|neanmoins|pourtant"
    r"|il|elle|ils|elles|ce|cet|cette|ces|cela|ceci|celui|celle|ceux|celles|lequel|laquelle|lesquels|lesquelles"
    r"|en (?:revanche|outre|effet|consequence)|au contraire|a defaut|par (?:ailleurs|contre|consequent|exemple)"
    r"|de (?:meme|plus)|dans (?:ce|cet|cette|ces|les deux|tous les|l'un|l'autre|le premier|le second) cas"
    r"|dans le cas contraire|a (?:ce|cet|cette|ces)|pour (?:cela|ce|cet|cette|ces)|apres (?:ce|cet|cette|ces|cela)"
    r"|son|sa|ses|leur|leurs|d'autre part|l'un|l'autre|dans (?:ce|cet|cette|ces))\b|c'"
)
# « Il » that stands for nothing.
_IMPERSONAL = re.compile(
    r"il (?:n'|ne |n' )?(?:faut|faudra|existe|y a|suffit|convient|importe|vaut mieux"
    r"|(?:est|n'est|etait|sera) (?:pas |plus |egalement |aussi |donc )?(?:possible|impossible|interdit|obligatoire"
    r"|necessaire|recommande|conseille|preferable|inutile|utile|important|prudent|prevu|permis|courant|essentiel))\b"
)


@dataclass(frozen=True, slots=True)
class Unit:
    """Indices from 0 of the sentences to quote, in order; `items` are those that are items of a list.

    `heading` is the last heading before them, "" if none.
    """

    indices: tuple[int, ...]
    heading: str = ""
    items: tuple[int, ...] = ()


def units_of(sentences: Sequence[str]) -> list[Unit]:
    """The quotable units in reading order. A part that cannot stand, such as a lead-in without its list, is in none."""
    return _Scan(sentences).units()


def _is_item(sentence: str) -> bool:
    """Whether the sentence carries the mark of a list item."""
    return _ITEM_MARK.match(sentence) is not None


class _Scan:
    """One pass over a passage. `_before` is what the next sentence can refer back to: None when it cannot."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self._sentences = [sentence.strip() for sentence in sentences]
        self._units: list[Unit] = []
        self._heading = ""
        self._before: Unit | None = None

    def units(self) -> list[Unit]:
        position = 0
        while position < len(self._sentences):
            position = self._step(position)
        return self._units

    def _step(self, position: int) -> int:
        sentence = self._sentences[position]
        if is_heading(sentence):
            self._heading = sentence
            self._before = Unit((position,))
            return position + 1
        if sentence.rstrip(" *_").endswith(":"):
            return self._list(position)
        return self._sentence(position)

    def _list(self, lead_in: int) -> int:
        end = _end_of_list(self._sentences, lead_in + 1)
        items = tuple(range(lead_in + 1, end))
        whole = 0 < len(items) <= MAX_LIST_ITEMS and not self._sentences[end - 1].endswith(":")
        self._add((lead_in, *items), items=items, complete=whole)
        return end

    def _sentence(self, position: int) -> int:
        sentence = self._sentences[position]
        whole = not _is_item(sentence) and not sentence[:1].islower() and not sentence.endswith((";", ","))
        says_something = len(sentence.split()) >= _MIN_SENTENCE_WORDS and not _SELF.match(flatten(sentence))
        self._add((position,), complete=whole and says_something)
        return position + 1

    def _add(self, indices: tuple[int, ...], *, items: tuple[int, ...] = (), complete: bool) -> None:
        before = Unit(()) if not points_back(self._sentences[indices[0]]) else self._before
        if not complete or before is None:
            self._before = None
            return
        self._before = Unit((*before.indices, *indices), self._heading, (*before.items, *items))
        self._units.append(self._before)


def points_back(sentence: str) -> bool:
    """Whether the sentence opens with a word whose meaning lies in the sentence before it."""
    start = sentence.lstrip('«" ')
    flat = flatten(start)
    return bool(_POINTS_BACK.match(flat)) and not (_IMPERSONAL.match(flat) or start.lower().startswith("où"))


def is_heading(sentence: str) -> bool:
    """Whether the sentence is a title or a question: neither says anything by itself."""
    if _HEADING_MARK.match(sentence) or sentence.endswith("?") or _SUBJECT.match(flatten(sentence)):
        return True
    unpunctuated = not _CLOSED.search(sentence) and not sentence.endswith((":", ";", ","))
    short = len(sentence.split()) <= _MAX_HEADING_WORDS
    return unpunctuated and short and not _is_item(sentence) and not sentence[:1].islower()


def _end_of_list(sentences: Sequence[str], first: int) -> int:
    """Past the last item of the list that begins at `first`. What follows a colon belongs to it, unless a heading."""
    if first == len(sentences) or _HEADING_MARK.match(sentences[first]) or sentences[first].endswith("?"):
        return first
    marked = _is_item(sentences[first])
    end = first + 1
    while end < len(sentences) and _goes_on(sentences[end - 1], sentences[end], marked=marked):
        end += 1
    return end


def _goes_on(item: str, following: str, *, marked: bool) -> bool:
    if _HEADING_MARK.match(following):
        return False
    if marked:
        return _is_item(following) or following[:1].islower()
    if item.endswith((";", ",")) or following[:1].islower():
        return True
    return not (_CLOSED.search(item) or _CLOSED.search(following) or following.endswith(("?", ":")))
