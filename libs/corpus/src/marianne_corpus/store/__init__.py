"""Opens the index where the settings say it is: on a server when there is one, else in a directory."""

from pathlib import Path

from marianne_corpus.index import IndexReader, IndexWriter
from marianne_corpus.store.edge_reader import EdgeReader
from marianne_corpus.store.edge_writer import EdgeWriter
from marianne_corpus.store.server_client import ServerAddress
from marianne_corpus.store.server_reader import ServerReader
from marianne_corpus.store.server_writer import ServerWriter

__all__ = ["Location", "ServerAddress", "open_reader", "open_writer"]

Location = Path | ServerAddress


def open_reader(location: Location) -> IndexReader:
    return EdgeReader(location) if isinstance(location, Path) else ServerReader(location)


def open_writer(location: Location) -> IndexWriter:
    return EdgeWriter(location) if isinstance(location, Path) else ServerWriter(location)
