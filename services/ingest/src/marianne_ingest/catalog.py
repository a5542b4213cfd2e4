"""The declarative list of sources, from `sources.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Column:
    """A field's names in the files, the preferred one first; `separator` splits its text into a list."""

    names: tuple[str, ...]
    separator: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of a kind of data set become chunks."""

    columns: Mapping[str, Column]
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One data set: its id on the hub, its files there at a revision, and its layout."""

    name: str
    hub: str
    files: tuple[str, ...]
    layout: Layout
    revision: str = "main"


@dataclass(frozen=True, slots=True)
class Catalog:
    sources: Mapping[str, Source]
    codes: Mapping[str, str]


@cache
def load_catalog() -> Catalog:
    document = yaml.safe_load(files("marianne_ingest").joinpath("sources.yaml").read_text(encoding="utf-8"))
    layouts = {name: _layout(layout) for name, layout in document["layouts"].items()}
    sources = {source["name"]: _source(source, layouts) for source in document["sources"]}
    return Catalog(sources, document["codes"])


def _layout(document: dict[str, Any]) -> Layout:
    columns = {
        field: Column(tuple(column["from"]), column.get("separator")) for field, column in document["columns"].items()
    }
    return Layout(columns, tuple(document["urls"]))


def _source(document: dict[str, Any], layouts: Mapping[str, Layout]) -> Source:
    return Source(document["name"], document["hub"], tuple(document["files"]), layouts[document["layout"]])
