"""Personal data in a user's message, found by form and checksum, and replaced by marks such as <EMAIL>.

Public short numbers (39 39) and service numbers (08…) are no personal data.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

PiiType = Literal["EMAIL", "IBAN", "NIR", "CARD", "PHONE", "AGDREF", "PASSPORT"]

_CONTEXT_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class Redaction:
    """A text without personal data, and the kinds that were in it, in the order of their first appearance."""

    text: str
    types: tuple[PiiType, ...]


@dataclass(frozen=True, slots=True)
class _Recogniser:
    """Finds `pattern` where `is_valid` accepts its letters and digits and `context`, if any, stands shortly before."""

    type: PiiType
    pattern: re.Pattern[str]
    is_valid: Callable[[str], bool] = bool
    context: re.Pattern[str] | None = None

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        for match in self.pattern.finditer(text):
            before = text[max(0, match.start() - _CONTEXT_CHARACTERS) : match.start()]
            in_context = self.context is None or self.context.search(before)
            if in_context and self.is_valid(re.sub(r"[\W_]", "", match[0]).upper()):
                yield match.span()


def is_iban(account: str) -> bool:
    """ISO 13616: the number with its first four characters last, letters as 10 to 35, is 1 modulo 97."""
    lengths = {
        "FR": 27,
        "MC": 27,
        "BE": 16,
        "LU": 20,
        "DE": 22,
        "ES": 24,
        "IT": 27,
        "PT": 25,
        "NL": 18,
        "CH": 21,
        "GB": 22,
    }
    if not 15 <= len(account) <= 34 or len(account) != lengths.get(account[:2], len(account)):
        return False
    digits = "".join(str(int(character, 36)) for character in account[4:] + account[:4])
    return int(digits) % 97 == 1


def is_nir(number: str) -> bool:
    """INSEE: the two last digits are 97 minus the first thirteen modulo 97; Corsica's 2A and 2B count as 19 and 18."""
    digits = number[:5] + number[5:7].replace("2A", "19").replace("2B", "18") + number[7:]
    return digits.isdecimal() and 97 - int(digits[:13]) % 97 == int(digits[13:])


def is_card(number: str) -> bool:
    """ISO/IEC 7812: Luhn's sum of the digits, every second one doubled from the right, is a multiple of ten."""
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2]]
    return (sum(map(int, number[-1::-2])) + sum(doubled)) % 10 == 0


def _is_private_phone(number: str) -> bool:
    national = re.sub(r"^(?:0033|33)0?(?=[1-9]\d{8}$)", "0", number)
    return not re.match(r"08\d{8}$", national)


_RECOGNISERS: Final = (
    _Recogniser("EMAIL", re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    _Recogniser(
        "IBAN", re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z\d]{4}){2,7}(?:[ -]?[A-Z\d]{1,3})?\b", re.IGNORECASE), is_iban
    ),
    _Recogniser(
        "NIR",
        re.compile(r"\b[1-478](?:[ .-]?\d{2}){2}[ .-]?(?:\d{2}|2[AB])(?:[ .-]?\d{3}){2}[ .-]?\d{2}\b", re.IGNORECASE),
        is_nir,
    ),
    _Recogniser("CARD", re.compile(r"\b(?:3[47]\d{2}[ -]?\d{6}[ -]?\d{5}|[3-6]\d{3}(?:[ -]?\d{4}){3})\b"), is_card),
    _Recogniser(
        "AGDREF",
        re.compile(r"\b\d{10}\b"),
        context=re.compile(
            r"agdref|(?:num[ée]ro|n°) ?(?:d['’])?[ée]tranger|num[ée]ro (?:personnel|national)|titre de s[ée]jour|"
            r"r[ée]c[ée]piss[ée]|foreigner|residence permit|anef|permiso de residencia|thẻ cư trú",
            re.IGNORECASE,
        ),
    ),
    _Recogniser(
        "PHONE",
        re.compile(
            r"(?<![\w+])(?:(?:\+33|0033)[ .]?(?:\(0\)[ .]?)?[1-9](?:[ .-]?\d{2}){4}|0[1-9](?:[ .-]?\d{2}){4}"
            r"|\+(?!33)\d{2,3}(?:[ .-]?\d){7,11})\b"
        ),
        _is_private_phone,
    ),
    _Recogniser(
        "PASSPORT",
        re.compile(r"\b(?:\d{2}[A-Z]{2}\d{5}|[A-Z]{1,2}\d{6,8})\b"),
        context=re.compile(r"passe?port|pasaporte|passaporte|hộ chiếu|جواز", re.IGNORECASE),
    ),
)


def redact(text: str) -> Redaction:
    """Replaces personal data in `text`. Where two kinds overlap the one with the stronger proof wins."""
    found: list[tuple[int, int, PiiType]] = []
    for recogniser in _RECOGNISERS:
        for start, end in recogniser.find(text):
            if all(end <= other_start or other_end <= start for other_start, other_end, _ in found):
                found.append((start, end, recogniser.type))
    found.sort()
    redacted, position = "", 0
    for start, end, kind in found:
        redacted += f"{text[position:start]}<{kind}>"
        position = end
    return Redaction(redacted + text[position:], tuple(dict.fromkeys(kind for _, _, kind in found)))
