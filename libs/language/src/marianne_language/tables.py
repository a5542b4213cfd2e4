"""The tab-separated tables that ship with this package."""

from importlib import resources

_PACKAGE = "marianne_language"


def read_table(name: str, columns: int) -> list[list[str]]:
    """The rows of a table; empty lines and those that begin with "#" are left out.

    Raises ValueError for a row that has not `columns` columns, naming file and line.
    """
    text = resources.files(_PACKAGE).joinpath(name).read_text(encoding="utf-8")
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != columns:
            raise ValueError(f"{name}, line {number}: {columns} columns are needed, {len(cells)} found")
        rows.append(cells)
    return rows
