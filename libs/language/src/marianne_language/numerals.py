"""Numbers in figures and in words."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from marianne_language.folding import flatten

_TIMES_TEN: Final = -10
"""The worth of a word that multiplies by ten: « hai mươi » is two times ten."""


def _table(text: str) -> dict[str, int]:
    """Reads entries such as `1:un|une`, words flattened unless accents tell them from others."""
    entries = (entry.split(":") for entry in text.split())
    return {word: int(number) for number, words in entries for word in words.split("|")}


_FRENCH: Final = _table(
    "1:un|une 2:deux 3:trois 4:quatre 5:cinq 6:six 7:sept 8:huit 9:neuf 10:dix 11:onze 12:douze 13:treize 14:quatorze "
    "15:quinze 16:seize 20:vingt|vingts 30:trente 40:quarante 50:cinquante 60:soixante 70:septante 80:huitante|octante "
    "90:nonante 100:cent|cents 1000:mille 1000000:million|millions 1000000000:milliard|milliards"
)
_ENGLISH: Final = _table(
    "1:one 2:two 3:three 4:four 5:five 6:six 7:seven 8:eight 9:nine 10:ten 11:eleven 12:twelve 13:thirteen 14:fourteen "
    "15:fifteen 16:sixteen 17:seventeen 18:eighteen 19:nineteen 20:twenty 30:thirty 40:forty 50:fifty 60:sixty "
    "70:seventy 80:eighty 90:ninety 100:hundred 1000:thousand 1000000:million 1000000000:billion"
)
_SPANISH: Final = _table(
    "1:un|una|uno 2:dos 3:tres 4:cuatro 5:cinco 6:seis 7:siete 8:ocho 9:nueve 10:diez 11:once 12:doce 13:trece "
    "14:catorce 15:quince 16:dieciseis 17:diecisiete 18:dieciocho 19:diecinueve 20:veinte 21:veintiuno|veintiun "
    "22:veintidos 23:veintitres 24:veinticuatro 25:veinticinco 26:veintiseis 27:veintisiete 28:veintiocho "
    "29:veintinueve 30:treinta 40:cuarenta 50:cincuenta 60:sesenta 70:setenta 80:ochenta 90:noventa 100:cien|ciento "
    "200:doscientos|doscientas 300:trescientos|trescientas 500:quinientos|quinientas 1000:mil 1000000:millon|millones"
)
_PORTUGUESE: Final = _table(
    "1:um|uma 2:dois|duas 3:tres 4:quatro 5:cinco 6:seis 7:sete 8:oito 9:nove 10:dez 11:onze 12:doze 13:treze "
    "14:catorze|quatorze 15:quinze 16:dezesseis|dezasseis 17:dezessete|dezassete 18:dezoito 19:dezenove|dezanove "
    "20:vinte 30:trinta 40:quarenta 50:cinquenta 60:sessenta 70:setenta 80:oitenta 90:noventa 100:cem|cento "
    "200:duzentos|duzentas 300:trezentos|trezentas 500:quinhentos|quinhentas 1000:mil 1000000:milhao|milhoes"
)
# Accents tell Vietnamese numbers from other words, so these are not flattened.
_VIETNAMESE: Final = _table(
    f"1:một 2:hai 3:ba 4:bốn|tư 5:năm|lăm 6:sáu 7:bảy|bẩy 8:tám 9:chín 10:mười {_TIMES_TEN}:mươi 100:trăm "
    "1000:nghìn|ngàn 1000000:triệu"
)
_ARABIC: Final = _table(
    "2:اثنان|اثنين|اثنتان|اثنتين 3:ثلاثة|ثلاث 4:أربعة|أربع|اربعة|اربع 5:خمسة|خمس 6:ستة|ست 7:سبعة|سبع "
    "8:ثمانية|ثماني 9:تسعة|تسع 10:عشرة|عشر 20:عشرون|عشرين 30:ثلاثون|ثلاثين 40:أربعون|أربعين "
    "50:خمسون|خمسين 60:ستون|ستين 70:سبعون|سبعين 80:ثمانون|ثمانين 90:تسعون|تسعين 100:مئة|مائة "
    "1000:ألف|آلاف 1000000:مليون"
)
_ARABIC_JOINED: Final = {f"و{word}": number for word, number in _ARABIC.items()}
_TABLES: Final = {
    "fr": _FRENCH,
    "en": _ENGLISH,
    "es": _SPANISH,
    "pt": _PORTUGUESE,
    "vi": _VIETNAMESE,
    "ar": _ARABIC | _ARABIC_JOINED,
}
NUMBER_WORDS: Final = frozenset(flatten(word) for table in _TABLES.values() for word in table)
"""The number words of all languages, flattened."""

_RANKS: Final = {
    "fr": _table(
        "2:deuxieme|second|seconde 3:troisieme 4:quatrieme "
        "5:cinquieme 6:sixieme 7:septieme 8:huitieme 9:neuvieme 10:dixieme"
    ),
    "en": _table("2:second 3:third 4:fourth 5:fifth 6:sixth 7:seventh 8:eighth 9:ninth 10:tenth"),
    "es": _table("2:segundo|segunda 3:tercer|tercero|tercera 4:cuarta 5:quinto|quinta 6:sexto|sexta 10:decimo|decima"),
    "pt": _table("3:terceiro|terceira 4:quarta 5:quinto|quinta 6:sexto|sexta 10:decimo|decima"),
}
RANK_WORDS: Final = frozenset(word for table in _RANKS.values() for word in table)
"""The ordinals of all languages from the second on, flattened."""

_JOINING: Final = {"fr": "et", "en": "and", "es": "y", "pt": "e"}
_DECIMAL_SIGNS: Final = {"fr": ",", "es": ",", "pt": ",", "vi": ",", "en": "."}


def base_language(language: str) -> str:
    """The primary subtag of a BCP 47 tag, such as "pt" of "pt-BR"; French when it is empty."""
    return language.partition("-")[0].lower() or "fr"


def number_word(word: str, language: str) -> int | None:
    """The number that one word stands for in a primary language; None for other words and unknown languages."""
    return _TABLES.get(language, {}).get(word.lower() if language == "vi" else flatten(word))


def rank_word(word: str, language: str) -> int | None:
    """The rank that a flattened word tells in a primary language, from the second on."""
    return _RANKS.get(language, {}).get(word)


def is_joining(word: str, language: str) -> bool:
    """Whether the flattened `word` may stand inside a number: « vingt et un », "two hundred and five"."""
    return _JOINING.get(language) == word


def goes_on(last: int, following: int) -> bool:
    """Whether a number word worth `following` belongs to the number whose last word is worth `last`."""
    if following == _TIMES_TEN or (following == 20 and last < 10):
        return 0 < last < 10
    if following == 100 or following >= 1000:
        return True
    if following > 100:
        return last >= 1000
    if last >= 100:
        return True
    if last in (10, _TIMES_TEN):
        return following < 10
    return following < 20 if last >= 20 else following % 10 == 0


def add_up(parts: Sequence[int]) -> Decimal:
    """The number that number words make: 4, 20, 10, 7 is 97 and 2, 100, 1000 is 200,000."""
    total = current = 0
    for part in parts:
        if part >= 1000:
            total, current = total + max(current, 1) * part, 0
        elif part == 100:
            current = max(current, 1) * 100
        elif part == _TIMES_TEN:
            current += 9 * (current % 10)
        elif part == 20 and current % 10 == 4 and current % 100 < 10:
            current += 76
        else:
            current += part
    return Decimal(total + current)


def read_figures(figures: str, language: str) -> Decimal:
    """Reads a number in flattened figures by the separators of a primary language: "1 500,5" or "1,500.5"."""
    plain = figures.replace(" ", "").replace("'", "")
    last = max(plain.rfind("."), plain.rfind(","))
    if last < 0:
        return Decimal(plain)
    whole, sign, rest = plain[:last], plain[last], plain[last + 1 :]
    other = "." if sign == "," else ","
    groups = sign in whole or (len(rest) == 3 and other not in whole and sign not in _DECIMAL_SIGNS.get(language, ""))
    whole = whole.replace(".", "").replace(",", "")
    return Decimal(whole + rest) if groups else Decimal(f"{whole}.{rest}")
