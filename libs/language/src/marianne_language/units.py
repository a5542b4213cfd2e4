"""Words that turn a number into a duration, an amount or a percentage, and the names of months."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from marianne_language.words import word_set


@dataclass(frozen=True, slots=True)
class Unit:
    """`factor` times the base of its kind: months or minutes for durations, one of the currency for amounts."""

    kind: Literal["months", "minutes", "amount", "percentage"]
    factor: Decimal
    currency: str = ""


def _durations(kind: Literal["months", "minutes"], words: Mapping[int, str]) -> dict[str, Unit]:
    return {word: Unit(kind, Decimal(factor)) for factor, names in words.items() for word in names.split()}


def _currency(code: str, words: str, factor: str = "1") -> dict[str, Unit]:
    return {word: Unit("amount", Decimal(factor), code) for word in words.split()}


_DAY: Final = 24 * 60
UNITS: Final[Mapping[str, Unit]] = {
    **_durations(
        "months",
        {
            1: "mois mensualite mensualites month months mes meses thang شهر شهرا شهور أشهر اشهر",
            3: "trimestre trimestres",
            6: "semestre semestres semester semesters",
            12: "an ans annee annees year years yr yrs ano anos nam tuoi سنة سنوات سنين عام عاما أعوام اعوام",
        },
    ),
    **_durations(
        "minutes",
        {
            1: "minute minutes min mn minuto minutos phut دقيقة دقائق",
            60: "heure heures h hour hours hr hrs hora horas gio tieng ساعة ساعات",
            _DAY: "jour jours j journee journees jornada jornadas day days dia dias ngay يوم يوما أيام ايام",
            7 * _DAY: "semaine semaines week weeks semana semanas tuan أسبوع أسبوعا أسابيع اسبوع اسابيع",
            14 * _DAY: "fortnight fortnights",
        },
    ),
    **_currency("EUR", "€ euro euros eur يورو"),
    **_currency("EUR", "centime centimes cents centimos", "0.01"),
    **_currency("USD", "$ usd dollar dollars"),
    **_currency("GBP", "£ gbp"),
    **_currency("VND", "vnd dong"),
    "%": Unit("percentage", Decimal(1)),
}
"""Unit words, flattened."""

WHOLE_DURATIONS: Final[Mapping[str, tuple[int, str]]] = {
    **dict.fromkeys(("quinzaine", "quincena", "quinzena"), (15, "jour")),
    "huitaine": (8, "jour"),
    **dict.fromkeys(word_set("decennie decennies decennal decennale decennaux decennales decade decades"), (10, "an")),
    **dict.fromkeys(word_set("quinquennal quinquennale quinquennat"), (5, "an")),
    **dict.fromkeys(("شهران", "شهرين"), (2, "mois")),
    **dict.fromkeys(("سنتان", "سنتين", "عامان", "عامين"), (2, "an")),
    **dict.fromkeys(("يومان", "يومين"), (2, "jour")),
    **dict.fromkeys(("أسبوعان", "أسبوعين"), (2, "semaine")),
    **dict.fromkeys(("ساعتان", "ساعتين"), (2, "heure")),
}
"""Words that are a number and its unit in one."""

SCALES: Final[Mapping[str, int]] = {
    **dict.fromkeys(word_set("mille thousand mil nghin ngan ألف آلاف k"), 1000),
    **dict.fromkeys(word_set("million millions millon millones milhao milhoes trieu مليون ملايين"), 10**6),
    **dict.fromkeys(word_set("milliard milliards billion ty مليار"), 10**9),
}
"""Words that multiply the figures before them: « 1,5 million »."""


def _months(*languages: str) -> dict[str, int]:
    return {
        word: month
        for names in languages
        for month, alternatives in enumerate(names.split(), 1)
        for word in alternatives.split("|")
    }


MONTHS: Final[Mapping[str, int]] = _months(
    "janvier|janv fevrier|fevr|fev mars avril|avr mai juin juillet|juil aout septembre|sept octobre|oct "
    "novembre|nov decembre|dec",
    "january|jan february|feb march april|apr may june july|jul august|aug september|sep october november december",
    "enero febrero marzo abril mayo junio julio agosto septiembre|setiembre octubre noviembre diciembre",
    "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
    "يناير|جانفي فبراير|فيفري مارس أبريل|أفريل|ابريل مايو|ماي "
    "يونيو|جوان يوليو|جويلية أغسطس|أوت سبتمبر أكتوبر نوفمبر ديسمبر",
)
"""Names of months, flattened."""

HALVES: Final = word_set("demi demie half medio media meio meia ruoi")
"""Words for half of a unit, before or after it."""

COLLECTIVES: Final[Mapping[str, int]] = {
    "dizaine": 10,
    "douzaine": 12,
    "vingtaine": 20,
    "trentaine": 30,
    "quarantaine": 40,
    "cinquantaine": 50,
    "soixantaine": 60,
    "centaine": 100,
}
"""Words that make a number of the « une » before them: « une trentaine de jours »."""

FRACTIONS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("tiers", "thirds", "tercio", "tercios", "terco", "tercos"), 3),
    **dict.fromkeys(("quart", "quarts", "quarters", "cuarto", "cuartos"), 4),
    **dict.fromkeys(("cinquiemes", "fifths", "quintos"), 5),
    **dict.fromkeys(("dixiemes", "tenths", "decimos"), 10),
}
"""Denominators: « deux tiers »."""

PERIODS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "quotidien",
            "quotidienne",
            "quotidiens",
            "quotidiennes",
            "quotidiennement",
            "journalier",
            "journaliere",
            "daily",
            "diario",
            "diaria",
        ),
        "jour",
    ),
    **dict.fromkeys(("hebdomadaire", "hebdomadaires", "weekly", "semanal", "semanales", "semanais"), "semaine"),
    **dict.fromkeys(
        (
            "mensuel",
            "mensuelle",
            "mensuels",
            "mensuelles",
            "mensuellement",
            "monthly",
            "mensual",
            "mensuales",
            "mensal",
            "mensais",
            "شهريا",
        ),
        "mois",
    ),
    **dict.fromkeys(("trimestriel", "trimestrielle", "trimestriels", "trimestrielles", "quarterly"), "trimestre"),
    **dict.fromkeys(
        (
            "annuel",
            "annuelle",
            "annuels",
            "annuelles",
            "annuellement",
            "yearly",
            "annual",
            "annually",
            "anual",
            "anuales",
            "anuais",
            "سنويا",
        ),
        "an",
    ),
}
"""Adjectives of repetition and the unit in which they count."""
