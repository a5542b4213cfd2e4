"""The articles that followed a repealed one, from the `links` that LEGI gives."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from marianne_language.codes import code_slug
from marianne_language.references import find_references

_SUCCESSION: Final = ("CONCORD", "TRANSFER", "DEPLAC", "CODIFI")
"""How the types of links begin that lead from an article to the one that took its place."""
_ENDED: Final = frozenset({"ABROGE", "ABROGE_DIFF", "TRANSFERE", "PERIME", "DEPLACE", "ANNULE"})


def successors(links: object, status: str) -> tuple[str, ...]:
    """As "<code_slug>:<number>", for an article whose legal status says that it ended; each once, in their order."""
    if status not in _ENDED:
        return ()
    found = (_successor(link) for link in _read(links) if _leads_on(link))
    return tuple(dict.fromkeys(filter(None, found)))


def _read(links: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(links, str | bytes):
        try:
            links = orjson.loads(links) if links else []
        except orjson.JSONDecodeError:
            return
    yield from (link for link in links if isinstance(link, dict)) if isinstance(links, list) else ()


def _leads_on(link: Mapping[str, Any]) -> bool:
    kind, direction = str(link.get("link_type") or "").upper(), str(link.get("link_direction") or "cible")
    return kind.startswith(_SUCCESSION) and direction == "cible"


def _successor(link: Mapping[str, Any]) -> str:
    title, number = str(link.get("title") or ""), str(link.get("number") or "")
    references = find_references(f"article {number}" if number else title)
    slug = code_slug(title)
    return f"{slug}:{references[0].number}" if slug and references else ""
