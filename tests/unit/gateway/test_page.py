import re
from importlib.resources import files
from pathlib import Path

import pytest

from support.gateway import RunningGateway

WEB = Path(str(files("marianne_gateway") / "web"))
LANGUAGES = ("fr", "en", "es", "pt", "vi", "ar")


def labels(language: str) -> set[str]:
    text = (WEB / "labels" / f"{language}.js").read_text(encoding="utf-8")
    return set(re.findall(r"^  (\w+):", text, re.MULTILINE))


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("path", ["/", "/docs", "/web/main.js", "/web/chat.css", "/web/icon.svg"])
async def test_only_the_pages_own_files_may_run_in_it(bare: RunningGateway, path: str) -> None:
    response = await bare.http.get(path)

    assert response.status_code == 200
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("name", ["index.html", "docs.html"])
def test_a_page_has_no_inline_script_or_style_and_asks_nobody_else(name: str) -> None:
    html = (WEB / name).read_text(encoding="utf-8")

    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", html) == []
    assert re.findall(r"""(?:src|href)="(?:https?:)?//""", html) == []


def test_no_script_makes_markup_out_of_text() -> None:
    for script in WEB.rglob("*.js"):
        text = script.read_text(encoding="utf-8")
        assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text) == []


async def test_assets_are_revalidated_so_a_new_version_shows_at_once(bare: RunningGateway) -> None:
    first = await bare.http.get("/web/main.js")
    again = await bare.http.get("/web/main.js", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"] == "no-cache"
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/web/../app.py", "/web/%2e%2e/app.py", "/web/"])
async def test_nothing_but_the_pages_files_is_served(bare: RunningGateway, path: str) -> None:
    assert (await bare.http.get(path)).status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_label(language: str) -> None:
    assert labels(language) == labels("fr")


def test_the_markup_asks_only_for_labels_that_exist() -> None:
    html = (WEB / "index.html").read_text(encoding="utf-8")

    assert set(re.findall(r'data-label(?:-\w+)?="(\w+)"', html)) <= labels("fr")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "paper"),
        ("ink", "card"),
        ("ink", "tint"),
        ("soft", "paper"),
        ("soft", "card"),
        ("soft", "tint"),
        ("accent", "paper"),
        ("accent", "card"),
        ("accent", "tint"),
        ("accent-ink", "accent"),
        ("amber", "amber-tint"),
        ("red", "red-tint"),
        ("soft", "red-tint"),
    ],
)
def test_text_stands_out_from_its_ground(scheme: str, text: str, ground: str) -> None:
    blocks = (WEB / "base.css").read_text(encoding="utf-8").split("prefers-color-scheme: dark")
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[scheme == "dark"]))

    assert contrast(colours[text], colours[ground]) >= 4.5  # WCAG 2.2, level AA
