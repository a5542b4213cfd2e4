"""Reading from the hub: pinned to a commit, only the columns needed, and one clear line when it cannot be."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.corpus import index_directory
from support.hub import FakeHub, fake_hub
from support.parquet import article_row, sheet_row, write_parquet
from support.processes import free_port

SHEETS = "AgentPublic/service-public/data/service-public-latest"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeHub]:
    folder = tmp_path / "hub"
    write_parquet(folder / SHEETS / "service_public_part_0.parquet", [sheet_row(f"F{n}_1") for n in range(20)])
    write_parquet(folder / SHEETS / "service_public_part_1.parquet", [sheet_row("F99_1")])
    with fake_hub(folder) as hub:
        yield hub


@pytest.fixture
def index_dir() -> Iterator[Path]:
    with index_directory() as directory:
        yield directory


def ingest(hub_url: str, index_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: the hub's client reads its address when it is imported."""
    environment = {
        "PATH": os.defpath,
        "HF_ENDPOINT": hub_url,
        "HF_HOME": str(index_dir.parent / "hf"),
        "INDEX_DIR": str(index_dir),
    }
    command = [sys.executable, "-m", "marianne_ingest", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_data_set_is_indexed_at_the_commit_that_its_branch_names(hub: FakeHub, index_dir: Path) -> None:
    first = ingest(hub.url, index_dir, "--sources", "service-public")
    assert first.returncode == 0, first.stderr
    assert "21 chunks of 21 documents, official, state of 2026-11-13, revision 0123456789ab" in first.stdout
    assert hub.revisions[0] == "main"
    assert set(hub.revisions[1:]) <= {hub.commit}
    again = ingest(hub.url, index_dir, "--sources", f"service-public@{hub.commit}")
    assert again.stdout.startswith("unchanged: ")


def test_a_plan_reads_footers_only(hub: FakeHub, index_dir: Path) -> None:
    plan = ingest(hub.url, index_dir, "--sources", "service-public", "--plan")
    assert plan.returncode == 0, plan.stderr
    assert "service-public: 21 rows in 2 files" in plan.stdout
    assert "(assumed)" in plan.stdout
    assert not index_dir.exists()


def test_a_revision_that_is_gone_is_named(hub: FakeHub, index_dir: Path) -> None:
    refused = ingest(hub.url, index_dir, "--sources", "service-public@gone")
    assert refused.returncode == 69
    [line] = refused.stderr.splitlines()
    assert line.startswith("marianne-ingest: AgentPublic/service-public at gone: ")


def test_an_upload_under_way_is_refused(hub: FakeHub, index_dir: Path) -> None:
    legi = hub.folder / "AgentPublic/legi/data/legi-latest/legi_code_civil"
    write_parquet(legi / "legi_part_0.parquet", [article_row()])
    refused = ingest(hub.url, index_dir, "--sources", "legi")
    assert refused.returncode == 65
    assert "AgentPublic/legi: no file matches data/legi-latest/legi_code_de_l_entree" in refused.stderr
    assert not index_dir.exists()


def test_a_hub_out_of_reach_is_one_line(index_dir: Path) -> None:
    refused = ingest(f"http://127.0.0.1:{free_port()}", index_dir, "--sources", "service-public")
    assert refused.returncode == 69
    [line] = refused.stderr.splitlines()
    assert line.startswith("marianne-ingest: AgentPublic/service-public at main: ")
