"""Personal data in a user's message, found by form and checksum, and replaced by marks such as <EMAIL>.

Public short numbers (39 39) and service numbers (08…) are no personal data.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

PiiType = Literal["EMAIL", "IBAN", "NIR", "CARD", "PHONE", "AGDREF", "PASSPORT", "BIRTH_DATE", "ADDRESS"]


@dataclass(frozen=True, slots=True)
class Redaction:
    """A text without personal data, and the kinds that were in it, in the order of their first appearance."""

    text: str
    types: tuple[PiiType, ...]


@dataclass(frozen=True, slots=True)
class _Recogniser:
    """Finds `pattern` where `is_valid` accepts its letters and digits, and `context` but not `unless` stands shortly
    before, if there are any.
    """

    type: PiiType
    pattern: re.Pattern[str]
    is_valid: Callable[[str], bool] = bool
    context: re.Pattern[str] | None = None
    context_characters: int = 60
    unless: re.Pattern[str] | None = None

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        for match in self.pattern.finditer(text):
            before = text[max(0, match.start() - self.context_characters) : match.start()]
            in_context = self.context is None or self.context.search(before)
            is_excused = self.unless is not None and self.unless.search(before)
            if in_context and not is_excused and self.is_valid(_bare(match[0])):
                yield match.start(), match.start() + len(match[0].rstrip(" \u00a0,.-'’"))


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


_MONTHS: Final = (
    "janvier|f[ée]vrier|mars|avril|mai|juin|juillet|ao[uû]t|septembre|octobre|novembre|d[ée]cembre|january|february|"
    "march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|"
    "dec|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|setiembre|octubre|noviembre|diciembre|janeiro|"
    "fevereiro|mar[cç]o|maio|junho|julho|setembro|outubro|novembro|dezembro|"
    "يناير|فبراير|مارس|أبريل|ابريل|مايو|يونيو|يوليو|أغسطس|سبتمبر|أكتوبر|نوفمبر|ديسمبر|"
    "جانفي|فيفري|أفريل|ماي|جوان|جويلية|أوت|يوليوز|غشت|شتنبر|نونبر|دجنبر"
)
_DAY, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:19|20)\d{2}"
_DATE: Final = (
    rf"{_DAY}(?:er|st|nd|rd|th|º)?(?: of| de)?[ \u00a0]+(?:{_MONTHS})\.?,?(?: de| del)?[ \u00a0]+{_YEAR}"
    rf"|(?:{_MONTHS})\.? {_DAY}(?:st|nd|rd|th)?,? {_YEAR}"
    rf"|{_DAY} ?[/.-] ?(?:0?[1-9]|1[0-2]) ?[/.-] ?(?:{_YEAR}|\d{{2}})(?!\d)|{_YEAR}[/-](?:0[1-9]|1[0-2])[/-]\d{{2}}"
    rf"|{_DAY} tháng (?:\d{{1,2}}) năm {_YEAR}"
)
_BORN: Final = (
    r"\bn[ée]{1,2}e?s?\b(?!\w)|naissance|\bborn\b|birth|\bd\.?o\.?b\b|\bnac(?:[íi]|ido|ida|io|ió|imiento)\b|nascid[oa]|"
    r"\bnasc(?:i|eu|imento)\b|sinh (?:ngày|vào)|ngày sinh|مولود|ولدت|الميلاد|ميلادي|وُلدت|ولد في"
)
_STREET: Final = (
    r"rue|avenue|av\.?|bd|boulevard|bld|place|pl\.|all[ée]e|all[ée]es|impasse|chemin|quai|cours|route|square|passage|"
    r"villa|faubourg|sentier|esplanade|mail|rond-point|r[ée]sidence|lotissement|hameau|cit[ée]|promenade|voie|ruelle|montée"
)
_PARTICLE: Final = r"(?:(?:d[eu]s?|l[ae]s?|et|en|sur|sous|aux?|à)[ \u00a0]|[dl]['’])*"
_NAME: Final = rf"{_PARTICLE}[A-ZÀ-Ý0-9][\w.'’-]*(?:[ \u00a0]{_PARTICLE}[A-ZÀ-Ý][\w.'’-]*){{0,4}}"
_TOWN: Final = r"\d{5}[ \u00a0]+[A-ZÀ-Ý][\w'’-]*(?:[ \u00a0-][A-ZÀ-Ý][\w'’-]+)*"

_RECOGNISERS: Final = (
    _Recogniser("EMAIL", re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    _Recogniser(
        "IBAN", re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z\d]{4}){2,7}(?:[ -]?[A-Z\d]{1,3})?\b", re.IGNORECASE), is_iban
    ),
    _Recogniser(
        "NIR",
        re.compile(
            r"\b[1-478](?:[ .-]?\d{2}){2}[ .-]?(?:\d{2}|2[AB])(?:[ .-]?\d{3}){2}(?: ?[/-] ?|[ .])?\d{2}\b",
            re.IGNORECASE,
        ),
        is_nir,
    ),
    _Recogniser("CARD", re.compile(r"\b(?:3[47]\d{2}[ -]?\d{6}[ -]?\d{5}|[3-6]\d{3}(?:[ -]?\d{4}){3})\b"), is_card),
    _Recogniser(
        "AGDREF",
        re.compile(r"\b\d{4}[ .]?\d{3}[ .]?\d{3}\b|\b\d{2}(?:[ .]\d{2}){4}\b"),
        context=re.compile(
            r"agdref|(?:num[ée]ro|n°|\bnr?\.?) ?(?:d['’])?[ée]tranger|[ée]tranger n°|num[ée]ro (?:personnel|national)|"
            r"titre de s[ée]jour|carte de s[ée]jour|r[ée]c[ée]piss[ée]|foreigner|foreign national|"
            r"alien n|residence permit|anef|"
            r"permiso de residencia|n[úu]mero de extranjero|extranjer|estrangeir|autoriza[çc][ãa]o de resid|thẻ cư trú|"
            r"người nước ngoài|ngoại kiều|số nước ngoài|الأجنبي|الاجنبي|الأجانب|بطاقة الإقامة",
            re.IGNORECASE,
        ),
    ),
    _Recogniser(
        "PHONE",
        re.compile(
            r"(?<![\w+])(?<!\d[ .-])(?:(?:\+33|0033)[ .-]?(?:\(0\)[ .]?)?[1-9](?:[ .-]?\d{2}){4}"
            r"|0[1-9](?:[ ./-]?\d{2}){4}|(?:\+|00)(?!33)[1-9]\d{0,2}(?:[ .-]?\(?\d\)?){7,11})\b"
        ),
        _is_private_phone,
        context_characters=40,
        unless=re.compile(
            r"(?:pr[ée]fecture|mairie|\bofii\b|ofpra|\bcaf\b|cpam|urssaf|standard|consulat|ambassade|embassy|consulate|tribunal|"
            r"prefectura|embajada|consulado|prefeitura|embaixada|num[ée]ro vert|hotline|samu|pompiers|"
            r"đại sứ quán|lãnh sự|السفارة|القنصلية|المحافظة)"
            r"(?!.*\b(?:mon|ma|mes|moi|my|me|mi|meu|minha|tôi)\b|.*رقمي)[^.!?;\n]*$",
            re.IGNORECASE,
        ),
    ),
    _Recogniser(
        "PASSPORT",
        re.compile(r"\b(?:\d{2}[A-Z]{2}\d{5}|[A-Z]{1,3}\d{5,8}|\d{8,9})\b"),
        context=re.compile(r"passe?port|pasaporte|passaporte|hộ chiếu|جواز", re.IGNORECASE),
        context_characters=30,
    ),
    _Recogniser(
        "BIRTH_DATE",
        re.compile(_DATE, re.IGNORECASE),
        context=re.compile(_BORN, re.IGNORECASE),
        context_characters=40,
    ),
    _Recogniser(
        "ADDRESS",
        re.compile(
            rf"\b\d{{1,4}}(?: ?(?:bis|ter|quater|[A-D]))?,? (?i:{_STREET})[ \u00a0]"
            rf"(?:{_NAME}(?:,? ?{_TOWN})?|(?:[\w'’-]+[ \u00a0]){{0,5}}[\w'’-]+,? ?{_TOWN})"
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data of a kind at [start, end) of a text."""

    start: int
    end: int
    type: PiiType


