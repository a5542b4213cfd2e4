"""What every store does, embedded or remote: one suite over both."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from typing import Literal

import pytest

from marianne_corpus.index import (
    DenseLane,
    IndexReader,
    IndexWriter,
    Lane,
    LeaseHeldError,
    NoIndexError,
    ReferenceLane,
    Scope,
    StoreUnavailableError,
)
from marianne_corpus.lexicon import LEXICON, Lexicon
from marianne_corpus.schema import DOCUMENT_VECTOR, PASSAGE_VECTOR, TITLE_VECTOR, Chunk
from marianne_corpus.store import Location, open_reader, open_writer
from support.corpus import TODAY, article, build, index_directory, manifest_of, points, scope, sheet, sparse_lane
from support.qdrant import qdrant_server

SOON = 5.0
PAST = date(2021, 1, 1)


@pytest.fixture(params=["edge", "server"])
async def location(request: pytest.FixtureRequest) -> AsyncIterator[Location]:
    kind: Literal["edge", "server"] = request.param
    if kind == "edge":
        with index_directory() as directory:
            yield directory
    else:
        async with qdrant_server() as server:
            yield server.address


@pytest.fixture
async def writer(location: Location) -> AsyncIterator[IndexWriter]:
    writer = open_writer(location)
    yield writer
    await writer.close()


@pytest.fixture
async def reader(location: Location) -> AsyncIterator[IndexReader]:
    reader = open_reader(location)
    yield reader
    await reader.close()


async def found(reader: IndexReader, query: str, within: Scope | None = None, using: str = PASSAGE_VECTOR) -> list[str]:
    [hits] = (await reader.search([sparse_lane(query, using=using)], within or scope(), timeout_s=SOON)).lanes
    return [hit.chunk.chunk_id for hit in hits]


async def test_a_chunk_comes_back_as_it_was_written(writer: IndexWriter, reader: IndexReader) -> None:
    chunk = article(
        "L1221-1",
        "Le contrat de travail est soumis au droit commun.",
        "Il peut être établi librement.",
        context=("Partie législative", "Formation du contrat"),
        audience=("Particuliers", "Professionnels"),
        theme=("Travail",),
        departments=("75", "2A"),
        updated_at="2024-03-01",
        surtitle="Article",
        official=False,
    )
    await build(writer, [chunk])
    [[hit]] = (await reader.search([sparse_lane("contrat de travail")], scope(), timeout_s=SOON)).lanes
    assert hit.chunk == chunk
    assert hit.score > 0


async def test_the_rarer_term_weighs_more(writer: IndexWriter, reader: IndexReader) -> None:
    common = [sheet(f"F{n}_1", "Demander un titre de séjour.") for n in range(5)]
    await build(writer, [*common, sheet("F9_1", "Demander un récépissé.")])
    assert (await found(reader, "demander récépissé"))[0] == "F9_1"


async def test_several_lanes_answer_in_their_order(writer: IndexWriter, reader: IndexReader) -> None:
    await build(writer, [article("L1221-1", "Le contrat."), sheet("F1_1", "Le licenciement.")])
    lanes: list[Lane] = [
        sparse_lane("licenciement"),
        ReferenceLane("L1221-1", "code-du-travail", 5),
        sparse_lane("naturalisation"),
    ]
    replies = (await reader.search(lanes, scope(), timeout_s=SOON)).lanes
    assert [[hit.chunk.doc_id for hit in hits] for hits in replies] == [["F1"], ["LEGIARTICode du travailL1221-1"], []]


async def test_titles_and_whole_documents_are_lanes_of_their_own(writer: IndexWriter, reader: IndexReader) -> None:
    first = sheet("F1_1", "Le récépissé.", title="Demander une carte")
    second = sheet("F1_2", "La préfecture répond.", title="Demander une carte")
    await build(writer, [first, second, sheet("F2_1", "La carte.", title="Renouveler un visa")])
    assert await found(reader, "carte", using=TITLE_VECTOR) == ["F1_1"]
    assert await found(reader, "préfecture", using=DOCUMENT_VECTOR) == ["F1_1"]
    assert set(await found(reader, "carte")) == {"F1_1", "F1_2", "F2_1"}


async def test_the_nearest_embedding_comes_first(writer: IndexWriter, reader: IndexReader) -> None:
    near, far = points([sheet("F1_1", "Un."), sheet("F2_1", "Deux.")])
    written = [replace(near, dense=[1.0, 0.1]), replace(far, dense=[0.1, 1.0])]
    await build(writer, written, dimension=2)
    [hits] = (await reader.search([DenseLane([1.0, 0.0], 5)], scope(), timeout_s=SOON)).lanes
    assert [hit.chunk.chunk_id for hit in hits] == ["F1_1", "F2_1"]


async def test_a_dense_lane_needs_embeddings(writer: IndexWriter, reader: IndexReader) -> None:
    await build(writer, [SHEET])
    with pytest.raises(StoreUnavailableError):
        await reader.search([DenseLane([1.0, 0.0], 5)], scope(), timeout_s=SOON)


async def test_a_lexicon_lies_beside_the_index(writer: IndexWriter, reader: IndexReader) -> None:
    lexicon = Lexicon({f"mot{n}": n for n in range(100_000)}, {"75001": ("75",)})
    generation = await writer.begin()
    await generation.upsert(points([SHEET]))
    await generation.attach(LEXICON, lexicon.to_json())
    await generation.seal(manifest_of([SHEET], "2026-11-20", generation.name))
    await generation.switch()
    assert await reader.lexicon(timeout_s=SOON) == lexicon


async def test_an_index_without_a_lexicon_has_an_empty_one(writer: IndexWriter, reader: IndexReader) -> None:
    await build(writer, [SHEET])
    assert await reader.lexicon(timeout_s=SOON) == Lexicon({}, {})


async def test_a_reference_without_a_code_finds_every_code(writer: IndexWriter, reader: IndexReader) -> None:
    await build(
        writer, [article("L111-1", "Un."), article("L111-1", "Deux.", code="Code civil", code_slug="code-civil")]
    )
    [hits] = (await reader.search([ReferenceLane("L111-1", None, 5)], scope(), timeout_s=SOON)).lanes
    assert {hit.chunk.code for hit in hits} == {"Code du travail", "Code civil"}


@pytest.mark.parametrize(("as_of", "expected"), [(TODAY, ["L1_2", "L1_1"]), (date(2022, 1, 1), ["L1_1"])])
async def test_versions_that_ended_are_found_when_asked_for(
    writer: IndexWriter, reader: IndexReader, as_of: date, expected: list[str]
) -> None:
    first = article("L1", "Un.", chunk_id="L1_1", start_date="2019-01-01", end_date="2021-01-01")
    second = article("L1", "Deux.", chunk_id="L1_2", start_date="2021-01-01", end_date="2025-01-01")
    await build(writer, [first, second, article("L1", "Trois.", chunk_id="L1_3", start_date="2025-01-01")])
    lane = ReferenceLane("L1", None, 5, ended=True)
    [hits] = (await reader.search([lane], scope(as_of), timeout_s=SOON)).lanes
    assert {hit.chunk.chunk_id for hit in hits} == set(expected)


OLD = article("L313-11", "Ancienne carte de séjour.", status="ABROGE", start_date="2019-03-01", end_date="2021-05-01")
NEW = article("L423-1", "Nouvelle carte de séjour.", start_date="2021-05-01")
LATER = article("L423-2", "Future carte de séjour.", status="VIGUEUR_DIFF", start_date="2027-01-01")
UNDONE = article("L423-3", "Carte de séjour mort-née.", status="MODIFIE_MORT_NE")
SHEET = sheet("F1_1", "Demander une carte de séjour.")


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        pytest.param(TODAY, {NEW, SHEET}, id="today"),
        pytest.param(PAST, {OLD}, id="in the past only texts with dates"),
        pytest.param(date(2021, 4, 30), {OLD}, id="on the last day"),
        pytest.param(date(2021, 5, 1), {NEW}, id="the end date itself is no longer in force"),
        pytest.param(date(2027, 6, 1), {NEW, LATER, SHEET}, id="in the future"),
    ],
)
async def test_only_the_law_in_force_on_the_day_answers(
    writer: IndexWriter, reader: IndexReader, as_of: date, expected: set[Chunk]
) -> None:
    await build(writer, [OLD, NEW, LATER, UNDONE, SHEET])
    assert set(await found(reader, "carte de séjour", scope(as_of))) == {chunk.chunk_id for chunk in expected}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param({}, {"F1_1", "F2_1", "F3_1"}, id="no filter"),
        pytest.param({"datasets": ("sample", "legi")}, {"F3_1"}, id="one of the data sets"),
        pytest.param({"audiences": ("Particuliers",)}, {"F1_1", "F2_1"}, id="one of a text's audiences"),
        pytest.param({"audiences": ("Particuliers",), "themes": ("Étranger",)}, {"F1_1"}, id="both filters"),
        pytest.param({"departments": ("75",)}, {"F1_1", "F3_1"}, id="texts of no département count"),
    ],
)
async def test_filters_narrow_the_search(
    writer: IndexWriter, reader: IndexReader, filters: dict[str, tuple[str, ...]], expected: set[str]
) -> None:
    both = ("Professionnels", "Particuliers")
    await build(
        writer,
        [
            sheet("F1_1", "Une carte.", audience=both, theme=("Étranger",)),
            sheet("F2_1", "Une carte.", audience=("Particuliers",), departments=("2A",)),
            sheet("F3_1", "Une carte.", dataset="sample", departments=("75", "974")),
        ],
    )
    assert set(await found(reader, "carte", scope(filters=filters))) == expected


async def test_writing_the_same_chunk_twice_keeps_one(writer: IndexWriter, reader: IndexReader) -> None:
    generation = await writer.begin()
    await generation.upsert(points([SHEET]))
    await generation.upsert(points([SHEET]))
    assert await generation.count(timeout_s=SOON) == 1
    await generation.discard()


async def test_without_an_index_the_reader_says_so_and_recovers(writer: IndexWriter, reader: IndexReader) -> None:
    with pytest.raises(NoIndexError, match="marianne-ingest"):
        await reader.manifest(timeout_s=SOON)
    await build(writer, [SHEET])
    assert await found(reader, "carte") == ["F1_1"]


async def test_a_generation_under_construction_is_not_served(writer: IndexWriter, reader: IndexReader) -> None:
    await build(writer, [SHEET])
    generation = await writer.begin()
    await generation.upsert(points([OLD, NEW]))
    assert await reader.count(timeout_s=SOON) == 1
    await generation.discard()
    assert await found(reader, "carte") == ["F1_1"]


async def test_a_reader_follows_the_switch(writer: IndexWriter, reader: IndexReader) -> None:
    first = await build(writer, [SHEET])
    assert await reader.manifest(timeout_s=SOON) == first
    second = await build(writer, [SHEET, NEW])
    assert await reader.manifest(timeout_s=SOON) == second == await writer.current()
    assert await reader.count(timeout_s=SOON) == 2


async def test_a_refused_query_is_an_unavailable_store(reader: IndexReader) -> None:
    with pytest.raises(StoreUnavailableError):
        await reader.search([sparse_lane("carte")], scope(), timeout_s=SOON)


async def test_a_generation_may_begin_as_a_copy_of_the_served_one(writer: IndexWriter, reader: IndexReader) -> None:
    kept, gone, new = sheet("F1_1", "Une carte."), sheet("F2_1", "Un visa."), sheet("F3_1", "Un passeport.")
    written = [replace(point, dense=[1.0, 0.0]) for point in points([kept, gone])]
    manifest = await build(writer, written, dimension=2)
    generation = await writer.begin_from_current()
    assert set(await generation.retrieve([kept.point_id, gone.point_id, new.point_id])) == {kept, gone}
    await generation.delete([gone.point_id])
    await generation.upsert([replace(point, dense=[0.0, 1.0]) for point in points([new])])
    assert await reader.count(timeout_s=SOON) == 2
    assert await found(reader, "visa") == ["F2_1"]
    await generation.seal(replace(manifest, generation=generation.name))
    await generation.switch()
    assert set(await found(reader, "carte visa passeport")) == {"F1_1", "F3_1"}
    [hits] = (await reader.search([DenseLane([1.0, 0.1], 5)], scope(), timeout_s=SOON)).lanes
    assert [hit.chunk for hit in hits] == [kept, new]


async def test_the_index_before_can_be_served_again(writer: IndexWriter, reader: IndexReader) -> None:
    first = await build(writer, [SHEET])
    await build(writer, [SHEET, NEW])
    assert await writer.roll_back() == first
    assert await reader.manifest(timeout_s=SOON) == first
    assert await reader.count(timeout_s=SOON) == 1
    with pytest.raises(NoIndexError, match="no index before"):
        await writer.roll_back()


async def test_a_generation_that_was_never_sealed_is_not_rolled_back_to(writer: IndexWriter) -> None:
    unsealed = await writer.begin()
    await unsealed.upsert(points([SHEET]))
    await build(writer, [SHEET])
    with pytest.raises(NoIndexError):
        await writer.roll_back()


async def test_only_one_run_at_a_time_may_write(location: Location, writer: IndexWriter) -> None:
    other = open_writer(location)
    async with writer.lease("run-1", 60.0):
        with pytest.raises(LeaseHeldError, match="run-1"):
            async with other.lease("run-2", 60.0):
                pass
    async with other.lease("run-2", 60.0):
        pass
    await other.close()


async def test_small_files_lie_beside_the_index(writer: IndexWriter) -> None:
    content = bytes(range(256)) * 5_000
    generation = await writer.begin()
    await generation.upsert(points([SHEET]))
    await generation.attach("ledger.bin", content)
    await generation.seal(manifest_of([SHEET], "2026-11-20", generation.name))
    await generation.switch()
    assert await writer.attachment("ledger.bin") == content
    assert await writer.attachment("another.bin") == b""
