"""The small words around numbers, flattened, and all words that matter to a value."""

from typing import Final

from marianne_language.numerals import NUMBER_WORDS, RANK_WORDS
from marianne_language.units import COLLECTIVES, FRACTIONS, HALVES, PERIODS, SCALES, UNITS, WHOLE_DURATIONS
from marianne_language.words import word_set

BETWEEN: Final = word_set(
    "premiers premieres derniers dernieres prochains prochaines autres longs longues pleins full first last next other "
    "consecutive working business calendar primeros ultimos proximos primeiros d de"
)
"""May stand between a number and its unit: « les trois premiers mois »."""

TO: Final = word_set("a ou au aux to or o al den hoac hay إلى أو")
"""Join the two ends of a range."""

AND: Final = word_set("et and y e va و")
"""Join the ends of a range after a word of `BETWIXT`, and a half."""

BETWIXT: Final = word_set("entre between giua بين")
EACH: Final = word_set("par per chaque each every por cada moi hang كل /")
"""Before a unit they tell a repetition."""

ALL_THE: Final = frozenset({"tous", "toutes"})
"""The same when « les » follows."""

WITHIN: Final = word_set("within of for in after least than valid lasts")
"""Before "a month" they make the article a number."""

WITHIN_THE: Final = word_set("dans sous")
TERMS: Final = word_set("trimestre semestre")
"""« dans le trimestre » tells one of them; « dans le mois » and « dans l'année » are mostly something else."""

NAMING: Final = word_set("ferie feries chome chomes scolaire civile universitaire fiscale blanche ou donne sur")
"""After « un jour » and « une année » they name one instead of measuring."""

NEEDS_UNIT: Final = word_set("un une one uno una um uma neuf")
"""Number words that are mostly something else."""

DEICTIC: Final = word_set("les ces des aux tous toutes the both these los las estos os as estes")
"""Before « deux » they point at two things that are known."""

COUNTED: Final = word_set(
    "cas situations possibilites etapes options solutions facons manieres points hypotheses volets cases possibilities "
    "steps ways lieu temps point etape condition chose option opciones casos pasos formas opcoes passos maneiras"
)
"""What a writer counts to order a text: « trois cas sont possibles » is no fact of a source."""

ONE: Final = frozenset({"واحد", "واحدة"})
"""Follow their unit."""

WORDS: Final = frozenset().union(
    BETWEEN,
    TO,
    AND,
    BETWIXT,
    EACH,
    ALL_THE,
    WITHIN,
    WITHIN_THE,
    NAMING,
    DEICTIC,
    COUNTED,
    ONE,
    {"a", "an", "les", "le", "la", "l"},
    NUMBER_WORDS,
    UNITS,
    WHOLE_DURATIONS,
    SCALES,
    COLLECTIVES,
    FRACTIONS,
    HALVES,
    PERIODS,
)

TELLING: Final = (NUMBER_WORDS - NEEDS_UNIT).union(
    UNITS, WHOLE_DURATIONS, COLLECTIVES, FRACTIONS, HALVES, PERIODS, RANK_WORDS, {"premier"}
)
"""Words without one of which a text without figures tells no value."""
