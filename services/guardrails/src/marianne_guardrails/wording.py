"""The wording of a sentence as it is compared: its words alone, without case, accents, punctuation or list marker."""

import re
from typing import Final

from marianne_language.folding import fold

_MARKER: Final = re.compile(r"\s*(?:[-*+•>–—]\s+|\d{1,3}[.)]\s+|#{1,6}\s+)+")
_HEADING: Final = re.compile(r"\s*(#{1,6})\s")
_CAPTION: Final = re.compile(r"[^.;:!?]{0,120}\barticle (?:[lrda]\. ?)?[\d-]+\.?", re.IGNORECASE)
_WORD: Final = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|[%€$£°]")
_ANAPHOR: Final = re.compile(
    r"(?:ce|cet|cette|ces|celui-ci|celle-ci|ceux-ci|celles-ci|cela|il|ils|elle|elles|son|sa|ses|leurs?|y|en|"
    r"dans ces?|dans cet|dans cette|a ce titre|a cette fin|a defaut|de meme|toutefois|cependant|"
    r"neanmoins|sinon|en outre|sauf|l'interesse|this|these|that|it|they)\b"
)


def spoken(text: str) -> str:
    """The words of `text`, folded and joined by single spaces, its list marker or heading sign left out."""
    return " ".join(_WORD.findall(fold(_MARKER.sub("", text, count=1) if _MARKER.match(text) else text)))


def is_item(sentence: str) -> bool:
    """Whether a source sentence is an item of a list."""
    marker = _MARKER.match(sentence)
    return marker is not None and not is_heading(sentence)


def heading_level(sentence: str) -> int:
    """How many signs a Markdown heading has; 0 for other sentences."""
    heading = _HEADING.match(sentence)
    return len(heading[1]) if heading else 0


def is_heading(sentence: str) -> bool:
    """Whether a sentence is a Markdown heading."""
    return heading_level(sentence) > 0


def is_caption(sentence: str) -> bool:
    """Whether a sentence does nothing but name an article: « Code civil, article 21-7. »"""
    return _CAPTION.fullmatch(sentence.strip()) is not None


def is_lead_in(sentence: str) -> bool:
    """Whether a sentence announces a list: « Vous devez fournir : »"""
    return sentence.rstrip(" *_").endswith(":")


def leans_back(sentence: str) -> bool:
    """Whether a sentence takes its subject from the one before: « Ce délai… », « Il… », « Toutefois… »"""
    return _ANAPHOR.match(fold(sentence)) is not None
