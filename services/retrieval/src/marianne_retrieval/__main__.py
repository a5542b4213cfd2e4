"""Composes retrieval. Its health says SERVING without an index too: readiness depends on no peer and on no data."""

import asyncio

from marianne_chassis.grpc_server import GrpcServer
from marianne_chassis.lifecycle import run_service
from marianne_chassis.settings import load_settings
from marianne_corpus.analyzer import Analyzer
from marianne_corpus.store import open_reader
from marianne_proto.retrieval.v1.retrieval_pb2_grpc import add_RetrievalServiceServicer_to_server
from marianne_retrieval.config import RetrievalSettings
from marianne_retrieval.index_watch import watch_index
from marianne_retrieval.metrics import show_index
from marianne_retrieval.search import Searcher
from marianne_retrieval.servicer import RetrievalServicer

SERVICE = "marianne.retrieval.v1.RetrievalService"


async def serve(settings: RetrievalSettings, stop: asyncio.Event) -> None:
    index = open_reader(settings.location)
    servicer = RetrievalServicer(Searcher(index, Analyzer()), index, timeout_s=settings.store_timeout_s)
    server = GrpcServer(settings)
    add_RetrievalServiceServicer_to_server(servicer, server.server)
    try:
        async with asyncio.TaskGroup() as tasks:
            watch = watch_index(index, show_index, stop, every_s=settings.refresh_s, timeout_s=settings.store_timeout_s)
            tasks.create_task(watch)
            await server.serve(stop, [SERVICE])
    finally:
        await index.close()


def main() -> None:
    settings = load_settings(RetrievalSettings)
    run_service("retrieval", settings, lambda stop: serve(settings, stop))


if __name__ == "__main__":
    main()
