"""How an index lies in a directory.

    INDEX_DIR/CURRENT                       the name of the generation that is served
    INDEX_DIR/<generation>/manifest.json
    INDEX_DIR/<generation>/lexicon.json     and other files that belong to it
    INDEX_DIR/<generation>/shard/           one Edge shard, whose points are not written again once it is served

CURRENT is replaced by a rename, so a reader sees the old or the new generation and nothing in between.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from marianne_corpus.index import NoIndexError, StoreUnavailableError
from marianne_corpus.manifest import Manifest

CURRENT: Final = "CURRENT"
MANIFEST: Final = "manifest.json"
SHARD: Final = "shard"


@contextmanager
def errors_name(index_dir: Path) -> Iterator[None]:
    """Edge raises plain `Exception`, whatever the cause."""
    try:
        yield
    except StoreUnavailableError:
        raise
    except Exception as error:
        raise StoreUnavailableError(f"INDEX_DIR={index_dir}: {error}") from error


def read_current(index_dir: Path) -> str:
    """The name of the served generation. Raises NoIndexError, StoreUnavailableError."""
    try:
        return (index_dir / CURRENT).read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise NoIndexError(f"INDEX_DIR={index_dir}: nothing is indexed there; run marianne-ingest") from error
    except (OSError, UnicodeDecodeError) as error:
        raise StoreUnavailableError(f"INDEX_DIR={index_dir}: {CURRENT} cannot be read ({error})") from error


def read_manifest(index_dir: Path, generation: str) -> Manifest:
    """Raises StoreUnavailableError, IncompatibleIndexError."""
    with errors_name(index_dir):
        document = (index_dir / generation / MANIFEST).read_bytes()
    return Manifest.from_json(document)


def read_attachment(index_dir: Path, generation: str, name: str) -> bytes:
    """Empty when the generation has none of that name. Raises StoreUnavailableError."""
    with errors_name(index_dir):
        path = index_dir / generation / name
        return path.read_bytes() if path.exists() else b""


def write_durably(path: Path, content: bytes) -> None:
    """Replaces a file so that a reader or a crash finds the old or the new content, whole."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
