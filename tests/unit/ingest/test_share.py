"""A list of documents is divided among processes so that each of them is read once."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marianne_ingest.share import Share, read_share


@given(documents=st.lists(st.text(), unique=True, max_size=30), count=st.integers(1, 8))
def test_shares_are_disjoint_and_leave_no_document_out(documents: list[str], count: int) -> None:
    shares = [Share(index, count).of(documents) for index in range(count)]
    assert [*chain(*shares)] == documents
    sizes = [*map(len, shares)]
    assert max(sizes) - min(sizes) <= 1


def test_a_share_is_written_as_a_job_counts_its_processes() -> None:
    assert read_share("0/4") == Share(0, 4)
    assert str(Share(3, 4)) == "3/4"


@pytest.mark.parametrize("written", ["4/4", "-1/4", "1", "a/b", "0/0", ""])
def test_what_is_no_share_is_refused(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  argparse asks for no more
        read_share(written)
