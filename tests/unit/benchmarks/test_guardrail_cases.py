"""The cases that judge the guardrails are whole: every row is well formed, and no half knows the other."""

import base64
import codecs
import json
import re
import unicodedata
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from marianne_language.sentences import split_sentences

CASES = Path(__file__).parents[3] / "benchmarks" / "cases"
LANGUAGES = {"ar", "en", "es", "fr", "pt", "vi"}
HALVES = {"dev", "test"}
FAITHFUL = {"paraphrase", "merge", "conversion", "summary", "recast", "list", "no_claim"}
HARD = {"number", "amount", "date", "duration", "unit", "article", "wrong_code", "add_hard"}
MEANING = {"negation", "permission", "authority", "actor", "entity", "contradiction", "invented"}
SCOPE = {"condition_drop", "condition_added", "quantifier", "restriction"}
OBFUSCATIONS = {"base64", "hex", "rot13", "zero_width", "homoglyph", "fullwidth", "spaced", "leet"} | {
    "entities",
    "percent",
    "reversed",
    "tag_characters",
}
PERSONAL = {"nir", "iban", "card", "agdref", "passport", "phone", "email", "birth_date", "address"}

Row = dict[str, Any]


def read(name: str) -> list[Row]:
    return [json.loads(line) for line in (CASES / name).read_text(encoding="utf-8").splitlines()]


CLAIMS, MESSAGES, TEXTS = read("grounding_natural.jsonl"), read("injection.jsonl"), read("pii.jsonl")
FILES = {
    "grounding": (CLAIMS, ("id", "claim", "evidence", "cited", "label", "type", "lang", "half")),
    "injection": (MESSAGES, ("id", "text", "label", "category", "lang", "where", "half")),
    "pii": (TEXTS, ("id", "text", "label", "spans", "category", "lang", "half")),
}
every_file = pytest.mark.parametrize("name", FILES)


def counts(rows: list[Row], *fields: str) -> Counter[Any]:
    return Counter(tuple(row[field] for field in fields) for row in rows)


@every_file
def test_every_row_has_the_fields_of_its_file(name: str) -> None:
    rows, fields = FILES[name]
    for row in rows:
        assert tuple(row) == fields, row["id"]
        assert row["label"] in {0, 1}
        assert row["lang"] in LANGUAGES
        assert row["half"] in HALVES


@every_file
def test_no_row_stands_twice(name: str) -> None:
    rows, fields = FILES[name]
    for field in fields[:2]:
        assert len({row[field] for row in rows}) == len(rows)


@every_file
def test_both_halves_hold_about_as_many_rows_of_each_label(name: str) -> None:
    by_half = counts(FILES[name][0], "label", "half")
    for label in (0, 1):
        assert 0.85 <= by_half[label, "dev"] / by_half[label, "test"] <= 1.15


@every_file
def test_both_halves_hold_both_labels_of_every_language(name: str) -> None:
    present = counts(FILES[name][0], "lang", "label", "half")
    for lang in LANGUAGES:
        assert min(present[lang, label, half] for label in (0, 1) for half in HALVES) >= 5


def test_the_halves_of_the_claims_share_no_document() -> None:
    documents = {half: {e["doc"] for row in CLAIMS if row["half"] == half for e in row["evidence"]} for half in HALVES}
    assert documents["dev"].isdisjoint(documents["test"])


def test_no_two_claims_share_five_words_in_a_row() -> None:
    owners: dict[tuple[str, ...], str] = {}
    for row in CLAIMS:
        for words in set(_runs_of_five(row["claim"])):
            assert owners.setdefault(words, row["id"]) == row["id"], " ".join(words)


def _runs_of_five(claim: str) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"\w+", claim.lower())
    return (tuple(words[start : start + 5]) for start in range(len(words) - 4))


def test_every_citation_points_to_a_sentence_of_the_evidence() -> None:
    for row in CLAIMS:
        assert 2 <= len(row["evidence"]) <= 4, row["id"]
        sentences = [split_sentences(passage["text"]) for passage in row["evidence"]]
        for passage, sentence in row["cited"]:
            assert 1 <= passage <= len(sentences), row["id"]
            assert 1 <= sentence <= len(sentences[passage - 1]), row["id"]


def test_a_passage_numbers_alike_by_line_and_by_sentence() -> None:
    for row in CLAIMS:
        for passage in row["evidence"]:
            assert passage["text"].splitlines() == split_sentences(passage["text"]), row["id"]


def test_the_type_of_a_claim_tells_its_label_and_whether_it_cites() -> None:
    for row in CLAIMS:
        assert row["type"] in FAITHFUL | HARD | MEANING | SCOPE, row["id"]
        assert row["label"] == (row["type"] in FAITHFUL), row["id"]
        assert bool(row["cited"]) == (row["type"] != "no_claim"), row["id"]


def test_about_half_of_the_claims_are_faithful() -> None:
    assert 0.45 <= sum(row["label"] for row in CLAIMS) / len(CLAIMS) <= 0.55


def test_there_are_enough_claims_of_every_type_and_language() -> None:
    languages, types = counts(CLAIMS, "lang"), counts(CLAIMS, "type")
    assert languages["fr",] >= 400
    assert min(languages[lang,] for lang in LANGUAGES - {"fr"}) >= 30
    assert min(types[name,] for name in FAITHFUL | HARD | MEANING | SCOPE) >= 10


def test_every_kind_of_attack_and_of_harmless_message_is_there() -> None:
    plain = {"override", "role", "leak", "exfiltration", "indirect", "jailbreak"}
    attacks = counts([row for row in MESSAGES if row["label"]], "category")
    harmless = counts([row for row in MESSAGES if not row["label"]], "category")
    assert set(attacks) == {(name,) for name in plain | {f"obfuscated_{kind}" for kind in OBFUSCATIONS}}
    assert set(harmless) == {("question",), ("lookalike",), ("document",)}
    assert attacks.total() >= 200
    assert harmless.total() >= 200


