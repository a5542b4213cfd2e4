import hashlib
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from marianne_gateway.config import GatewaySettings

SIGNING_KEY = "0123456789abcdef" * 4


@pytest.fixture(name="keys_file")
def _keys_file(tmp_path: Path) -> Path:
    file = tmp_path / "keys"
    file.write_text(f"maya {hashlib.sha256(b'secret').hexdigest()}")
    return file


def faults(**fields: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        GatewaySettings(**fields)
    return {str(fault["loc"][0]): fault["msg"] for fault in caught.value.errors()}


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_loopback_neither_keys_nor_a_signing_key_are_needed(bind: str) -> None:
    assert GatewaySettings(bind=bind).api_keys_file is None


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.168.1.10", "gateway.internal"])  # noqa: S104  refused
def test_an_open_door_is_for_ones_own_machine_only(bind: str) -> None:
    assert faults(bind=bind).keys() == {"api_keys_file", "signing_key"}


def test_with_keys_and_a_signing_key_it_may_bind_anywhere(keys_file: Path) -> None:
    given = GatewaySettings(bind="0.0.0.0", api_keys_file=keys_file, signing_key=SecretStr(SIGNING_KEY))  # noqa: S104  allowed now

    assert SIGNING_KEY not in repr(given)


def test_a_keys_file_without_a_key_opens_no_door(tmp_path: Path) -> None:
    empty = tmp_path / "keys"
    empty.write_text("# none yet\n")

    assert "api_keys_file" in faults(bind="0.0.0.0", api_keys_file=empty, signing_key=SIGNING_KEY)  # noqa: S104


def test_a_broken_keys_file_stops_the_start_even_on_loopback(tmp_path: Path) -> None:
    broken = tmp_path / "keys"
    broken.write_text("maya secret")

    assert "line 1" in faults(api_keys_file=broken)["api_keys_file"]


def test_a_short_signing_key_is_refused() -> None:
    assert "32 characters" in faults(signing_key="short")["signing_key"]


@pytest.mark.parametrize("template", ["https://traces.example.org", "javascript:alert('{trace_id}')"])
def test_a_trace_address_is_an_address_with_a_place_for_the_trace(template: str) -> None:
    assert "trace_url_template" in faults(trace_url_template=template)


def test_a_turn_ends_before_the_drain_does() -> None:
    given = GatewaySettings()

    assert 90 < given.turn_timeout_s < given.drain_s < 100


def test_a_peer_that_is_away_is_told_within_two_seconds() -> None:
    given = GatewaySettings()

    assert given.call_timeout_s < 2
    assert given.first_event_timeout_s < 2
