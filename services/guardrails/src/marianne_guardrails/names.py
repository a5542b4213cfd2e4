"""The bodies, schemes and persons that a sentence names, each under one name in whatever wording and language."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

_BODIES: Final = {
    "prefecture": "sous-prefectures?|prefectures?|prefectora(?:l|ux|le|les)|prefets?|prefectura|prefect|"
    "tinh truong|بريفكتورة|المحافظة",
    "town hall": "mairies?|communes?|maires?|hotel de ville|town hall|city hall|ayuntamiento|alcaldia|"
    "toa thi chinh|البلدية",
    "ofii": "ofii|office francais de l'immigration",
    "ofpra": "ofpra|office francais de protection",
    "cnda": "cnda|cour nationale du droit d'asile",
    "caf": "caf|caisses? d'allocations familiales",
    "health fund": "cpam|caisses? primaires?|assurance maladie|ameli",
    "pension fund": "caisses? de retraite|carsat|cnav|assurance retraite",
    "msa": "msa|mutualite sociale agricole",
    "urssaf": "urssaf",
    "mdph": "mdph|maisons? departementales? des personnes handicapees",
    "france travail": "france travail|pole emploi",
    "anef": "anef|administration numerique",
    "ants": "ants|france titres",
    "france-visas": "france-visas",
    "campus france": "campus france",
    "consulate": "consulats?|ambassades?|consula(?:ire|ires)|consulate|embassy|consulado",
    "police": "police|commissariats?|gendarmerie|policiers?",
    "town police": "police municipale",
    "administrative court": "tribuna(?:l|ux) administratifs?|administrative court|tribunal administrativo",
    "judicial court": "tribuna(?:l|ux) judiciaires?",
    "labour court": "prud'?hom\\w*|conseil de prud'hommes|labour court",
    "commercial court": "tribuna(?:l|ux) de commerce",
    "court of appeal": "cours? (?:administratives? )?d'appel",
    "cassation": "cour de cassation",
    "council of state": "conseil d'etat",
    "constitutional council": "conseil constitutionnel",
    "conciliation office": "bureau de conciliation",
    "interim relief": "formation de refere|juge des referes",
    "prosecutor": "procureurs?|parquet",
    "residence commission": "commission du titre de sejour",
    "appeal commission": "commission de recours amiable",
    "rent commission": "commission departementale de conciliation",
    "visa commission": "commission de recours contre les refus de visa|sous-directeur des visas",
    "debt commission": "commission de surendettement",
    "bank of france": "banque de france",
    "departmental council": "conseils? departementa(?:l|ux)",
    "regional council": "conseils? regiona(?:l|ux)",
    "labour inspectorate": "inspect(?:ion|eurs?|rices?) du travail",
    "dreets": "dreets|direccte",
    "tax office": "impots|service des impots|finances publiques|tresor public",
    "rights defender": "defenseur des droits",
    "cnil": "cnil",
    "adil": "adil",
    "spada": "spada",
    "single desk": "guda|guichet unique",
    "crous": "crous",
    "school": "rectorat|academie",
    "notary": "notaires?|notario|notary",
    "bailiff": "huissiers?|commissaires? de justice",
    "prime minister": "premier ministre",
    "minister": "ministres?|ministeres?",
    "red cross": "croix-rouge|red cross|الصليب الأحمر",
    "bank": "banques?(?! de france)",
}
_SCHEMES: Final = {
    "ame": "ame|aide medicale (?:de l')?etat",
    "puma": "puma|protection universelle maladie",
    "c2s": "c2s|complementaire sante solidaire",
    "rsa": "rsa|revenu de solidarite",
    "activity bonus": "prime d'activite",
    "aah": "aah|allocation aux adultes handicapes",
    "aspa": "aspa|minimum vieillesse",
    "ada": "allocation pour demandeur d'asile",
    "are": "allocations? chomage|indemnites? chomage|assurance chomage",
    "housing aid": "apl|aides? au logement",
}
_PERSONS: Final = {
    "employer": "employeurs?|patronn?e?s?|entreprises?|societes?",
    "employee": "salaries?|salariees?|travailleu(?:rs?|ses?)",
    "landlord": "proprietaires?|bailleurs?|bailleresses?",
    "tenant": "locataires?",
    "lawyer": "avocate?s?",
    "student": "etudiante?s?",
    "prefecture": "prefectures?|prefets?",
}
_OPPOSED: Final = (
    frozenset({"employer", "employee"}),
    frozenset({"landlord", "tenant"}),
    frozenset({"lawyer", "prefecture"}),
    frozenset({"employer", "student"}),
)


_GENERIC: Final = (
    (
        re.compile(
            r"\b(?:cours?|juges?|juridictions?|tribuna(?:l|ux)(?! (?:administratif|judiciaire))|justice|court|judge)\b"
        ),
        (
            "cnda",
            "administrative court",
            "judicial court",
            "labour court",
            "court of appeal",
            "cassation",
            "council of state",
            "interim relief",
        ),
    ),
    (
        re.compile(r"\b(?:caisses?(?! d'allocations| primaire| de retraite)|organismes?|secu(?:rite sociale)?)\b"),
        ("caf", "health fund", "pension fund", "msa", "urssaf"),
    ),
    (
        re.compile(r"\b(?:sites?|en ligne|internet|plateformes?|online|teleservices?)\b"),
        ("anef", "ants", "france-visas"),
    ),
    (
        re.compile(r"\bcommissions?\b"),
        ("residence commission", "appeal commission", "rent commission", "visa commission", "debt commission"),
    ),
    (re.compile(r"\bguichets?\b"), ("single desk",)),
    (re.compile(r"\bbanques?|agences? bancaires?\b"), ("bank", "bank of france")),
)
_TO: Final = re.compile(
    r"\b(?:a|au|aux|par|devant|aupres d\w*'?|saisi\w*|contact\w+|appel\w+|ce sont|c'est) ?"
    r"(?:l'|la |le |les |votre |agents de l'|agents de la )?$"
)
_ACTORS: Final = (
    re.compile(
        r"c'est (?:a |au |aux |l'|le |la |les |bien )*(?:vous, )?((?:[a-z]+ ?){1,2})[, ]*(?:de |d'|"
        r"qui )"
    ),
    re.compile(r"([a-z]+) (?:lui|elle|eux|elles)-memes?"),
    re.compile(r"^[^a-z]*(?:l'|le |la |les |un |une |chaque |tout |votre |son )?([a-z]+)"),
)
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_HINT: Final = 4


class _Names:
    """Finds names in flattened texts. Only where a word begins as one of them does, the pattern is tried."""

    def __init__(self, forms: Mapping[str, str]) -> None:
        groups = "|".join(f"({alternatives})" for alternatives in forms.values())
        self._pattern = re.compile(rf"(?<![\w-])(?:{groups})(?![\w-])")
        self._names = tuple(forms)
        alternatives = re.split(r"\|(?![^(]*\))", "|".join(forms.values()))
        firsts = (_LETTERS.match(alternative) for alternative in alternatives)
        self._hints = frozenset(first[0][:_HINT] for first in firsts if first)

    def matches(self, flat: str) -> Iterator[tuple[str, int]]:
        """Each name found, and where."""
        end = 0
        for word in _LETTERS.finditer(flat):
            start = word.start()
            if start >= end and word[0][:_HINT] in self._hints and (match := self._pattern.match(flat, start)):
                end = match.end()
                yield self._names[(match.lastindex or 1) - 1], start

    def find(self, flat: str) -> frozenset[str]:
        return frozenset(name for name, _ in self.matches(flat))


_BODY_NAMES, _SCHEME_NAMES, _PERSON_NAMES = _Names(_BODIES), _Names(_SCHEMES), _Names(_PERSONS)


def bodies(flat: str) -> frozenset[str]:
    """The authorities, courts, funds and offices that a flattened text names."""
    return _BODY_NAMES.find(flat)


def addressed(flat: str) -> frozenset[str]:
    """The bodies to which a flattened text sends somebody or something."""
    return frozenset(name for name, start in _BODY_NAMES.matches(flat) if _TO.search(flat[:start]))


def schemes(flat: str) -> frozenset[str]:
    """The benefits and insurances that a flattened text names."""
    return _SCHEME_NAMES.find(flat)


def persons(flat: str) -> frozenset[str]:
    """The parties to a contract or procedure that a flattened text names."""
    return _PERSON_NAMES.find(flat)


def is_replaced(claimed: frozenset[str], told: frozenset[str], flat: str) -> bool:
    """Whether the claim `flat` names another one in the place of one that its source names. « Le juge », « la caisse »
    and « en ligne » stand for any court, fund or site.
    """
    return bool(claimed - told) and bool(told - claimed - meant_bodies(flat))


def meant_bodies(flat: str) -> frozenset[str]:
    """Every body that a general word of a flattened text may mean."""
    return frozenset(name for generic, names in _GENERIC if generic.search(flat) for name in names)


def are_opposed(claimed: frozenset[str], told: frozenset[str]) -> bool:
    """Whether a claim names one party and its source only the other."""
    return any(
        len(pair & claimed) == 1 and len(pair & told) == 1 and pair & claimed != pair & told for pair in _OPPOSED
    )


def actor(flat: str) -> frozenset[str]:
    """The party that acts in a flattened sentence: its first words, « c'est à … de », « … lui-même »."""
    matches = (pattern.search(flat) for pattern in _ACTORS)
    found = next((match[1] for match in matches if match), "")
    return persons(found)
