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
class Vectors:
    """The column of the ready-made embeddings, and the model that made them."""

    column: str
    model: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of a kind of data set become chunks.

    `hashed` is the field that the files' own `chunk_xxh64` stands for, so that it need not be read to see a change;
    empty where it does not. `kinds` are the types of offices that are kept; empty for all rows.
    """

    columns: Mapping[str, Column]
    urls: tuple[str, ...]
    hashed: str
    vectors: Vectors | None
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Source:
    """One data set: its id on the hub, its files there at a revision, and its layout.

    `on_request` sources are read only when they are named. `places` says that its rows tell the places of France.
    """

    name: str
    hub: str
    files: tuple[str, ...]
    layout: Layout
    on_request: bool = False
    places: bool = False
    revision: str = "main"


@dataclass(frozen=True, slots=True)
class Catalog:
    sources: Mapping[str, Source]
    codes: Mapping[str, str]

    @property
    def default(self) -> list[Source]:
        return [source for source in self.sources.values() if not source.on_request]


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
    vectors = Vectors(**document["vectors"]) if "vectors" in document else None
    kinds = frozenset(document.get("kinds", ()))
    return Layout(columns, tuple(document["urls"]), document.get("hashed", ""), vectors, kinds)


def _source(document: dict[str, Any], layouts: Mapping[str, Layout]) -> Source:
    return Source(
        document["name"],
        document["hub"],
        tuple(document["files"]),
        layouts[document["layout"]],
        on_request=document.get("on_request", False),
        places=document.get("places", False),
    )
