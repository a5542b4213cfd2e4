"""The product's own words to its users, in every supported language."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

import yaml

from marianne_orchestrator.language_detection import LANGUAGES


class Texts:
    """Reviewed texts by key and language; `{name}` in a text is filled by the caller."""

    def __init__(self, entries: Mapping[str, Mapping[str, str]]) -> None:
        """Raises ValueError naming a key that lacks a language."""
        for key, translations in entries.items():
            if missing := set(LANGUAGES) - set(translations):
                raise ValueError(f"texts.yaml: {key} lacks {', '.join(sorted(missing))}")
        self._entries = entries

    @classmethod
    def load(cls) -> "Texts":
        text = resources.files("marianne_orchestrator").joinpath("data/texts.yaml").read_text(encoding="utf-8")
        entries: dict[str, Any] = yaml.safe_load(text)
        return cls(entries)

    def get(self, key: str, language: str, **values: str) -> str:
        """Falls back to French for a language that is not supported."""
        translations = self._entries[key]
        return translations.get(language, translations["fr"]).format(**values).strip("\n")
