"""A logistic regression over character n-grams of words, pairs of words, and concepts; with its weights as data.

Contributions add up word by word and are divided by the square root of the number of words, so that a text counts as
much as a sentence of it. tools/train_injection.py writes the weights.
"""

import functools
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Final

from marianne_guardrails.lexicon import Sentence

# Log odds above which a text is an attack: by itself, when a rule has its doubts too, and when it was written in code.
CONFIDENT: Final = 0.0
SUSPICIOUS: Final = -1.0
HIDDEN: Final = -3.0

SCALE: Final = 100
_SIZES: Final = (3, 4, 5)
_WINDOW_WORDS: Final = 40
_LONGEST_WORD: Final = 40
_WORD: Final = re.compile(r"\w+")


def score(text: str, sentences: Sequence[Sentence]) -> float:
    """The log odds that a canonical `text`, of which `sentences` are the ones with concepts, is an attack. For a long
    text those of its most suspicious part.
    """
    weights = _weights()
    most = max(_parts(words_of(text)), default=0.0)
    concepts = sum(weights.get(name, 0) for name in concept_features(sentences))
    return (most + concepts + weights["(bias)"]) / SCALE


def words_of(text: str) -> Sequence[str]:
    return _WORD.findall(text)


def word_features(word: str) -> Iterator[str]:
    """The n-grams of a word between its spaces, which are written as _."""
    spaced = f"_{word}_"
    for size in _SIZES:
        yield from (spaced[start : start + size] for start in range(len(spaced) - size + 1))


def pair_feature(one: str, other: str) -> str:
    return f"{one} {other}"


def concept_features(sentences: Sequence[Sentence]) -> frozenset[str]:
    """Concepts, and pairs of them in one sentence, in the names under which the weights know them."""
    names: set[str] = set()
    for sentence in sentences:
        present = sorted({tag.concept for tag in sentence.tags})
        names.update(f"({name})" for name in present)
        names.update(f"({one}+{other})" for place, one in enumerate(present) for other in present[place + 1 :])
    return frozenset(names)


def _parts(words: Sequence[str]) -> Iterator[float]:
    """The contribution of the words of the whole text, and of each part of it."""
    get = _weights().get
    pairs = (get(pair_feature(*pair), 0) for pair in itertools.pairwise(words))
    sums = [
        0,
        *itertools.accumulate(map(sum, zip(map(_word_weight, words), itertools.chain((0,), pairs), strict=False))),
    ]
    yield sums[-1] / math.sqrt(len(words) or 1)
    for start in range(0, len(words) - _WINDOW_WORDS, _WINDOW_WORDS // 2):
        yield (sums[start + _WINDOW_WORDS] - sums[start]) / math.sqrt(_WINDOW_WORDS)


@functools.lru_cache(maxsize=50_000)
def _word_weight(word: str) -> int:
    weights = _weights()
    return sum(weights.get(gram, 0) for gram in word_features(word[:_LONGEST_WORD]))


@functools.cache
def _weights() -> Mapping[str, int]:
    """Hundredths of log odds by feature."""
    lines = files(__package__).joinpath("injection_weights.tsv").read_text(encoding="utf-8").splitlines()
    return {name: int(weight) for weight, name in (line.split("\t") for line in lines)}
