"""Another corpus in the layout of the official data sets takes the sample's place, and no code path changes."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from marianne_client.events import Meta, Sources, Token
from support.events import ask, of_kind, one
from support.processes import Program, python
from support.stack import running_stack

SENTENCES = (
    "La carte de pêche est obligatoire pour pêcher en rivière.",
    "La carte de pêche s'achète en ligne ou chez un dépositaire.",
)
URL = "https://www.service-public.gouv.fr/particuliers/vosdroits/F1"


def write_sheets(directory: Path) -> None:
    row = {
        "chunk_id": "F1_1",
        "doc_id": "F1",
        "chunk_index": 1,
        "chunk_xxh64": "0" * 16,
        "audience": "Particuliers",
        "theme": "Loisirs",
        "title": "Carte de pêche",
        "surtitle": "Loisirs",
        "source": "service-public",
        "introduction": "",
        "url": URL,
        "related_questions": "[]",
        "web_services": "[]",
        "context": ["Obtenir la carte"],
        "text": "\n".join(SENTENCES),
        "chunk_text": "\n".join(SENTENCES),
    }
    folder = directory / "service-public-latest"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([row]), folder / "service_public_part_0.parquet")


async def test_another_corpus_answers_through_the_same_code(tmp_path: Path) -> None:
    write_sheets(tmp_path / "data")
    command = [*python("marianne_ingest"), "--from", str(tmp_path / "data"), "--index-dir", str(tmp_path / "index")]
    ingest = Program("ingest", [*command, "--sources", "service-public"], {}, tmp_path)
    await ingest.start()
    assert await ingest.exit_code() == 0, ingest.output()

    async with running_stack(tmp_path, tmp_path / "index") as stack:
        events = await ask(stack, "Où acheter une carte de pêche ?")

    [source] = one(events, Sources).sources
    assert (source.url, source.dataset, source.official) == (URL, "service-public", True)
    assert {token.text.strip() for token in of_kind(events, Token)} <= set(SENTENCES)
    assert one(events, Meta).corpus.name == "service-public"
