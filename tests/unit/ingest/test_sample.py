from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
import xxhash

from marianne_ingest.errors import SourceError
from marianne_ingest.sample import write_sample
from support.parquet import Row

SHEET = """---
id: exemple-carte
title: Renouveler une carte
surtitle: Documents de séjour
audience: [Particuliers]
theme: [Étranger, Justice]
url: https://www.service-public.gouv.fr/particuliers/vosdroits/N110
introduction: Une fiche pour qui renouvelle sa carte.
web_services:
  - {title: Démarche, institution: Ministère, url: "https://anef.fr", type: Téléservice}
---
## Qui est concerné ?

Toute personne étrangère.

## Quels documents fournir ?

Il faut :
- un passeport ;
- une photo.

### Vous êtes salarié

Un contrat de travail.

### Vous êtes étudiant

Une inscription.
"""
ARTICLES = """code: Code civil
articles:
  - number: 21-2
    section: "Livre Ier : Des personnes - Titre Ier bis"
    status: VIGUEUR
    start_date: 2011-06-18
    end_date: 2999-01-01
    text: |
      Le conjoint de Français peut devenir français.
  - number: 21-3
    section: "Livre Ier : Des personnes"
    status: ABROGE
    start_date: 2003-11-27
    end_date: 2021-05-01
    text: Un ancien texte.
    replaced_by: [21-4]
"""
FACTS = """
- {document: exemple-carte, value: 4 mois, what: délai, source: "https://x", date: 2025-06-01}
- {document: exemple-carte, value: 2 mois, what: délai, source: "https://x", date: 2025-09-01}
"""


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    directory = tmp_path / "sample"
    for name, content in {
        "sheets/exemple-carte.md": SHEET,
        "articles/code-civil.yaml": ARTICLES,
        "facts.yaml": FACTS,
    }.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(content, encoding="utf-8")
    return directory


def written(sample: Path, pattern: str) -> list[Row]:
    target = sample.parent / "parquet"
    write_sample(sample, target)
    [file] = target.glob(pattern)
    rows: list[Row] = pq.read_table(file).to_pylist()
    return rows


def sheet_rows(sample: Path) -> list[Row]:
    return written(sample, "service-public-latest/*.parquet")


def article_rows(sample: Path) -> list[Row]:
    return written(sample, "legi-latest/legi_code_civil/*.parquet")


def test_each_section_becomes_a_chunk_with_its_headings(sample: Path) -> None:
    rows = sheet_rows(sample)
    assert [(row["chunk_id"], row["context"]) for row in rows] == [
        ("exemple-carte_1", ["Qui est concerné ?"]),
        ("exemple-carte_2", ["Quels documents fournir ?"]),
        ("exemple-carte_3", ["Quels documents fournir ?", "Vous êtes salarié"]),
        ("exemple-carte_4", ["Quels documents fournir ?", "Vous êtes étudiant"]),
    ]
    assert rows[1]["text"] == "Il faut :\n- un passeport ;\n- une photo."


def test_a_sheet_has_the_columns_of_the_official_data_set(sample: Path) -> None:
    row = sheet_rows(sample)[0]
    assert (row["audience"], row["theme"]) == ("Particuliers", "Étranger, Justice")
    assert orjson.loads(row["web_services"])[0]["institution"] == "Ministère"
    assert row["chunk_xxh64"] == xxhash.xxh64_hexdigest(row["chunk_text"].encode(), seed=2025)


def test_an_article_is_one_chunk_whose_id_names_code_and_number(sample: Path) -> None:
    row = article_rows(sample)[0]
    assert (row["doc_id"], row["chunk_id"]) == ("exemple-code-civil-21-2", "exemple-code-civil-21-2_1")
    assert (row["full_title"], row["number"], row["end_date"]) == ("Code civil", "21-2", "2999-01-01")
    assert row["subtitles"] == "Livre Ier : Des personnes - Titre Ier bis"


def test_a_repealed_article_bears_its_last_year_and_its_successors(sample: Path) -> None:
    row = article_rows(sample)[1]
    assert row["doc_id"] == "exemple-code-civil-21-3-2021"
    assert [link["number"] for link in orjson.loads(row["links"])] == ["21-4"]


@pytest.mark.parametrize("folder", ["service-public-latest", "legi-latest"])
def test_the_files_say_that_they_are_a_sample_of_a_certain_day(sample: Path, folder: str) -> None:
    write_sample(sample, sample.parent)
    marker = orjson.loads((sample.parent / folder / "dataset.json").read_bytes())
    assert marker == {"dataset": "sample", "official": False, "snapshot_at": "2025-06-01"}


def test_the_same_text_gives_the_same_files(sample: Path) -> None:
    for target in ("a", "b"):
        write_sample(sample, sample.parent / target)
    a, b = (sorted((sample.parent / target).rglob("*.*")) for target in ("a", "b"))
    assert [file.read_bytes() for file in a] == [file.read_bytes() for file in b]


SHEET_FILE, ARTICLE_FILE = "sheets/exemple-carte.md", "articles/code-civil.yaml"


@pytest.mark.parametrize(
    ("file", "before", "after", "complaint"),
    [
        (SHEET_FILE, "id: exemple-carte\n", "id: exemple-autre\n", "exemple-carte.md: id: 'exemple-autre'"),
        (SHEET_FILE, "id: exemple-carte\n", "", "exemple-carte.md: id: Field required"),
        (SHEET_FILE, "audience: [Particuliers]", "audience: Particuliers", "exemple-carte.md: audience: "),
        (SHEET_FILE, "theme: ", "themes: ", "exemple-carte.md: theme: Field required"),
        (SHEET_FILE, "---\nid", "id", "exemple-carte.md: no front matter"),
        (SHEET_FILE, "title: Renouveler", "title: : Renouveler", "exemple-carte.md: "),
        (SHEET_FILE, "## Qui est", "Qui est", "exemple-carte.md: text before the first ## section"),
        (SHEET_FILE, SHEET.partition("type: Téléservice}\n---\n")[2], "", "exemple-carte.md: no ## section"),
        (SHEET_FILE, "institution: Ministère, ", "", "exemple-carte.md: web_services.0.institution: "),
        (ARTICLE_FILE, "start_date: 2011-06-18", "start_date: hier", "code-civil.yaml: articles.0.start_date: "),
        (ARTICLE_FILE, "    text: Un ancien texte.\n", "", "code-civil.yaml: articles.1.text: Field required"),
        (ARTICLE_FILE, "code: ", "Code: ", "code-civil.yaml: code: Field required"),
        ("facts.yaml", "date: 2025-06-01", "date: ''", "facts.yaml: 0.date: "),
    ],
)
def test_a_fault_is_one_line_with_file_and_field(
    sample: Path, file: str, before: str, after: str, complaint: str
) -> None:
    path = sample / file
    content = path.read_text(encoding="utf-8")
    assert before in content
    path.write_text(content.replace(before, after), encoding="utf-8")
    with pytest.raises(SourceError) as refused:
        write_sample(sample, sample.parent / "parquet")
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("missing", ["sheets/exemple-carte.md", "articles/code-civil.yaml", "facts.yaml"])
def test_a_missing_part_is_named(sample: Path, missing: str) -> None:
    (sample / missing).unlink()
    with pytest.raises(SourceError, match=f"{sample}: no {missing.split('/', maxsplit=1)[0]}"):
        write_sample(sample, sample.parent / "parquet")
