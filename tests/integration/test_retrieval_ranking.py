"""Ranking without texts and fetching the winners, on an index in a directory and on a server."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from marianne_corpus.index import IndexReader, ReferenceLane, Scope
from marianne_corpus.schema import DOCUMENT_VECTOR, TITLE_VECTOR
from marianne_corpus.store import open_reader, open_writer
from support.corpus import article, build, index_directory, scope, sheet, sparse_lane
from support.qdrant import qdrant_server

GENERAL = sheet("F1_1", "Le préavis.", "Un mois de préavis.")
SECOND = sheet("F1_2", "Le préavis.", "Le préavis se travaille.", doc_id="F1")
BRANCH = sheet("C1_1", "Quel préavis ? (convention collective 0016)", "Trois mois de préavis.")
OFFICE = sheet("P69_1", "Préfecture du Rhône", "Le préavis s'y dépose.", departments=("69",))
ARTICLE = article("L1234-1", "Le préavis dure un mois.")


@pytest.fixture(params=["edge", "server"])
async def reader(request: pytest.FixtureRequest) -> AsyncIterator[IndexReader]:
    chunks = [GENERAL, SECOND, BRANCH, OFFICE, ARTICLE]
    if request.param == "edge":
        with index_directory() as directory:
            await build(open_writer(directory), chunks)
            reader = open_reader(directory)
            yield reader
            await reader.close()
        return
    async with qdrant_server() as server:
        writer = open_writer(server.address)
        await build(writer, chunks)
        await writer.close()
        reader = open_reader(server.address)
        yield reader
        await reader.close()


async def found(reader: IndexReader, within: Scope) -> set[str]:
    ranking = await reader.rank([sparse_lane("préavis")], within, timeout_s=5)
    chunks = await reader.fetch([hit.point_id for hit in ranking.lanes[0]], timeout_s=5)
    return {chunk.chunk_id for chunk in chunks.values()}


async def test_the_ids_lead_to_the_chunks_that_were_ranked(reader: IndexReader) -> None:
    ranking = await reader.rank([sparse_lane("préavis mois")], scope(), timeout_s=5)
    searched = await reader.search([sparse_lane("préavis mois")], scope(), timeout_s=5)
    chunks = await reader.fetch([hit.point_id for hit in ranking.lanes[0]], timeout_s=5)
    ranked = {(chunks[hit.point_id].chunk_id, round(hit.score, 4)) for hit in ranking.lanes[0]}
    assert ranked == {(hit.chunk.chunk_id, round(hit.score, 4)) for hit in searched.lanes[0]}


async def test_points_that_are_gone_are_left_out(reader: IndexReader) -> None:
    assert await reader.fetch([sheet("gone_1", "Rien.").point_id], timeout_s=5) == {}


async def test_titles_and_documents_lead_to_the_first_chunk_of_a_document(reader: IndexReader) -> None:
    lanes = [sparse_lane("préavis travaille", using=name) for name in (TITLE_VECTOR, DOCUMENT_VECTOR)]
    ranking = await reader.rank(lanes, scope(), timeout_s=5)
    for hits in ranking.lanes:
        leads = {hit.point_id for hit in hits}
        assert GENERAL.point_id in leads
        assert SECOND.point_id not in leads


async def test_the_title_of_an_article_says_nothing_of_its_subject(reader: IndexReader) -> None:
    [hits] = (await reader.rank([sparse_lane("code du travail", using=TITLE_VECTOR)], scope(), timeout_s=5)).lanes
    assert hits == []


async def test_the_answer_of_a_branch_waits_until_its_branch_is_named(reader: IndexReader) -> None:
    assert "C1_1" not in await found(reader, scope())
    assert "C1_1" in await found(reader, replace(scope(), branches=("16",)))
    assert "C1_1" not in await found(reader, replace(scope(), branches=("1486",)))


async def test_an_office_counts_for_its_departement_or_wherever_places_do_not_matter(reader: IndexReader) -> None:
    assert "P69_1" in await found(reader, scope())
    assert "P69_1" not in await found(reader, replace(scope(), local=False))
    assert "P69_1" in await found(reader, replace(scope(), departments=("69",)))
    assert "P69_1" not in await found(reader, replace(scope(), departments=("75",)))


async def test_an_article_is_ranked_by_its_number(reader: IndexReader) -> None:
    [hits] = (await reader.rank([ReferenceLane("L1234-1", "code-du-travail", 8)], scope(), timeout_s=5)).lanes
    assert [hit.point_id for hit in hits] == [ARTICLE.point_id]
