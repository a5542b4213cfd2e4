"""Trains the linear model of the injection check and writes its weights.

    python tools/train_injection.py [--more FILE.jsonl[.gz] ...]

Needs scikit-learn, which nothing else here does. Learns from tools/injection_texts.txt, the development half of
benchmarks/cases/injection.jsonl and, with --more, from rows with `text` and `label`; rows of the half "test" are left
out everywhere. The bias is set so that log odds of 0 are passed by two harmless texts in a thousand out of fold.
"""

import argparse
import gzip
import itertools
import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy import sparse
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from marianne_guardrails import linear_model
from marianne_guardrails.injection import sentences_of
from marianne_guardrails.lexicon import canonical

_ROOT: Final = Path(__file__).resolve().parents[1]
_TEXTS: Final = _ROOT / "tools" / "injection_texts.txt"
_CASES: Final = _ROOT / "benchmarks" / "cases" / "injection.jsonl"
_WEIGHTS: Final = _ROOT / "services/guardrails/src/marianne_guardrails/injection_weights.tsv"
_HARMLESS_PASSED: Final = 0.998
_NEGLIGIBLE: Final = 4  # hundredths of log odds
_CONCEPT: Final = 0.5
_MAX_CHARS: Final = 2000


@dataclass(frozen=True, slots=True)
class Example:
    text: str
    is_attack: bool


def own_texts() -> Iterator[Example]:
    for line in _TEXTS.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            yield Example(line[2:], line[0] == "1")


def rows(path: Path) -> Iterator[Example]:
    raw = path.read_bytes()
    for line in (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines():
        row = json.loads(line)
        is_coded = row.get("category", "").startswith("obf")
        if row.get("half") != "test" and not is_coded:
            yield Example(row["text"][:_MAX_CHARS], row["label"] == 1)


def read(text: str) -> str:
    return canonical(unicodedata.normalize("NFKC", text))


def text_features(text: str) -> list[str]:
    words = linear_model.words_of(text)
    pairs = itertools.starmap(linear_model.pair_feature, itertools.pairwise(words))
    return [*pairs, *(gram for word in words for gram in linear_model.word_features(word))]


class Features:
    """What the linear model sees: words over the square root of their number, and concepts."""

    def __init__(self) -> None:
        self._words = CountVectorizer(analyzer=text_features, min_df=3)
        self._concepts = DictVectorizer()

    def fit(self, texts: Sequence[str]) -> sparse.csr_matrix:
        lengths = np.array([len(linear_model.words_of(text)) or 1 for text in texts])
        words = sparse.diags(1 / np.sqrt(lengths)) @ self._words.fit_transform(texts)
        concepts = self._concepts.fit_transform(
            dict.fromkeys(linear_model.concept_features(sentences_of(text)), _CONCEPT) for text in texts
        )
        return sparse.hstack([words, concepts]).tocsr()

    def names(self) -> list[str]:
        return [*self._words.get_feature_names_out(), *self._concepts.get_feature_names_out()]

    def scales(self) -> np.ndarray:
        return np.array([1.0] * len(self._words.vocabulary_) + [_CONCEPT] * len(self._concepts.vocabulary_))


def train(examples: Sequence[Example]) -> None:
    features = Features()
    rows_ = features.fit([read(example.text) for example in examples])
    labels = np.array([example.is_attack for example in examples])
    model = LogisticRegression(C=5.0, class_weight="balanced", max_iter=2000, solver="liblinear", random_state=0)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    odds = cross_val_predict(model, rows_, labels, cv=folds, method="decision_function")
    limit = float(np.quantile(odds[~labels], _HARMLESS_PASSED))
    print(f"{labels.sum()} attacks, {(~labels).sum()} harmless; out of fold at 0.2 % of the harmless: ", end="")
    print(f"recall {np.mean(odds[labels] > limit):.3f}; one below: {np.mean(odds[labels] > limit - 1):.3f} at ", end="")
    print(f"{np.mean(odds[~labels] > limit - 1):.4f}")
    model.fit(rows_, labels)
    write(features, model.coef_[0] * features.scales(), float(model.intercept_[0]) - limit)


def write(features: Features, weights: np.ndarray, bias: float) -> None:
    scaled = np.rint(weights * linear_model.SCALE).astype(int)
    lines = [f"{round(bias * linear_model.SCALE)}\t(bias)"]
    for name, weight in sorted(zip(features.names(), scaled, strict=True)):
        if abs(weight) >= _NEGLIGIBLE:
            lines.append(f"{weight}\t{name}")
    _WEIGHTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} weights, {_WEIGHTS.stat().st_size // 1024} KiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else None)
    parser.add_argument("--more", nargs="*", type=Path, default=[], help="further rows to learn from")
    files = [_CASES, *parser.parse_args().more]
    train([*own_texts(), *(example for path in files for example in rows(path))])


if __name__ == "__main__":
    main()
