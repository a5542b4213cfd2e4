"""How far a sentence reaches: for all or for some, only or also, under a condition or without. French, flattened."""

import re
from typing import Final

_ABSOLUTE: Final = re.compile(
    r"\b(?:toujours|tou(?:s|te|tes) (?:les|vos|nos|mes|ses|etrang|alger|enfant|perte|personne|salar)|"
    r"dans tous les cas|automatiquement|systematiquement|"
    r"n'importe quel|sans (?:aucune )?(?:exception|distinction)|quelle? que soit|quels? que|peu importe|"
    r"definitivement|sans aucune condition|"
    r"aucun(?:e)? (?!cas)|chaque|a coup sur|forcement)"
)
_SOME: Final = re.compile(
    r"\b(?:certaine?s|souvent|parfois|en principe|generalement|en general|le plus souvent|sauf|hormis|"
    r"excepte|selon|"
    r"peut etre|notamment|dans certains cas|plusieurs|ne .{0,40}pas automatiquement|que si|que dans)\b"
)
_ONLY: Final = re.compile(
    r"\b(?:seule?s?|seulement|uniquement|exclusivement|reservee?s? (?:aux?|a)|rien d'autre|aucun autre)\b|"
    r"\b(?:n'|ne )[^.,;:!?]{1,45}?\bqu(?:e |')"
)
_LIMITS: Final = re.compile(
    r"\b(?:seule?s?|seulement|uniquement|exclusivement|limitee?s?|reservee?s?|interdi\w*|exactement|"
    r"propres?|au (?:plus|moins|maximum|minimum)|maximale?|"
    r"jusqu'|unique|suppose|exige|apres|avant|a partir|des (?:que|l'|le)|dispens\w*|necessaire|condition|"
    r"obligat\w*|si|s'il|sauf|doi(?:t|vent))\b|\b(?:n'|ne )|\b(?:pas|aucun\w*) "
)
_EXCEPTION: Final = re.compile(
    r"\b(?:sauf|hormis|excepte|a moins|mais|cependant|toutefois|en revanche|alors que|tandis que)\b"
)
_BOUND: Final = re.compile(
    r"\b(?:si|s'il|s'ils|s'elle|s'elles|sauf|hormis|excepte|a moins|a condition|sous reserve|lorsqu\w*|"
    r"quand|en cas|pourvu|des (?:que|lors)|"
    r"des l\w*|une fois|tant que|sans|faute|selon)\b|\?"
)
_ALTERNATIVES: Final = re.compile(
    r"\b(?:ou|tou(?:t|te|s|tes)|aussi|egalement|comme|notamment|par exemple|souvent|ainsi que|"
    r"y compris|meme|chaque|plusieurs)\b"
)


def is_absolute(flat: str) -> bool:
    """Whether a sentence claims something for all cases."""
    return _ABSOLUTE.search(flat) is not None


def is_hedged(flat: str) -> bool:
    """Whether a sentence tells something of some cases only."""
    return _SOME.search(flat) is not None


def restricts(flat: str) -> bool:
    """Whether a sentence says that something holds of one thing only."""
    return _ONLY.search(flat) is not None


def limits(flat: str) -> bool:
    """Whether a sentence sets any limit that « only » may render."""
    return _LIMITS.search(flat) is not None


def has_alternatives(flat: str) -> bool:
    """Whether a sentence names more than one way, person or case."""
    return _ALTERNATIVES.search(flat) is not None


def is_excepted(flat: str) -> bool:
    """Whether a sentence tells an exception beside its rule."""
    return _EXCEPTION.search(flat) is not None


def is_bound(flat: str) -> bool:
    """Whether a sentence holds only under a condition that it tells."""
    return _BOUND.search(flat) is not None
