"""Answers as a careless model writes them: a faithful sentence, and one in which a single hard fact is wrong."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

_FIGURE = re.compile(r"(?<![\d.,-])\d{1,4}(?![\d.,-]|\s?\d{3})")
_UNIT = re.compile(r"(?<=\d )(?:ans?|mois|semaines?|jours?)\b")
_PLAIN = re.compile(r"[A-ZÉÈÀÂÊ][^:;«»|#*\[\]]{30,}\.")
_OTHER_UNIT = {"an": "mois", "ans": "mois", "mois": "ans", "semaine": "mois", "semaines": "mois"}
_CONTEXT = 12


@dataclass(frozen=True, slots=True)
class Wrong:
    """A sentence with one wrong fact; `trace` is the stretch around it, which stands in no source."""

    sentence: str
    trace: str
    value: str = ""


def careless(sources: Mapping[str, str], kind: str, titles: str = "") -> Wrong | None:
    """The first sentence, in the order of the sources, that can be made wrong in this way.

    Values of the `titles` are not used: a title speaks with every sentence below it.
    """
    everything = " ".join(sources.values())
    found = (
        (id_, wrong)
        for id_, text in sources.items()
        if _PLAIN.fullmatch(text)
        for wrong in KINDS[kind](text, everything, list(sources.values()))
        if wrong.trace not in everything and wrong.value not in _FIGURE.findall(titles)
    )
    id_, wrong = next(found, ("", None))
    return wrong and replace(wrong, sentence=f"{wrong.sentence.removesuffix('.')} [{id_}].")


def faithful(sources: Mapping[str, str], avoid: str = "") -> str:
    """The first plain source sentence with its id, said as an answer says it."""
    id_, text = next((id_, text) for id_, text in sources.items() if _PLAIN.fullmatch(text) and text != avoid)
    return f"{text.removesuffix('.')} [{id_}]."


def _swap(text: str, match: re.Match[str], value: str) -> Wrong:
    before, after = text[: match.start()], text[match.end() :]
    return Wrong(f"{before}{value}{after}", f"{before[-_CONTEXT:]}{value}{after[:_CONTEXT]}", value)


def _absent_number(text: str, everything: str, _: Sequence[str]) -> Iterator[Wrong]:
    for figure in _FIGURE.finditer(text):
        value = next(str(n) for n in count(int(figure[0]) + 3, 7) if str(n) not in everything)
        yield _swap(text, figure, value)


def _number_from_elsewhere(text: str, everything: str, sentences: Sequence[str]) -> Iterator[Wrong]:
    for figure in _FIGURE.finditer(text):
        others = (other[0] for sentence in sentences if sentence != text for other in _FIGURE.finditer(sentence))
        if value := next((other for other in others if other not in text), ""):
            yield _swap(text, figure, value)


def _other_unit(text: str, everything: str, _: Sequence[str]) -> Iterator[Wrong]:
    for unit in _UNIT.finditer(text):
        yield _swap(text, unit, _OTHER_UNIT.get(unit[0], "ans"))


def _adds(fact: str) -> Callable[[str, str, Sequence[str]], Iterator[Wrong]]:
    def add(text: str, everything: str, _: Sequence[str]) -> Iterator[Wrong]:
        if len(text) < 200:
            yield Wrong(f"{text.removesuffix('.')}, {fact}.", fact)

    return add


KINDS: Mapping[str, Callable[[str, str, Sequence[str]], Iterator[Wrong]]] = {
    "number": _absent_number,
    "elsewhere": _number_from_elsewhere,
    "unit": _other_unit,
    "added amount": _adds("pour un prix de 7 431 euros"),
    "added delay": _adds("dans un délai de 173 jours"),
    "added date": _adds("depuis le 17 mars 1987"),
    "added article": _adds("selon l'article L. 999-7 du code du travail"),
    "added share": _adds("soit 93,7 % des cas"),
    "added phone": _adds("au 01 99 98 97 96"),
}
