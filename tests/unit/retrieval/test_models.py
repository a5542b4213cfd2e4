from collections.abc import Sequence
from dataclasses import replace

from marianne_corpus.manifest import Manifest
from marianne_retrieval.models import NO_MEANING, NOT_RERANKED, Models, ModelUnavailableError
from support.corpus import manifest_of, sheet

CHUNKS = [sheet(f"F{n}_1", "Une carte.") for n in range(3)]
RANKED = [(CHUNKS[0], 4.5), (CHUNKS[1], 0.9), (CHUNKS[2], 0.8)]


class FixedEmbedder:
    model = "bge"

    def __init__(self, vector: Sequence[float] | None = (1.0, 0.0)) -> None:
        self._vector = vector
        self.texts: list[str] = []
        self.seconds: list[float] = []

    async def embed(self, text: str, timeout_s: float) -> Sequence[float]:
        self.texts.append(text)
        self.seconds.append(timeout_s)
        if self._vector is None:
            raise ModelUnavailableError("away")
        return self._vector


class FixedReranker:
    def __init__(self, *scores: float) -> None:
        self._scores = scores
        self.queries: list[str] = []

    async def score(self, query: str, texts: Sequence[str], timeout_s: float) -> Sequence[float]:
        self.queries.append(query)
        if not self._scores:
            raise ModelUnavailableError("away")
        return self._scores


def index(model: str = "bge", dimension: int = 2) -> Manifest:
    return replace(manifest_of(CHUNKS, "2026-11-20"), embedding_model=model, embedding_dim=dimension)


async def test_a_redacted_question_is_embedded_within_half_of_the_time() -> None:
    embedder = FixedEmbedder()
    models = Models(embedder)
    models.serve(index())
    assert await models.embed("carte", 1.0, may_leave=True) == ((1.0, 0.0), ())
    assert embedder.seconds == [0.5]


async def test_a_question_that_was_not_redacted_never_leaves() -> None:
    embedder, reranker = FixedEmbedder(), FixedReranker(0.1, 0.2)
    models = Models(embedder, reranker)
    models.serve(index())
    assert await models.embed("je m'appelle Marianne", 1.0, may_leave=False) == (None, ())
    assert (await models.rerank("je m'appelle Marianne", RANKED, 1.0, above=1.0, may_leave=False))[0] == RANKED
    assert (embedder.texts, reranker.queries) == ([], [])


async def test_an_index_without_vectors_asks_no_embedder() -> None:
    embedder = FixedEmbedder()
    models = Models(embedder)
    models.serve(index("", 0))
    assert await models.embed("carte", 1.0, may_leave=True) == (None, ())
    assert embedder.texts == []


async def test_an_index_of_another_dimension_than_the_settings_tell_is_searched_by_words() -> None:
    heard: list[str] = []
    embedder = FixedEmbedder()
    models = Models(embedder, dimension=2, unavailable=lambda _, reason: heard.append(reason))
    models.serve(index("bge", 3))
    assert await models.embed("carte", 1.0, may_leave=True) == (None, (NO_MEANING,))
    assert (heard, embedder.texts) == (["EMBEDDINGS_DIM is 2, the index has 3 dimensions"], [])


async def test_vectors_of_another_model_or_length_are_never_mixed() -> None:
    heard: list[tuple[str, str]] = []
    models = Models(FixedEmbedder(), unavailable=lambda dependency, reason: heard.append((dependency, reason)))
    for manifest, named in ((index("other"), "'other'"), (index("bge", 3), "the index has 3")):
        models.serve(manifest)
        assert await models.embed("carte", 1.0, may_leave=True) == (None, (NO_MEANING,))
        assert heard[-1][0] == "embeddings"
        assert named in heard[-1][1]


async def test_without_an_answer_of_the_embedder_words_are_searched_and_it_is_said() -> None:
    models = Models(FixedEmbedder(None))
    models.serve(index())
    assert await models.embed("carte", 1.0, may_leave=True) == (None, (NO_MEANING,))


async def test_the_reranker_orders_what_matches_and_leaves_named_articles_first() -> None:
    ranked, degraded = await Models(None, FixedReranker(0.1, 0.7)).rerank(
        "carte", RANKED, 1.0, above=1.0, may_leave=True
    )
    assert [chunk for chunk, _ in ranked] == [CHUNKS[0], CHUNKS[2], CHUNKS[1]]
    assert [score for _, score in ranked] == [4.5, 0.9, 0.8]
    assert degraded == ()


async def test_without_an_answer_of_the_reranker_the_order_stays_and_it_is_said() -> None:
    for reranker in (FixedReranker(), FixedReranker(0.5)):
        found = await Models(None, reranker).rerank("carte", RANKED, 1.0, above=1.0, may_leave=True)
        assert found == (RANKED, (NOT_RERANKED,))