def find_pii(text: str) -> list[Finding]:
    """Personal data in `text`, in order. Where two kinds overlap the one with the stronger proof wins."""
    found: list[Finding] = []
    for recogniser in _RECOGNISERS:
        for start, end in recogniser.find(text):
            if all(end <= other.start or other.end <= start for other in found):
                found.append(Finding(start, end, recogniser.type))
    return sorted(found, key=lambda finding: finding.start)


def redact(text: str) -> Redaction:
    """Replaces personal data in `text` by marks."""
    found = find_pii(text)
    redacted, position = "", 0
    for finding in found:
        redacted += f"{text[position : finding.start]}<{finding.type}>"
        position = finding.end
    return Redaction(redacted + text[position:], tuple(dict.fromkeys(finding.type for finding in found)))


def leaked_pii(text: str, known: Iterable[str]) -> frozenset[PiiType]:
    """Kinds of personal data that `text` tells and none of the `known` texts, however it is spaced there."""
    found = find_pii(text)
    sources = [_bare(source) for source in known] if found else []
    bare = [(finding.type, _bare(text[finding.start : finding.end])) for finding in found]
    return frozenset(kind for kind, value in bare if not any(value in source for source in sources))


def _bare(text: str) -> str:
    return re.sub(r"[\W_]", "", text).upper()
