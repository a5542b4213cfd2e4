"""What a sentence makes a duty, a permission or a ban, and which of its verbs it denies. French, flattened."""

import re
from collections.abc import Iterator
from enum import StrEnum, auto
from functools import lru_cache
from typing import Final

from marianne_language.words import word_set

_TOKEN: Final = re.compile(r"[^\W_]+|[,;:.!?()]")
_REACH: Final = 8
_BEFORE: Final = 4


class Modality(StrEnum):
    """How a sentence binds whom it speaks of."""

    DUTY = auto()
    NO_DUTY = auto()
    PERMISSION = auto()
    BAN = auto()


OPPOSITE: Final = {
    Modality.DUTY: Modality.NO_DUTY,
    Modality.NO_DUTY: Modality.DUTY,
    Modality.PERMISSION: Modality.BAN,
    Modality.BAN: Modality.PERMISSION,
}
_MAY: Final = re.compile(
    r"peu[tx]|peuvent|pouvez|pourr(?:a|ez|ont|ai)|autoris(?:es?|ees?|ent|er|ez|era)|permet(?:te?nt|tra|s)?|"
    r"permise?s|possibles?|libres?"
)
_MUST: Final = re.compile(
    r"doi(?:t|vent)|devez|devr(?:a|ez|ont)|faut|faudra|obligatoire(?:ment|s)?|exig(?:e|ent|era|ee?s?|ible)|"
    r"requise?s?|"
    r"impos(?:e|ent|era|ees?)|oblig(?:e|ent|era|ees?)|tenue?s?|necessaires?|indispensables?|imperatif|imperativement"
)
_BANNED: Final = re.compile(
    r"interdi(?:t|te|ts|tes|ction|sent)|illega(?:l|le|ux|les)|impossibles?|empeche(?:nt|ra)?|defendue?s?|"
    r"prohibee?s?"
)
_FREE: Final = re.compile(
    r"facultati(?:f|ve|fs|ves)|inutiles?|optionnel(?:le)?s?|dispens(?:e|ee|es|ees|ent)|superflue?s?"
)
_OF_KIND: Final = (Modality.PERMISSION, Modality.DUTY, Modality.BAN, Modality.NO_DUTY)
_PHRASES: Final = (
    (
        re.compile(
            r"\b(?:n'|ne )(?:a|ai|ont|avez|avons|aura|auront|aurez|ayez) (?:pas|plus|nul|"
            r"aucunement) (?:a (?!l'|la |un )|besoin|l'obligation)"
        ),
        Modality.NO_DUTY,
    ),
    (
        re.compile(
            r"\b(?:sans (?:avoir a|devoir|besoin)|pas besoin|aucune obligation|"
            r"vous (?:en )?passer|s'en passer|en passer)\b"
        ),
        Modality.NO_DUTY,
    ),
    (re.compile(r"\blibre [^.,;]{0,30}\bde ne pas\b|\b(?:pouvez|peut|peuvent) ne pas\b"), Modality.NO_DUTY),
    (
        re.compile(
            r"\b(?:n'|ne )(?:a|ont|avez|aura|ouvre|ouvrent|donne|donnent)"
            r"[^.,;]{0,12} (?:pas|plus|jamais|aucun)[^.,;]{0,12} droit"
        ),
        Modality.BAN,
    ),
    (
        re.compile(
            r"(?<!n')\b(?:a|ont|avez|aura|aurez|ouvre|ouvrent|donne|donnent) "
            r"(?:aussi |egalement |bien |toujours )?(?:le )?droit"
        ),
        Modality.PERMISSION,
    ),
)
_NEGATIONS: Final = word_set("pas plus jamais aucun aucune rien personne ni nullement guere")
_LONE_NEGATIONS: Final = word_set("pas aucun aucune non jamais nullement")
_COPULAS: Final = word_set("est sont etait etaient sera seront serait etre soit ete a ont ait avez")
_NO_VERB: Final = word_set(
    "importe oublie oubliez oublier hesite hesitez tarde tardez tarder attendez panique confondez inquietez"
)
_NEGATIVE: Final = re.compile(
    r"\b(?:n'|ne |ni |non |sans |pas |plus de |aucune? |jamais |personne |rien |nul(?:le)? |sauf |hors |"
    r"inutile|interdi|"
    r"impossib|exclu|refus|ferme|faute de|prive|perd|cess|illega|irregul|insuffi|incompl|invalid|"
    r"indisponib|dispens|pass(?:e|er|ez|ent) d|manqu|absen|exempt|exoner|gratuit|facultat|echapp|oubli|evit|"
    r"avant )"
)
_SKIPPED: Final = (
    r"(?:(?:etre|avoir|se|s'|l'|le|la|les|lui|leur|en|y|aussi|egalement|toujours|alors|donc|ensuite|"
    r"toutefois) ?){0,3}"
)
_CAN: Final = re.compile(
    rf"(?<!ne )(?<!n')\b(?:peu[tx]|peuvent|pouvez|pourra|pourront|pourrez) {_SKIPPED}([a-z]{{4,}})"
)
_SHALL: Final = re.compile(
    rf"(?<!ne )(?<!n')\b(?:doi(?:t|vent)|devez|devra|devront|"
    rf"devrez) {_SKIPPED}([a-z]{{4,}})"
)


