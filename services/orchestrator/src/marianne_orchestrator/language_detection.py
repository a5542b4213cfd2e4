"""Which of the supported languages a message is written in."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from typing import Any, Final, Literal, cast, get_args

import yaml
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from marianne_language.folding import fold

Language = Literal["fr", "en", "es", "pt", "vi", "ar"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

# Points for the share of a message's words that speak for a language. French names stand in messages of every language,
# so that a French word of the field says little.
_FUNCTION_WORDS: Final = 3.0
_FIELD_WORDS: Final = 1.0
_FRENCH_FIELD_WORDS: Final = 0.3
_SIGNS: Final = 1.0
_LETTERS: Final[Mapping[Language, re.Pattern[str]]] = {
    "vi": re.compile(r"[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệịỉĩọỏốồổỗộớờởỡợụủũứừửữựỳỵỷỹ]", re.IGNORECASE),
    "es": re.compile(r"[¿¡ñ]", re.IGNORECASE),
    "pt": re.compile(r"[ãõ](?!\w*[ạảấầẩẫậắằẳẵặẹẻẽếềểễệịỉĩọỏốồổỗộớờởỡợụủũứừửữựỳỵỷỹ])", re.IGNORECASE),
}
_ARABIC: Final = re.compile(r"[\u0621-\u064a]+")
_LATIN: Final = re.compile(r"[a-zà-ỹ]+", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_]+")


class LanguageDetector:
    """Weighs the model of py3langid, narrowed to the supported languages, with function words and the field's words."""

    def __init__(self) -> None:
        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self._identifier.set_languages(list(LANGUAGES))
        self._function_words = _shared({name: text.split() for name, text in _read("function_words").items()})
        self._field_words = _shared(_field_words(_read("registry")))

    def detect(self, text: str) -> Language:
        """Any Arabic word tells Arabic unless most words are Latin ones."""
        arabic = sum(map(len, _ARABIC.findall(text)))
        if 2 * arabic > sum(map(len, _LATIN.findall(text))):
            return "ar"
        scores = dict(self._identifier.rank(text))
        for language, points in self._points(_WORD.findall(fold(text))):
            scores[language] += points
        for language, letters in _LETTERS.items():
            if letters.search(text):
                scores[language] += _SIGNS
        return max(LANGUAGES, key=lambda language: scores[language])

    def _points(self, words: Sequence[str]) -> Iterator[tuple[str, float]]:
        for word in words:
            for language, share in self._function_words.get(word, {}).items():
                yield language, _FUNCTION_WORDS * share / len(words)
            for language, share in self._field_words.get(word, {}).items():
                points = _FRENCH_FIELD_WORDS if language == "fr" else _FIELD_WORDS
                yield language, points * share / len(words)


def _read(name: str) -> dict[str, Any]:
    text = resources.files("marianne_orchestrator").joinpath(f"data/{name}.yaml").read_text(encoding="utf-8")
    return cast(dict[str, Any], yaml.load(text, Loader=yaml.CSafeLoader))


def _field_words(registry: Mapping[str, Any]) -> dict[str, set[str]]:
    """The words that the registry's terms are made of, in each language."""
    words: dict[str, set[str]] = {language: set() for language in LANGUAGES}
    sections = (*registry["topics"].values(), *registry["intents"].values(), registry["off_topic"])
    for section in sections:
        for language, terms in section.items():
            words[language].update(_WORD.findall(fold(" ".join(terms.values()))))
    return words


def _shared(words: Mapping[str, Iterable[str]]) -> dict[str, dict[str, float]]:
    """Word → language → its share of the word, which it halves with every other language that has it."""
    languages: dict[str, set[str]] = {}
    for language, known in words.items():
        for word in known:
            languages.setdefault(word, set()).add(language)
    return {word: dict.fromkeys(known, 1 / len(known)) for word, known in languages.items()}
