"""The same build into a Qdrant server, and the check that stands before every switch."""

from pathlib import Path

from marianne_corpus.index import IndexWriter
from marianne_corpus.store.server import ServerReader, ServerWriter
from marianne_ingest.build import build
from marianne_ingest.catalog import load_catalog
from marianne_ingest.progress import TerminalProgress
from marianne_ingest.sources import from_directory
from support.corpus import scope, sparse_lane
from support.parquet import sheet_row, write_data_set
from support.qdrant import qdrant_server


async def run(data: Path, writer: IndexWriter) -> None:
    catalog = load_catalog()
    snapshots = from_directory(data, list(catalog.sources.values()))
    with TerminalProgress() as progress:
        await build(snapshots, writer, catalog, progress)


async def test_a_server_serves_what_was_built(tmp_path: Path) -> None:
    write_data_set(tmp_path, "service-public", [sheet_row(f"F{n}_1") for n in range(300)])
    async with qdrant_server() as server:
        writer, reader = ServerWriter(server.address), ServerReader(server.address)
        await run(tmp_path, writer)
        reply = await reader.search([sparse_lane("demande F217_1")], scope(), timeout_s=5)
        assert reply.lanes[0][0].chunk.chunk_id == "F217_1"
        assert (reply.manifest.chunks, await reader.count(timeout_s=5)) == (300, 300)
        await writer.close()
        await reader.close()