_CLAUSE: Final = re.compile(r"[,;:.]| mais ")
_DENIAL: Final = re.compile(
    r"\b(?:ne |n')[^,;:.]{1,40}?\b(?:pas|plus|jamais|aucun\w*|ni|rien)\b"
    r"|\b(?:aucun\w*|ni|personne|jamais)\b[^,;:.]{1,60}?\b(?:ne |n')"
)
_SUBORDINATE: Final = re.compile(
    r"\b(?:si|s'ils?|s'elles?|qui|dont|lorsqu\w*|quand|que|qu'\w*|parce|car|meme)\b.*\b(?:ne |n')"
)


def split(flat: str) -> list[str]:
    """Words and marks of a flattened text."""
    return _TOKEN.findall(flat)


def is_negative(flat: str) -> bool:
    """Whether a sentence denies or excludes anything, in whatever form."""
    return _NEGATIVE.search(flat) is not None


def modalities(flat: str) -> frozenset[Modality]:
    """What a sentence makes a duty, a permission, a ban, or no duty."""
    phrased, rest = set(), flat
    for pattern, modality in _PHRASES:
        rest, found = pattern.subn(" ", rest)
        if found:
            phrased.add(modality)
    return frozenset(phrased).union(_plain(split(rest)))


def _plain(tokens: list[str]) -> Iterator[Modality]:
    for index, token in enumerate(tokens):
        modality = _modality(token)
        if modality and (token[:4] != "tenu" or tokens[index + 1 : index + 2] in (["de"], ["a"], ["d"], ["au"])):
            yield from _said(tokens, index, modality)


@lru_cache(maxsize=4096)
def _modality(token: str) -> Modality | None:
    """How a word binds on its own."""
    kinds = zip((_MAY, _MUST, _BANNED, _FREE), _OF_KIND, strict=True)
    return next((modality for pattern, modality in kinds if pattern.fullmatch(token)), None)


def _said(tokens: list[str], index: int, modality: Modality) -> Iterator[Modality]:
    kind = _negation(tokens, index)
    if kind == "":
        yield modality
    elif kind == "not":
        yield Modality.BAN if tokens[index].startswith(("doi", "dev")) else OPPOSITE[modality]
    elif kind == "without" and modality is Modality.PERMISSION:
        yield Modality.DUTY


def _negation(tokens: list[str], index: int) -> str:
    """How the word at `index` is negated: "not", "only" (« ne peut … que »), "without" (« ne peut … sans ») or not at
    all ("").
    """
    before = _same_clause(tokens[max(0, index - _BEFORE) : index])
    after = tokens[index + 1 : index + 1 + _REACH]
    opening = next((at for at, word in enumerate(before) if word in ("ne", "n")), None)
    if opening is None:
        return "not" if not _LONE_NEGATIONS.isdisjoint(before[-2:]) else ""
    between = before[opening + 1 :]
    if not _NEGATIONS.isdisjoint(between) and _COPULAS.isdisjoint(between):
        return ""
    if "que" in after[:5] and _NEGATIONS.isdisjoint(after[: after.index("que")]):
        return "only"
    return "without" if "sans" in after else "not"


def _same_clause(tokens: list[str]) -> list[str]:
    """The tokens after the last mark."""
    last = max((at for at, token in enumerate(tokens) if not token.isalnum()), default=-1)
    return tokens[last + 1 :]


def main_denials(flat: str) -> Iterator[str]:
    """The clauses of a sentence that deny something outright, not under « si » or in a relative clause."""
    for clause in _CLAUSE.split(flat):
        if _DENIAL.search(clause) and not _SUBORDINATE.search(clause):
            yield clause


def _is_modal(word: str) -> bool:
    return _MAY.fullmatch(word) is not None or _MUST.fullmatch(word) is not None


def bound_verbs(flat: str, modality: Modality) -> frozenset[str]:
    """The words that stand right after « peut » (PERMISSION) or « doit » (DUTY), auxiliaries and pronouns skipped."""
    pattern = _CAN if modality is Modality.PERMISSION else _SHALL
    return frozenset(match[1] for match in pattern.finditer(flat))


def denied(flat: str) -> list[str]:
    """The words that « ne … pas » and its like deny; « ne … que » restricts and denies nothing."""
    tokens, found = split(flat), []
    for index, token in enumerate(tokens):
        if token not in ("ne", "n"):
            continue
        reach = tokens[index + 1 : index + 1 + _REACH]
        closing = next((at for at, word in enumerate(reach) if word in _NEGATIONS), None)
        if closing is None and "que" in reach:
            continue
        words = reach[: (closing if closing is not None else 1) + 2]
        if _NO_VERB.isdisjoint(words):
            found += [word for word in words if word not in _NEGATIONS and word.isalpha() and not _is_modal(word)]
    return found
