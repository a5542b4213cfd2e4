"""The sentences that say of an office what a person needs to reach it. Persons in charge are never among it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from marianne_ingest.places import department_of, read_addresses
from marianne_language.sentences import split_sentences

FIELDS: Final = ("mission", "addresses", "phones", "emails", "websites", "opening_hours", "forms", "additional")
"""Fields of the directory's layout that are no fields of a chunk."""


def sentences_of(office: Mapping[str, Any]) -> Iterator[str]:
    """`office` holds `title` and the fields above, as they are typed in the files."""
    yield f"{_clean(office['title'])}."
    yield from split_sentences(_clean(office["mission"]))
    for address in map(_spoken, read_addresses(office["addresses"])):
        if address:
            yield f"Adresse : {address}."
    for label, field in (
        ("Téléphone", "phones"),
        ("Horaires d'ouverture", "opening_hours"),
        ("Site internet", "websites"),
        ("Formulaire de contact", "forms"),
        ("Courriel", "emails"),
    ):
        if values := list(_values(office[field])):
            yield f"{label} : {', '.join(values)}"
    yield from split_sentences(_clean(office["additional"]))


def departments_of(addresses: object) -> tuple[str, ...]:
    found = (department_of(str(address.get("code_postal") or "")) for address in read_addresses(addresses))
    return tuple(sorted({department for department in found if department}))


def first_website(websites: object) -> str:
    return next((value for value in _values(websites) if value.startswith("http")), "")


def _spoken(address: Mapping[str, Any]) -> str:
    street = _clean(address.get("adresse"))
    town = " ".join(filter(None, (_clean(address.get("code_postal")), _clean(address.get("commune")))))
    return ", ".join(filter(None, (street, town)))


def _values(written: object) -> Iterator[str]:
    """The values of a list, whatever its type in the file; of objects their value, such as `valeur` or `url`."""
    if isinstance(written, str | bytes) and written[:1] in ("[", b"["):
        try:
            written = orjson.loads(written)
        except orjson.JSONDecodeError:
            written = _clean(written)
    for value in written if isinstance(written, Sequence) and not isinstance(written, str | bytes) else [written]:
        found = (
            next((value[name] for name in _VALUE_NAMES if value.get(name)), "") if isinstance(value, dict) else value
        )
        if cleaned := _clean(found):
            yield cleaned


_VALUE_NAMES: Final = ("valeur", "value", "numero", "url", "lien")


def _clean(value: object) -> str:
    """A text on one line."""
    written = value.decode() if isinstance(value, bytes) else str(value or "")
    return " ".join(written.split())
