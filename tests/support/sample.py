"""The sample corpus as tests see it: its index, built once for all of them, its texts and its questions."""

import asyncio
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample"


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    language: str
    documents: tuple[str, ...]


async def build_index(index_dir: Path) -> None:
    """Runs ingest as its own process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "marianne_ingest", "--sample", str(SAMPLE), "--index-dir", str(index_dir)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


def shared_index(folder: Path) -> Path:
    """The index in a folder that several test processes share; the first one builds it."""
    index_dir = folder / "sample-index"
    with FileLock(folder / "sample-index.lock"):
        if not (index_dir / "CURRENT").exists():
            asyncio.run(build_index(index_dir))
    return index_dir


def questions() -> list[Question]:
    entries: list[dict[str, Any]] = yaml.safe_load((SAMPLE / "questions.yaml").read_text(encoding="utf-8"))
    return [Question(entry["question"], entry["language"], tuple(entry["documents"])) for entry in entries]


def sheet_urls() -> dict[str, str]:
    """The official page of each sheet, by the sheet's title."""
    matters = [
        yaml.safe_load(path.read_text(encoding="utf-8").split("---\n", 2)[1])
        for path in sorted((SAMPLE / "sheets").glob("*.md"))
    ]
    return {matter["title"]: matter["url"] for matter in matters}


def whole_text() -> str:
    """Every word of the sample, with its white space folded."""
    files = [*sorted((SAMPLE / "sheets").glob("*.md")), *sorted((SAMPLE / "articles").glob("*.yaml"))]
    return one_space(" ".join(path.read_text(encoding="utf-8") for path in files))


def one_space(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
