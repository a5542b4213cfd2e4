"""Copies a directory of mostly empty files: Edge allots far more than it fills, and a plain copy would fill it all."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_BLOCK: Final = 1 << 24


def copy_with_holes(source: Path, target: Path) -> None:
    """Copies a directory with its files, whose holes stay holes. Raises OSError."""
    for folder, _, names in os.walk(source):
        copied = target / Path(folder).relative_to(source)
        copied.mkdir(parents=True, exist_ok=True)
        for name in names:
            _copy_file(Path(folder) / name, copied / name)


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb") as reading, target.open("xb") as writing:
        size = os.fstat(reading.fileno()).st_size
        os.truncate(writing.fileno(), size)
        for start, end in _filled(reading.fileno(), size):
            position = start
            while position < end:
                length = min(_BLOCK, end - position)
                position += os.copy_file_range(reading.fileno(), writing.fileno(), length, position, position)


def _filled(file: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a file holds data, from and to."""
    position = 0
    while position < size:
        try:
            start = os.lseek(file, position, os.SEEK_DATA)
        except OSError:  # nothing but a hole follows
            return
        position = os.lseek(file, start, os.SEEK_HOLE)
        yield start, position
