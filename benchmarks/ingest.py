"""How fast data sets become an index, in how much memory, and how long a run takes that changes nothing.

    python -m benchmarks.ingest [--rows N] [--text-rows N] [--dimension D] [--characters C] [--json OUT]

Writes synthetic data sets in the layout of service-public into a temporary directory, 50,000 rows a file and row group
as the official ones, and runs `marianne-ingest` on each in a process of its own:

* `arrays`: vectors as lists of numbers; `texts`: vectors as JSON, as the official sets have them; `sparse`: no vectors.
* `unchanged_revision`: the same files again; `unchanged_rows`: the same rows in files of another revision.

Chunks per second count reading, splitting into sentences, analysis and upserts by the clock, in one thread; the time
of `optimize`, which Edge does in several, stands apart. Memory is the process's peak.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from marianne_corpus.manifest import Manifest

_FILE_ROWS = 50_000
_DOCUMENT_CHUNKS = 5
_SAMPLE = Path(__file__).parents[1] / "data" / "sample" / "sheets"
_HASH_SEED = 2025

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of the command."""

    rows: int
    wall_s: float
    cpu_s: float
    peak_rss_mb: float
    chunks_per_s: float
    optimize_s: float


class Corpus:
    """Texts made of the sample's words, as frequent as they are there."""

    def __init__(self, characters: int) -> None:
        written = "\n".join(path.read_text(encoding="utf-8") for path in sorted(_SAMPLE.glob("*.md")))
        self._words = [word for word in written.split() if word.strip("-#*|:.,;").isalpha()]
        self._characters = characters
        self._random = random.Random(1)

    def text(self) -> str:
        sentences: list[str] = []
        while sum(map(len, sentences)) < self._characters:
            words = self._random.choices(self._words, k=self._random.randint(8, 20))
            sentences.append(f"{' '.join(words).rstrip('.,;:').capitalize()}.")
        return " ".join(sentences)

    def table(self, first: int, rows: int) -> pa.Table:
        texts = [self.text() for _ in range(rows)]
        documents = [f"F{(first + row) // _DOCUMENT_CHUNKS}" for row in range(rows)]
        indices = [(first + row) % _DOCUMENT_CHUNKS + 1 for row in range(rows)]
        return pa.table({
            "chunk_id": [f"{document}_{index}" for document, index in zip(documents, indices, strict=True)],
            "doc_id": documents,
            "chunk_index": indices,
            "chunk_xxh64": [xxhash.xxh64_hexdigest(text.encode(), seed=_HASH_SEED) for text in texts],
            "audience": ["Particuliers"] * rows,
            "theme": ["Étranger - Europe"] * rows,
            "title": [f"Titre de séjour {document}" for document in documents],
            "surtitle": ["Fiche pratique"] * rows,
            "url": [f"https://www.service-public.gouv.fr/particuliers/vosdroits/{document}" for document in documents],
            "context": [["Quels documents fournir ?"]] * rows,
            "text": texts,
        })  # fmt: skip


def write(directory: Path, rows: int, corpus: Corpus, vectors: Vectors | None, *, as_text: bool = False) -> None:
    folder = directory / "service-public-latest"
    folder.mkdir(parents=True)
    for part, first in enumerate(range(0, rows, _FILE_ROWS)):
        count = min(_FILE_ROWS, rows - first)
        table = corpus.table(first, count)
        if vectors is not None:
            table = table.append_column("embeddings_bge-m3", _column(vectors, count, as_text=as_text))
        path = folder / f"service_public_part_{part}.parquet"
        pq.write_table(table, path, compression="zstd", row_group_size=_FILE_ROWS)


def _column(vectors: Vectors, rows: int, *, as_text: bool) -> pa.Array:
    if as_text:
        written = ["[" + ",".join(map(str, vector)) + "]" for vector in vectors.tolist()]
        return pa.array([written[row % len(written)] for row in range(rows)])
    repeated = np.resize(vectors, (rows, vectors.shape[1]))
    offsets = np.arange(rows + 1, dtype=np.int32) * vectors.shape[1]
    return pa.ListArray.from_arrays(offsets, repeated.reshape(-1))


def ingest(directory: Path, index_dir: Path, rows: int, *arguments: str) -> Measured:
    """One run, measured as the operating system accounts for it."""
    command = [sys.executable, "-m", "marianne_ingest", "--from", str(directory), "--index-dir", str(index_dir)]
    started = time.perf_counter()
    process = subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"marianne-ingest ended with {process.returncode}")
    manifest = Manifest.from_json(_served(index_dir).read_bytes())
    seconds = sum(source.seconds for source in manifest.sources)
    return Measured(
        rows=rows,
        wall_s=round(wall, 2),
        cpu_s=round(usage.ru_utime + usage.ru_stime, 2),
        peak_rss_mb=round(usage.ru_maxrss / 1024),
        chunks_per_s=round(manifest.chunks / seconds),
        optimize_s=manifest.optimize_seconds,
    )


def _served(index_dir: Path) -> Path:
    return index_dir / (index_dir / "CURRENT").read_text(encoding="ascii").strip() / "manifest.json"


def run(rows: int, text_rows: int, dimension: int, characters: int, directory: Path) -> dict[str, Measured]:
    vectors = np.random.default_rng(1).standard_normal((2_000, dimension), dtype=np.float32)
    measured = {}
    write(directory / "sparse", text_rows, Corpus(characters), None)
    measured["sparse"] = ingest(directory / "sparse", directory / "index-sparse", text_rows)
    write(directory / "texts", text_rows, Corpus(characters), vectors, as_text=True)
    measured["texts"] = ingest(directory / "texts", directory / "index-texts", text_rows)
    for done in ("texts", "index-texts", "sparse", "index-sparse"):
        shutil.rmtree(directory / done)
    write(directory / "arrays", rows, Corpus(characters), vectors)
    index = directory / "index"
    measured["arrays"] = ingest(directory / "arrays", index, rows)
    measured["unchanged_revision"] = ingest(directory / "arrays", index, rows)
    _rewrite(directory / "arrays")
    measured["unchanged_rows"] = ingest(directory / "arrays", index, rows)
    return measured


def _rewrite(directory: Path) -> None:
    """Gives the same rows another revision: each file is compressed in another way."""
    for path in sorted(directory.rglob("*.parquet")):
        table = pq.read_table(path)
        pq.write_table(table, path, compression="snappy", row_group_size=_FILE_ROWS)


def show(measured: dict[str, Measured]) -> None:
    names = ("rows", "wall_s", "cpu_s", "peak_rss_mb", "chunks_per_s", "optimize_s")
    print(f"| | {' | '.join(names)} |")
    print(f"|---|{'---|' * len(names)}")
    for scenario, found in measured.items():
        print(f"| {scenario} | {' | '.join(str(getattr(found, name)) for name in names)} |")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000, help="rows with vectors as arrays")
    parser.add_argument("--text-rows", type=int, default=20_000, help="rows with vectors as text, and with none")
    parser.add_argument("--dimension", type=int, default=1_024)
    parser.add_argument("--characters", type=int, default=450, help="of each chunk's text, at least")
    parser.add_argument("--directory", type=Path, help="where the temporary directory is made")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        measured = run(options.rows, options.text_rows, options.dimension, options.characters, Path(directory))
    show(measured)
    if options.json:
        options.json.write_text(json.dumps({name: asdict(found) for name, found in measured.items()}, indent=2))


if __name__ == "__main__":
    main()
