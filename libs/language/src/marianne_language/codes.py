"""The names under which French codes and a few other texts are cited, and one slug for each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from marianne_language.folding import flatten

# Names are flattened; a name that begins another one stands after it.
_NAMES: Final = {
    "ceseda": (
        "ceseda",
        "code de l'entree et du sejour des etrangers et du droit d'asile",
        "code de l'entree et du sejour des etrangers",
    ),
    "code-du-travail": (
        "code du travail",
        "labour code",
        "labor code",
        "codigo del trabajo",
        "codigo de trabajo",
        "codigo do trabalho",
        "bo luat lao dong",
        "قانون العمل",
    ),
    "code-civil": ("code civil", "civil code", "codigo civil", "bo luat dan su", "القانون المدني"),
    "crpa": ("crpa", "code des relations entre le public et l'administration"),
    "css": ("code de la securite sociale", "social security code", "css"),
    "casf": ("casf", "code de l'action sociale et des familles"),
    "cgi": ("cgi", "code general des impots"),
    "cja": ("cja", "code de justice administrative"),
    "cpp": ("cpp", "code de procedure penale"),
    "cpc": ("cpc", "code de procedure civile"),
    "cpce": ("cpce", "code des procedures civiles d'execution"),
    "csp": ("csp", "code de la sante publique"),
    "cch": ("cch", "code de la construction et de l'habitation"),
    "cgct": ("cgct", "code general des collectivites territoriales"),
    "csi": ("csi", "code de la securite interieure"),
    "lpf": ("lpf", "livre des procedures fiscales"),
    "code-penal": ("code penal", "penal code", "codigo penal"),
    "code-de-l-education": ("code de l'education", "education code"),
    "code-de-commerce": ("code de commerce", "commercial code"),
    "code-de-la-route": ("code de la route", "highway code"),
    "code-electoral": ("code electoral", "electoral code"),
    "code-de-la-consommation": ("code de la consommation", "consumer code"),
    "code-du-service-national": ("code du service national",),
    "code-de-l-urbanisme": ("code de l'urbanisme",),
    "code-de-l-environnement": ("code de l'environnement",),
    "code-de-l-organisation-judiciaire": ("code de l'organisation judiciaire",),
    "code-des-transports": ("code des transports",),
    "code-monetaire-et-financier": ("code monetaire et financier",),
    "code-rural": ("code rural et de la peche maritime", "code rural"),
    "code-general-de-la-fonction-publique": ("cgfp", "code general de la fonction publique"),
    "cedh": ("cedh", "echr", "convention europeenne des droits de l'homme", "european convention on human rights"),
    "accord-franco-algerien": ("accord franco-algerien", "franco-algerian agreement"),
    "constitution": ("constitution",),
}
_SLUGS: Final = {name: slug for slug, names in _NAMES.items() for name in names}
_ANY: Final = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, _SLUGS))})(?!\w)")


@dataclass(frozen=True, slots=True)
class CodeName:
    """A code named in a text, at characters `start` to `end`."""

    slug: str
    start: int
    end: int


def find_codes(flat: str) -> Iterator[CodeName]:
    """Finds the codes named in a flattened text, in order."""
    for match in _ANY.finditer(flat):
        yield CodeName(_SLUGS[match[0]], match.start(), match.end())


def code_slug(title: str) -> str | None:
    """The slug of the code that `title` names, such as "ceseda" or "code-civil"; None when it names none."""
    return next((code.slug for code in find_codes(flatten(title))), None)
