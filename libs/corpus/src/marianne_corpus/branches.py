"""Branches of industry: texts that answer for one alone, and questions that name one.

A branch is known by the number of its collective agreement (IDCC), as the labour ministry lists them.
"""

import re
from typing import Final

from marianne_language.folding import flatten

_OF_TITLE: Final = re.compile(r"\((?:convention collective|idcc)\s*(?:n°\s*)?0*(\d{1,4})\)\s*$")
_OF_QUESTION: Final = re.compile(r"\b(?:convention collective|convention|cc|ccn|idcc)\s*(?:n°\s*)?0*(\d{1,4})\b")
_NAMES: Final = {
    "16": ("transports routiers", "transport routier", "chauffeur routier"),
    "29": ("ccn 51", "convention 51", "fehap"),
    "413": ("ccn 66", "convention 66"),
    "573": ("commerces de gros", "commerce de gros"),
    "675": ("magasins de detail d'habillement", "succursales de vente au detail d'habillement"),
    "787": ("experts-comptables", "expert-comptable", "cabinet comptable"),
    "843": ("boulangerie", "boulanger", "boulangere", "patissier"),
    "1043": ("gardiens d'immeuble", "gardien d'immeuble", "gardiens, concierges", "concierge"),
    "1090": ("services de l'automobile", "garagiste", "garage automobile"),
    "1147": ("cabinets medicaux", "cabinet medical"),
    "1351": ("prevention et securite", "agent de securite"),
    "1486": ("syntec", "bureaux d'etudes", "bureau d'etudes"),
    "1501": ("restauration rapide", "fast-food"),
    "1516": ("organismes de formation",),
    "1517": ("commerces de detail non alimentaires", "commerce de detail non alimentaire"),
    "1527": ("immobilier", "agence immobiliere"),
    "1597": ("ouvriers du batiment", "batiment"),
    "1740": ("batiment region parisienne",),
    "1979": ("hcr", "hotels cafes restaurants", "hotels, cafes, restaurants", "hotel cafe restaurant"),
    "1996": ("pharmacie d'officine", "pharmacie"),
    "2111": ("particulier employeur", "salaries du particulier employeur"),
    "2120": ("banque",),
    "2148": ("telecommunications",),
    "2216": ("commerce a predominance alimentaire", "supermarche", "grande distribution"),
    "2264": ("hospitalisation privee",),
    "2596": ("coiffure", "coiffeur", "coiffeuse"),
    "2941": ("aide a domicile",),
    "3043": ("entreprises de proprete", "proprete"),
}
_NAMED: Final = {name: branch for branch, names in _NAMES.items() for name in names}
_ANY_NAME: Final = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(map(re.escape, _NAMED), key=len, reverse=True))})(?!\w)")


def branches_of(title: str) -> tuple[str, ...]:
    """The branch for which alone a document of this title answers: "… (convention collective 0016)" gives "16"."""
    return tuple(_OF_TITLE.findall(flatten(title)))


def branches_named(question: str) -> tuple[str, ...]:
    """The branches that a question names, by the number of their agreement or by name."""
    flat = flatten(question)
    by_name = (_NAMED[name] for name in _ANY_NAME.findall(flat))
    return tuple(dict.fromkeys([*_OF_QUESTION.findall(flat), *by_name]))
