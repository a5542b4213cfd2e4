from dataclasses import replace

import orjson
import pytest

from marianne_corpus.manifest import IncompatibleIndexError, Manifest, SourceRecord


def record(name: str, dataset: str, snapshot_at: str, *, official: bool = True) -> SourceRecord:
    return SourceRecord(
        name=name,
        dataset=dataset,
        fingerprint="f",
        folders=["."],
        official=official,
        revision="abc",
        snapshot_at=snapshot_at,
        rows=3,
        chunks=2,
        documents=1,
        duplicates=0,
        rejected={"no doc_id": 1},
        statuses={},
        seconds=0.5,
    )


@pytest.fixture
def manifest() -> Manifest:
    return Manifest(
        generation="g",
        created_at="2026-11-22T10:00:00+00:00",
        lengths={"bm25": 40.5},
        chunks=4,
        sources=(record("service-public", "sample", "2026-11-20"), record("legi", "sample", "2026-11-01")),
    )


def test_a_manifest_survives_storage(manifest: Manifest) -> None:
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_a_data_set_is_as_old_as_its_oldest_source(manifest: Manifest) -> None:
    assert manifest.snapshots == {"sample": "2026-11-01"}


def test_an_index_is_as_old_as_its_oldest_data_set(manifest: Manifest) -> None:
    both = replace(manifest, sources=(*manifest.sources, record("cnil", "cnil", "2026-10-01")))
    assert (both.name, both.snapshot_at) == ("sample, cnil", "2026-10-01")


def test_one_unofficial_source_makes_an_unofficial_index(manifest: Manifest) -> None:
    assert manifest.official
    mixed = replace(manifest, sources=(*manifest.sources, record("x", "sample", "2026-11-01", official=False)))
    assert not mixed.official


@pytest.mark.parametrize("field", ["schema_version", "analyzer_version"])
def test_an_index_of_another_version_is_refused_by_name(manifest: Manifest, field: str) -> None:
    other = orjson.loads(manifest.to_json()) | {field: "another"}
    with pytest.raises(IncompatibleIndexError, match=rf"{field} 'another'.*build the index again"):
        Manifest.from_json(orjson.dumps(other))


@pytest.mark.parametrize("document", [b"", b"{}", b"[]", b"null", b"not json"])
def test_what_is_no_manifest_is_refused(document: bytes) -> None:
    with pytest.raises(IncompatibleIndexError, match="build the index again"):
        Manifest.from_json(document)