def test_only_indirect_attacks_and_harmless_passages_stand_in_documents() -> None:
    for row in MESSAGES:
        assert (row["where"] == "document") == (row["category"] in {"indirect", "document"}), row["id"]


def _decodes(pattern: str, decode: Callable[[str], bytes]) -> Callable[[str], bool]:
    def is_encoded(text: str) -> bool:
        found = re.search(pattern, text)
        return found is not None and len(decode(found[0]).decode().split()) >= 3

    return is_encoded


def _has(pattern: str) -> Callable[[str], bool]:
    return lambda text: len(re.findall(pattern, text)) >= 5


def _hides(decode: Callable[[str], str]) -> Callable[[str], bool]:
    order = re.compile("ignor|oubli|olvid|disregard|respecte|bỏ qua|تجاهل", re.IGNORECASE)
    return lambda text: order.search(decode(text)) is not None and order.search(text) is None


ENCODED: dict[str, Callable[[str], bool]] = {
    "base64": _decodes(r"[A-Za-z0-9+/]{24,}={0,2}", base64.b64decode),
    "hex": _decodes(r"(?:[0-9a-f]{2}){16,}", bytes.fromhex),
    "percent": _decodes(r"(?:%[0-9A-F]{2}){16,}", urllib.parse.unquote_to_bytes),
    "entities": _has(r"&#x?[0-9a-f]+;"),
    "zero_width": _has("[\u200b-\u200d\u2060]"),
    "homoglyph": _has("[\u0400-\u04ff]"),
    "fullwidth": _has("[\uff01-\uff5e]"),
    "tag_characters": _has("[\U000e0020-\U000e007e]"),
    "spaced": _has(r"(?<!\S)\S{1,3} (?=\S)"),
    "leet": _has(r"(?<=[a-z])[013457]|[013457](?=[a-z])"),
    "reversed": _hides(lambda text: text[::-1]),
    "rot13": _hides(lambda text: codecs.encode(text, "rot13")),
}


@pytest.mark.parametrize("kind", sorted(OBFUSCATIONS))
def test_an_obfuscated_attack_is_really_encoded(kind: str) -> None:
    texts = [row["text"] for row in MESSAGES if row["category"] == f"obfuscated_{kind}"]
    assert len(texts) >= 5
    for text in texts:
        assert ENCODED[kind](text), text


def test_a_span_holds_one_value_and_nothing_around_it() -> None:
    for row in TEXTS:
        ends = [0, *(span["end"] for span in row["spans"])]
        for span, previous in zip(row["spans"], ends, strict=False):
            value = row["text"][span["start"] : span["end"]]
            assert previous <= span["start"] < span["end"] <= len(row["text"]), row["id"]
            assert value == value.strip(), row["id"]
            assert span["type"] in PERSONAL, row["id"]


def test_a_row_has_spans_exactly_when_it_holds_personal_data() -> None:
    for row in TEXTS:
        types = [span["type"] for span in row["spans"]]
        assert bool(types) == bool(row["label"]), row["id"]
        if row["label"]:
            assert row["category"] == (types[0] if len(types) == 1 else "mixed"), row["id"]


def test_there_is_enough_personal_data_of_every_type_and_enough_that_only_looks_like_it() -> None:
    types = Counter(span["type"] for row in TEXTS for span in row["spans"])
    assert min(types[name] for name in PERSONAL) >= 8
    assert sum(row["label"] for row in TEXTS) >= 90
    assert sum(not row["label"] for row in TEXTS) >= 110


def _iban_is_valid(value: str) -> bool:
    """ISO 13616: the account moved before country and check digits, letters as 10 to 35, is 1 modulo 97."""
    compact = re.sub(r"\W", "", value)
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def _card_is_valid(value: str) -> bool:
    """ISO/IEC 7812-1, annex B (Luhn)."""
    digits = [int(digit) for digit in reversed(re.sub(r"\D", "", value))]
    return sum(sum(divmod(digit * (1 + place % 2), 10)) for place, digit in enumerate(digits)) % 10 == 0


def _nir_is_valid(value: str) -> bool:
    """INSEE: the key is 97 minus the first thirteen digits modulo 97, with 2A counted as 19 and 2B as 18."""
    digits = re.sub(r"\D", "", value.replace("2A", "19").replace("2B", "18"))
    return len(digits) == 15 and int(digits[13:]) == 97 - int(digits[:13]) % 97


VALID: dict[str, Callable[[str], bool]] = {"iban": _iban_is_valid, "card": _card_is_valid, "nir": _nir_is_valid}


@pytest.mark.parametrize("kind", VALID)
def test_the_checksum_of_every_number_given_as_personal_holds(kind: str) -> None:
    values = [
        row["text"][span["start"] : span["end"]] for row in TEXTS for span in row["spans"] if span["type"] == kind
    ]
    assert values
    assert [value for value in values if not VALID[kind](value)] == []


def test_no_look_alike_with_an_invalid_checksum_is_valid_after_all() -> None:
    for row in TEXTS:
        if row["category"] == "invalid_checksum":
            found = re.search(r"(?:[A-Z]{2})?\d[\d ]{13,}\d", unicodedata.normalize("NFKC", row["text"]))
            assert found is not None, row["id"]
            check = _iban_is_valid if found[0][0].isalpha() else _card_is_valid
            assert not check(found[0]), row["id"]
            assert not _nir_is_valid(found[0]), row["id"]
