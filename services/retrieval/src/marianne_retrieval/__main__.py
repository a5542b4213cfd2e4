"""Composes retrieval. Its health says SERVING without an index too: readiness depends on no peer and on no data."""

import asyncio
from contextlib import AsyncExitStack

from marianne_chassis.grpc_server import GrpcServer
from marianne_chassis.lifecycle import run_service
from marianne_chassis.settings import load_settings
from marianne_corpus.analyzer import Analyzer
from marianne_corpus.store import open_reader
from marianne_proto.retrieval.v1.retrieval_pb2_grpc import add_RetrievalServiceServicer_to_server
from marianne_retrieval.articles import Concordance
from marianne_retrieval.breaker import Breaker
from marianne_retrieval.config import RetrievalSettings
from marianne_retrieval.guarded_index import GuardedIndex
from marianne_retrieval.http_models import HttpEmbedder, HttpReranker
from marianne_retrieval.index_watch import Served, watch_index
from marianne_retrieval.metrics import model_unavailable, show_index
from marianne_retrieval.models import Models
from marianne_retrieval.question import QuestionReader
from marianne_retrieval.search import Searcher
from marianne_retrieval.servicer import RetrievalServicer

SERVICE = "marianne.retrieval.v1.RetrievalService"


async def serve(settings: RetrievalSettings, stop: asyncio.Event) -> None:
    async with AsyncExitStack() as opened:
        index = GuardedIndex(open_reader(settings.location), Breaker())
        opened.push_async_callback(index.close)
        for endpoint in filter(None, (embeddings := settings.embeddings_endpoint, rerank := settings.rerank_endpoint)):
            opened.push_async_callback(endpoint.close)
        models = Models(
            HttpEmbedder(embeddings, settings.embeddings_model) if embeddings else None,
            HttpReranker(rerank) if rerank else None,
            dimension=settings.embeddings_dim,
            unavailable=model_unavailable,
        )
        searcher = Searcher(index, QuestionReader(Analyzer()), models, concordance=Concordance.shipped())

        async def changed(served: Served | None) -> None:
            await searcher.serve(served.manifest if served else None, served.lexicon if served else None)
            show_index(served)

        servicer = RetrievalServicer(searcher, index, timeout_s=settings.store_timeout_s)
        server = GrpcServer(settings)
        add_RetrievalServiceServicer_to_server(servicer, server.server)
        async with asyncio.TaskGroup() as tasks:
            watch = watch_index(index, changed, stop, every_s=settings.refresh_s, timeout_s=settings.store_timeout_s)
            tasks.create_task(watch)
            await server.serve(stop, [SERVICE])


def main() -> None:
    settings = load_settings(RetrievalSettings)
    run_service("retrieval", settings, lambda stop: serve(settings, stop))


if __name__ == "__main__":
    main()
