import re
from typing import get_args

import pytest

from marianne_orchestrator.events import Dependency
from marianne_orchestrator.language_detection import LANGUAGES
from marianne_orchestrator.nodes import FIXED_ANSWERS
from marianne_orchestrator.texts import Texts

KEYS = (
    *FIXED_ANSWERS,
    *(f"consequence.{dependency}" for dependency in get_args(Dependency)),
    "consequence.no_llm",
    "withheld_mark",
    *(f"error.{code}" for code in ("internal", "llm", "timeout")),
)


@pytest.fixture(scope="module", name="texts")
def _texts() -> Texts:
    return Texts.load()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", KEYS)
def test_every_text_exists_in_every_language(texts: Texts, key: str, language: str) -> None:
    assert len(texts.get(key, language, date="2026-01-31")) > 10


@pytest.mark.parametrize("key", KEYS)
def test_no_two_languages_share_a_text(texts: Texts, key: str) -> None:
    assert len({texts.get(key, language, date="2026-01-31") for language in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize("key", KEYS)
def test_french_signs_follow_a_space_that_does_not_break(texts: Texts, key: str) -> None:
    text = re.sub(r"https?://\S+", "", texts.get(key, "fr", date="2026-01-31"))
    assert not re.search(r"[^\u00a0\u202f][:;?!»]|«[^\u00a0\u202f]", text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("site", ["service-public.gouv.fr", "legifrance.gouv.fr"])
def test_who_cannot_be_answered_gets_official_links(texts: Texts, language: str, site: str) -> None:
    assert f"https://www.{site}" in texts.get("unreachable", language)


def test_a_text_takes_its_values(texts: Texts) -> None:
    assert "2026-01-31" in texts.get("consequence.data", "fr", date="2026-01-31")


def test_another_language_falls_back_to_french(texts: Texts) -> None:
    assert texts.get("refused", "de") == texts.get("refused", "fr")


def test_a_text_that_lacks_a_language_is_refused_at_start() -> None:
    translations: dict[str, str] = {language: "texte" for language in LANGUAGES if language != "vi"}
    with pytest.raises(ValueError, match=r"greeting lacks vi"):
        Texts({"greeting": translations})
