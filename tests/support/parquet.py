"""Small data sets in the layouts of the official ones, written by the tests themselves."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

Row = dict[str, Any]

DATA_SETS: Final = ("service-public", "travail-emploi", "legi", "local-administrations-directory")
_HASH_SEED: Final = 2025


def sheet_row(chunk_id: str = "F1_1", **columns: object) -> Row:
    """A row of service-public."""
    doc_id = chunk_id.rpartition("_")[0]
    row: Row = {
        "chunk_id": chunk_id,
        "doc_id": doc_id,
        "chunk_index": 1,
        "audience": "Particuliers, Professionnels",
        "theme": "Étranger, Papiers - Citoyenneté",
        "title": f"Titre de séjour {doc_id}",
        "surtitle": "Fiche pratique",
        "source": "service-public",
        "introduction": "",
        "url": f"https://www.service-public.gouv.fr/particuliers/vosdroits/{doc_id}",
        "related_questions": "[]",
        "web_services": "[]",
        "context": ["Quels documents fournir ?"],
        "text": f"La demande {chunk_id} se fait en ligne. Le récépissé est délivré sans délai.",
        "chunk_text": "unused",
        "embeddings_bge-m3": "[0.1,0.2]",
    }
    return _with_hash(row | columns)


def ministry_row(chunk_id: str = "le-contrat_1", **columns: object) -> Row:
    """A row of travail-emploi."""
    doc_id = chunk_id.rpartition("_")[0]
    row: Row = {
        "chunk_id": chunk_id,
        "doc_id": doc_id,
        "chunk_index": 1,
        "title": f"Fiche {doc_id}",
        "surtitle": "Travail-Emploi",
        "source": "travail-emploi",
        "introduction": "",
        "date": "13/11/2020",
        "url": f"https://travail-emploi.gouv.fr/{doc_id}",
        "context": [],
        "text": f"Le contrat {chunk_id} est écrit.",
        "chunk_text": "unused",
    }
    return _with_hash(row | columns)


def article_row(doc_id: str = "LEGIARTI000042776127", **columns: object) -> Row:
    """A row of legi, an article in force since May 2021."""
    row: Row = {
        "chunk_id": f"{doc_id}_1",
        "doc_id": doc_id,
        "chunk_index": 1,
        "nature": "Article",
        "category": "CODE",
        "ministry": "",
        "status": "VIGUEUR",
        "title": "Code civil",
        "full_title": "Code civil",
        "subtitles": "Livre Ier : Des personnes - Titre Ier bis : De la nationalité française",
        "number": "21-2",
        "start_date": "2021-05-01",
        "end_date": "2999-01-01",
        "nota": "",
        "links": "[]",
        "text": f"L'étranger {doc_id} peut acquérir la nationalité.",
        "chunk_text": "unused",
    }
    return _with_hash(row | columns)


def office_row(chunk_id: str = "0000-1111", **columns: object) -> Row:
    """A row of local-administrations-directory, a préfecture."""
    row: Row = {
        "chunk_id": chunk_id,
        "doc_id": chunk_id,
        "types": "prefecture (type_organisme)",
        "name": f"Préfecture {chunk_id}",
        "mission_description": "Elle délivre les titres de séjour.",
        "addresses": orjson.dumps([
            {"adresse": "12 place de la Mairie", "code_postal": "69003", "commune": "Lyon", "pays": "France"}
        ]).decode(),
        "phone_numbers": ["04 72 61 60 60"],
        "mails": [],
        "urls": ["https://www.rhone.gouv.fr"],
        "social_medias": [],
        "opening_hours": "Du lundi au vendredi de 9h à 12h",
        "contact_forms": [],
        "additional_information": "",
        "modification_date": "2026-03-01",
        "siret": "",
        "people_in_charge": '[{"personne": {"nom": "Dupont"}}]',
        "directory_url": f"https://lannuaire.service-public.gouv.fr/{chunk_id}",
        "chunk_text": f"Préfecture {chunk_id}. Elle délivre les titres de séjour. Dupont",
    }  # fmt: skip
    return _with_hash(row | columns)


def ruling_row(chunk_id: str = "CNILTEXT1_1", **columns: object) -> Row:
    """A row that has the columns of cnil and those of constit."""
    row: Row = {
        "chunk_id": chunk_id,
        "doc_id": chunk_id.rpartition("_")[0],
        "nature": "DELIBERATION",
        "nature_delib": "Avis",
        "solution": "Conformité",
        "title": "Décision 2026-1",
        "full_title": "Délibération 2026-1",
        "number": "2026-1",
        "date": "2026-02-01",
        "decision_date": "2026-02-02",
        "text": f"La commission rend son avis {chunk_id}.",
        "chunk_text": "unused",
    }
    return _with_hash(row | columns)


def _with_hash(row: Row) -> Row:
    """The producer's hash, over text alone."""
    written = str(row.get("text", row["chunk_text"])).encode()
    return row | {"chunk_xxh64": row.get("chunk_xxh64", xxhash.xxh64_hexdigest(written, seed=_HASH_SEED))}


ROWS: Final[Mapping[str, Callable[..., Row]]] = {
    "service-public": sheet_row,
    "travail-emploi": ministry_row,
    "legi": article_row,
    "local-administrations-directory": office_row,
    "cnil": ruling_row,
    "constit": ruling_row,
}


def write_parquet(path: Path, rows: Sequence[Row] | pa.Table) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(list(rows)), path, compression="zstd")
    return path


def write_data_set(
    directory: Path, name: str, rows: Sequence[Row] | None = None, marker: Mapping[str, object] | None = None
) -> Path:
    """Writes `<name>-latest/<name>_part_0.parquet` and, when given, its `dataset.json`; returns the folder."""
    folder = directory / f"{name}-latest"
    write_parquet(folder / f"{name.replace('-', '_')}_part_0.parquet", [ROWS[name]()] if rows is None else rows)
    if marker is not None:
        (folder / "dataset.json").write_bytes(orjson.dumps(marker))
    return folder
