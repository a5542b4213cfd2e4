"""Recognises what stands word for word in the sources."""

from collections.abc import Mapping
from typing import Final

from marianne_guardrails.evidence import Source
from marianne_guardrails.wording import spoken
from marianne_language.citations import SentenceId
from marianne_language.words import word_set

_FEWEST_WORDS: Final = 3

_LIMITING: Final = word_set(
    "si s sauf hormis excepte exception derogation moins condition conditions reserve lorsque lorsqu quand cas ne n "
    "pas jamais aucun aucune ni non sans seul seule seuls seules seulement uniquement interdit interdite interdits "
    "exclu exclue exclus peut peuvent faux jusqu avant apres pendant limite maximum minimum dont qui que if unless "
    "except only not never without when may"
)
"""Words that limit or deny. A part of a sentence says the same as the whole only if none of them was left out."""


def find_quote(text: str, sources: Mapping[SentenceId, Source]) -> tuple[SentenceId, ...]:
    """The sentences in which `text` stands word for word; empty when it does not, or is shorter than three words.

    `text` may be one sentence, several whole ones one after another, or a part whose omission of the rest limits
    nothing: « le salarié peut refuser » is no quotation of « le salarié peut refuser s'il est malade ».
    """
    words = spoken(text)
    if words.count(" ") + 1 < _FEWEST_WORDS:
        return ()
    for id_, source in sources.items():
        if source.spoken == words:
            return (id_,)
    return _as_several(words, sources) or _as_part(words, sources)


def _as_several(words: str, sources: Mapping[SentenceId, Source]) -> tuple[SentenceId, ...]:
    rest, found = words + " ", list[SentenceId]()
    while rest:
        beginnings = [id_ for id_, source in sources.items() if source.spoken and rest.startswith(source.spoken + " ")]
        if not beginnings:
            return ()
        longest = max(beginnings, key=lambda id_: len(sources[id_].spoken))
        found.append(longest)
        rest = rest[len(sources[longest].spoken) + 1 :]
    return tuple(dict.fromkeys(found))


def _as_part(words: str, sources: Mapping[SentenceId, Source]) -> tuple[SentenceId, ...]:
    for id_, source in sources.items():
        before, found, after = f" {source.spoken} ".partition(f" {words} ")
        if found and _LIMITING.isdisjoint((before + after).split()):
            return (id_,)
    return ()
