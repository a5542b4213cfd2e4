"""Full stops that end no sentence: abbreviations, initials and numbering."""

import re
from typing import Final

from marianne_language.words import word_set

_ALWAYS: Final = word_set(
    # French, with the forms of legal and administrative texts
    "art arts mm mme mmes mlle mlles me mgr pr prof st ste pp pg al alin cf chap sect subd vol éd ex p.ex c.-à-d c.à.d "
    "tél réf bd bld blvd av apt bât cass obs décr circ sté cie éts "
    # English
    "mr mrs ms dr drs sr gov e.g i.e vs approx dept paras "
    # Spanish and Portuguese
    "sra srta sres sras dra dres excmo excma exmo exma núm núms nº pág págs apdo cód parág v.gr "
    # Vietnamese
    "tp ths ts pgs gs bs ks ls"
)
_BEFORE_FIGURES: Final = word_set(
    "no nos num fig ch n p v s c t l r d ap sec par janv févr avr juil sept oct nov déc jan feb mar apr jun jul aug "
    "sep dec max min env etc inc ltd co h q đ tr"
)
"""Abbreviations that also end sentences, or are words of their own: only a figure after them tells."""

_LABELLED: Final = word_set(
    "type types catégorie catégories classe classes groupe annexe lettre point liste visa visas permis vitamine "
    "hépatite niveau plan zone bâtiment ligne option section colonne case category class group annex letter list "
    "permit tipo categoría clase anexo visado loại hạng nhóm"
)
"""Words before a capital that is a label, so that a full stop after it ends the sentence: « un visa de type D. Il… »"""

_NUMBERING: Final = re.compile(
    r"[\s>*_+•#-]*(?:(?:étape|phase|cas|article|step|paso|passo|artículo|artigo|bước|điều|خطوة|المادة)\s+)?"
    r"(?:\d{1,3}(?:\.\d{1,3})*|[^\W\d_]|[IVXLC]+)[*_]*",
    re.IGNORECASE,
)
_LONGEST_NUMBERING: Final = 40
_OPENING: Final = "«“”\"'‘’([{*_–—/-"
_PIECES: Final = re.compile(r"['’‘.-]")


def is_numbering(unit: str) -> bool:
    """Whether `unit`, the text from the start of a unit up to a full stop, is only the number of what follows."""
    return len(unit) <= _LONGEST_NUMBERING and _NUMBERING.fullmatch(unit) is not None


def is_abbreviation(before: str, following: str) -> bool:
    """Whether the full stop between `before` and the non-space character `following` belongs to an abbreviation."""
    *_, previous, token = ("", "", *before.rsplit(None, 2))
    token = token.lstrip(_OPENING)
    last = _PIECES.split(token)[-1]
    if _is_initial(last, previous):
        return True
    forms = {token.lower(), last.lower()}
    if following.isdecimal() and not forms.isdisjoint(_BEFORE_FIGURES):
        return True
    return not forms.isdisjoint(_ALWAYS)


def _is_initial(piece: str, previous: str) -> bool:
    if len(piece) != 1 or not piece.isalpha() or piece.islower() or piece >= "\u3040":
        return False
    return previous.lower().rsplit("'", 1)[-1] not in _LABELLED
