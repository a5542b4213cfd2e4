"""API keys: who asks, told by a secret of which only the SHA-256 is kept."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

_LINE = re.compile(r"(?P<name>[\w.@-]{1,64})\s+(?P<digest>[0-9a-fA-F]{64})")


class ApiKeys:
    """The digests of the keys by the names of their holders."""

    def __init__(self, digests: Mapping[str, str]) -> None:
        self._digests = {name: digest.lower() for name, digest in digests.items()}

    def __len__(self) -> int:
        return len(self._digests)

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """From a UTF-8 file with `name sha256hex` on each line; empty lines and comments (#) are passed over.

        Raises ValueError, which names the line and repeats nothing of it, or says that the file cannot be read.
        """
        if path is None:
            return cls({})
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError("expected the path of a readable UTF-8 file") from error
        return cls(_digests(lines))

    def holder(self, secret: str) -> str | None:
        """The name of who holds `secret`, spelt as in HTTP headers (latin-1), or None. All take the same time."""
        presented = hashlib.sha256(secret.encode("latin-1", "replace")).hexdigest()
        matches = [name for name, digest in self._digests.items() if hmac.compare_digest(digest, presented)]
        return matches[0] if matches else None


def _digests(lines: list[str]) -> dict[str, str]:
    digests: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"line {number}: expected a name and the SHA-256 of its key in 64 hexadecimal digits")
        if match["name"] in digests:
            raise ValueError(f"line {number}: the name stands on an earlier line too")
        digests[match["name"]] = match["digest"]
    return digests
