"""What callers may send, and what is refused."""

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from marianne_gateway.countries import COUNTRIES

LANGUAGES = ("fr", "en", "es", "pt", "vi", "ar")
_LANGUAGE_TAG = re.compile(r"([A-Za-z]{2,3})(-[A-Za-z0-9]{1,8})*")
# C0, DEL and C1 (https://www.unicode.org/charts/PDF/U0080.pdf) but line feed and tab.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# Texts are promulgated with dates of entry into force that lie a year or two ahead; nothing is known beyond.
_FURTHEST = dt.timedelta(days=2 * 366)


def _without_control_characters(text: str) -> str:
    if _CONTROL.search(text):
        raise PydanticCustomError("control_characters", "control characters are not accepted")
    return text


def _supported_language(tag: str) -> str:
    match = _LANGUAGE_TAG.fullmatch(tag)
    language = match[1].lower() if match else ""
    if language not in LANGUAGES:
        raise PydanticCustomError("language", "not a supported language")
    return language


def _country(code: str) -> str:
    if code.upper() not in COUNTRIES:
        raise PydanticCustomError("country", "not a country code")
    return code.upper()


def _calendar_date(value: object) -> dt.date:
    # pydantic alone would take a number for seconds since 1970.
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError as error:
            raise PydanticCustomError("date", "not a date of the calendar") from error
    raise PydanticCustomError("date", "not a date")


def _near(day: dt.date) -> dt.date:
    if day > dt.datetime.now(dt.UTC).date() + _FURTHEST:
        raise PydanticCustomError("far_date", "too far in the future")
    return day


Text = AfterValidator(_without_control_characters)
MessageId = Annotated[str, StringConstraints(max_length=64)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChatRequest(_Body):
    """A question, alone or as the next turn of a thread."""

    query: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
        Text,
        Field(description="La question, dans la langue de la personne. Espaces de début et de fin retirés."),
    ]
    thread_id: Annotated[
        str | None,
        Field(
            max_length=64, description="Conversation à poursuivre, telle que `meta` l’a donnée ; absente : nouvelle."
        ),
    ] = None
    language: Annotated[
        Annotated[str, AfterValidator(_supported_language)] | None,
        Field(
            description="Langue de la réponse, étiquette BCP 47 dont la langue est fr, en, es, pt, vi ou ar ; "
            "absente : celle de la question.",
            examples=["fr"],
        ),
    ] = None
    user_nationality: Annotated[
        Annotated[str, AfterValidator(_country)] | None,
        Field(description="Nationalité, code ISO 3166-1 alpha-2.", examples=["MA"]),
    ] = None
    as_of: Annotated[
        Annotated[dt.date, BeforeValidator(_calendar_date), AfterValidator(_near)] | None,
        Field(
            description="Date à laquelle on demande l’état du droit ; absente : aujourd’hui.", examples=["2026-01-15"]
        ),
    ] = None
    model: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=200), Text] | None,
        Field(description="Modèle de langue parmi ceux que l’installation autorise ; absent : celui par défaut."),
    ] = None


class FeedbackRequest(_Body):
    """A reader's opinion of one answer."""

    message_id: MessageId
    score: Literal["up", "down"]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), Text] = ""
    comment: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), Text] = ""
