from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from marianne_orchestrator.llm.policy import CallPolicy, Endpoint, retry_after_s

POLICY = CallPolicy(attempts=4, backoff_s=0.1, longest_wait_s=0.3)


@pytest.mark.parametrize(("failed", "longest"), [(1, 0.1), (2, 0.2), (3, 0.3)])
def test_waits_double_up_to_the_longest_and_are_jittered(failed: int, longest: float) -> None:
    waits = {POLICY.wait_s(failed, None) for _ in range(20)}

    assert all(wait is not None and longest / 2 <= wait <= longest for wait in waits)
    assert len(waits) > 1


def test_there_is_no_wait_after_the_last_attempt() -> None:
    assert POLICY.wait_s(4, None) is None


def test_retry_after_is_waited_for_up_to_the_longest_wait() -> None:
    assert POLICY.wait_s(1, 0.25) == 0.25
    assert POLICY.wait_s(1, 0.31) is None


@pytest.mark.parametrize(("header", "seconds"), [("2", 2), ("0", 0), (None, None), ("", None), ("soon", None)])
def test_retry_after_is_read_from_seconds(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header) == seconds


@pytest.mark.parametrize(("from_now_s", "least", "most"), [(100, 90, 100), (-100, 0, 0)])
def test_retry_after_is_read_from_a_date(from_now_s: int, least: float, most: float) -> None:
    read = retry_after_s(format_datetime(datetime.now(UTC) + timedelta(seconds=from_now_s), usegmt=True))

    assert read is not None
    assert least <= read <= most


@pytest.mark.parametrize(
    "address", ["", "host/v1", "ftp://host", "http://", "https://me:pw@host/v1", "http://h/v1?k=pw"]
)
def test_an_address_that_cannot_be_used_is_refused_by_the_name_of_its_variable(address: str) -> None:
    with pytest.raises(ValueError, match="LLM_BASE_URL") as caught:
        Endpoint(address)

    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-1\n", "sk 1", "clé"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ValueError, match="LLM_API_KEY") as caught:
        Endpoint("http://host/v1", key)

    assert key not in str(caught.value)


def test_neither_key_nor_address_is_in_the_representation() -> None:
    shown = repr(Endpoint("http://inner-host/v1", "sk-secret"))

    assert "secret" not in shown
    assert "inner-host" not in shown


def test_the_completions_address_follows_the_base_with_or_without_slash() -> None:
    assert (
        Endpoint("http://h/v1/").completions_url
        == Endpoint("http://h/v1").completions_url
        == "http://h/v1/chat/completions"
    )
