"""Places that a question names when it asks for an office: a postcode, a commune or a département."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from marianne_language.phrases import PhraseTable, flat_words

_OFFICE: Final = re.compile(
    r"\b(?:prefectures?|sous-prefectures?|mairies?|tribuna(?:l|ux)|guichets?|adresses?|horaires?|bureaux?|agences?|"
    r"caf|cpam|ofii|spada|france travail|pole emploi|cidff|cdad|ou (?:aller|s'adresser|deposer|faire|se trouve))\b"
)
_DEPARTMENTS: Final = """
01 ain | 02 aisne | 03 allier | 04 alpes de haute provence | 05 hautes alpes | 06 alpes maritimes | 07 ardeche | 08
ardennes | 09 ariege | 10 aube | 11 aude | 12 aveyron | 13 bouches du rhone | 14 calvados | 15 cantal | 16 charente
| 17 charente maritime | 18 cher | 19 correze | 2A corse du sud | 2B haute corse | 21 cote d or | 22 cotes d armor |
23 creuse | 24 dordogne | 25 doubs | 26 drome | 27 eure | 28 eure et loir | 29 finistere | 30 gard | 31 haute
garonne | 32 gers | 33 gironde | 34 herault | 35 ille et vilaine | 36 indre | 37 indre et loire | 38 isere | 39 jura
| 40 landes | 41 loir et cher | 42 loire | 43 haute loire | 44 loire atlantique | 45 loiret | 46 lot | 47 lot et
garonne | 48 lozere | 49 maine et loire | 50 manche | 51 marne | 52 haute marne | 53 mayenne | 54 meurthe et moselle
| 55 meuse | 56 morbihan | 57 moselle | 58 nievre | 59 nord | 60 oise | 61 orne | 62 pas de calais | 63 puy de dome
| 64 pyrenees atlantiques | 65 hautes pyrenees | 66 pyrenees orientales | 67 bas rhin | 68 haut rhin | 69 rhone | 70
haute saone | 71 saone et loire | 72 sarthe | 73 savoie | 74 haute savoie | 75 paris | 76 seine maritime | 77 seine
et marne | 78 yvelines | 79 deux sevres | 80 somme | 81 tarn | 82 tarn et garonne | 83 var | 84 vaucluse | 85 vendee
| 86 vienne | 87 haute vienne | 88 vosges | 89 yonne | 90 territoire de belfort | 91 essonne | 92 hauts de seine |
93 seine saint denis | 94 val de marne | 95 val d oise | 971 guadeloupe | 972 martinique | 973 guyane | 974 la
reunion | 976 mayotte
"""


class Places:
    """Départements by the names of places."""

    def __init__(self, places: Mapping[str, tuple[str, ...]]) -> None:
        """`places`: the départements of a commune's name or of a postcode."""
        written = (entry.split(maxsplit=1) for entry in _DEPARTMENTS.split("|"))
        self._table = PhraseTable(
            [
                *((tuple(name.split()), (number,)) for number, name in written),
                *((tuple(flat_words(place)), found) for place, found in places.items()),
            ]
        )

    def departments(self, question: str) -> tuple[str, ...]:
        """Those of the places that a question about an office names; none for other questions."""
        flat = flat_words(question)
        if not _OFFICE.search(" ".join(flat)):
            return ()
        return tuple(dict.fromkeys(self._named(flat)))

    def _named(self, words: list[str]) -> Iterator[str]:
        for found in self._table.find(words):
            for departments in found.values:
                yield from departments
