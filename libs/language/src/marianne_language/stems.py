"""Light stemming for finding listed terms in questions: only as much as plurals, gender and verb endings need.

Words come flattened. Both sides of a comparison go through the same function, so a stem need not be a word.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

_CACHED_WORDS: Final = 1 << 14

_ENGLISH_SIBILANT: Final = re.compile(r"(?:x|ch|sh|ss|z)es$")
_DOUBLED: Final = re.compile(r"([bdgmnprt])\1$")

_CLITIC: Final = re.compile(r"(?<=[aei]r)(?:me|te|se|nos|l[oae]s?)$")
_ROMANCE_PLURALS: Final = (
    (re.compile(r"[ao]es$"), "ao"),
    (re.compile(r"(?<=[ae])is$"), "l"),
    (re.compile(r"ns$"), "m"),
    (re.compile(r"(?<=[rlnzd])es$"), ""),
    (re.compile(r"(?<=[aeiou])s$"), ""),
)
_ROMANCE_VERB: Final = re.compile(r"(?<=\w{4})(?:[aei]r|a[nm]d|i?end|ad|id|aron?|ieron?)$")

_ARABIC_MARKS: Final = re.compile("[\u064b-\u0652\u0670\u0640]")
_ARABIC_LETTERS: Final = str.maketrans("أإآٱىةؤئ", "ااااي\u0647\u0648\u064a")
_ARABIC_PREFIX: Final = re.compile(r"^(?:[وفبك]?ال|و?لل|[ولبكف](?=\w{4}))(?=\w{2})")
_ARABIC_SUFFIX: Final = re.compile(r"(?<=\w{2})(?:ت?(?:ها|هم|نا|ه|ي|ك)|ان|ات|ون|ين|يه)$")


@lru_cache(_CACHED_WORDS)
def english(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif _ENGLISH_SIBILANT.search(word):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) >= len(ending) + 3:
            word = _DOUBLED.sub(r"\1", word.removesuffix(ending))
            break
    word = word.removesuffix("e") if len(word) > 3 else word
    return word[:-1] + "i" if word.endswith("y") else word


@lru_cache(_CACHED_WORDS)
def romance(word: str) -> str:
    """For Spanish and Portuguese."""
    if len(word) < 5:
        return word.removesuffix("s") if len(word) == 4 else word
    word = _CLITIC.sub("", word)
    for ending, singular in _ROMANCE_PLURALS:
        word, changed = ending.subn(singular, word)
        if changed:
            break
    word = word[:-1] if len(word) > 4 and word[-1] in "aoe" else word
    return _ROMANCE_VERB.sub("", word)


@lru_cache(_CACHED_WORDS)
def arabic(word: str) -> str:
    """Without vowel marks, article, joined particles and commonest endings, after Larkey's stemmer "light10"."""
    plain = _ARABIC_MARKS.sub("", word).translate(_ARABIC_LETTERS)
    return _ARABIC_SUFFIX.sub("", _ARABIC_PREFIX.sub("", plain))


def unchanged(word: str) -> str:
    """Vietnamese words have one form."""
    return word


STEMMERS: Final[Mapping[str, Callable[[str], str]]] = {
    "en": english,
    "es": romance,
    "pt": romance,
    "ar": arabic,
    "vi": unchanged,
}
"""Stemmer by ISO 639-1 language code."""
