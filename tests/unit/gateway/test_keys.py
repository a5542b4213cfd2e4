import hashlib
from pathlib import Path

import pytest

from marianne_gateway.keys import ApiKeys

DIGEST = hashlib.sha256(b"open sesame").hexdigest()


def written(path: Path, text: str) -> Path:
    file = path / "keys"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_key_is_known_by_its_digest(tmp_path: Path) -> None:
    keys = ApiKeys.read(written(tmp_path, f"# advisers\n\nmaya {DIGEST.upper()}\nomar {'0' * 64}\n"))

    assert len(keys) == 2
    assert keys.holder("open sesame") == "maya"


@pytest.mark.parametrize("secret", ["", "open sesame ", "OPEN SESAME", DIGEST, "clé", "\N{ZERO WIDTH SPACE}"])
def test_nothing_else_opens(tmp_path: Path, secret: str) -> None:
    assert ApiKeys.read(written(tmp_path, f"maya {DIGEST}")).holder(secret) is None


def test_no_file_is_no_keys() -> None:
    assert len(ApiKeys.read(None)) == 0


@pytest.mark.parametrize("line", ["maya", f"maya {DIGEST}0", "maya open-sesame", f"{DIGEST}", f"maya: {DIGEST}"])
def test_a_broken_line_is_named_and_not_repeated(tmp_path: Path, line: str) -> None:
    with pytest.raises(ValueError, match="line 2: expected") as caught:
        ApiKeys.read(written(tmp_path, f"# keys\n{line}\n"))

    assert line not in str(caught.value)


def test_a_name_stands_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line 2: the name stands on an earlier line"):
        ApiKeys.read(written(tmp_path, f"maya {DIGEST}\nmaya {'0' * 64}"))


def test_an_unreadable_file_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="readable"):
        ApiKeys.read(tmp_path / "absent")
