import json
import logging
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider

from marianne_chassis.logging import configure_logging, describe_without_message

Lines = Callable[[], list[dict[str, Any]]]


class ExecuteBatchError(Exception):
    """The name that grpc.aio's error has; it is not public."""


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def json_logs(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Configured by the test itself: pytest gives it another stdout than its fixtures."""
    configure_logging("search", "INFO", json=True)
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def fail(words: str) -> None:
    raise ValueError(words)


def test_an_event_is_one_json_line_with_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    lines = json_logs(capsys)
    structlog.get_logger().info("index_opened", points=3, took_s=0.5)

    (line,) = lines()

    assert line.items() >= {"event": "index_opened", "points": 3, "took_s": 0.5, "level": "info"}.items()
    assert line["service"] == "search"


def test_the_time_is_utc(capsys: pytest.CaptureFixture[str]) -> None:
    lines = json_logs(capsys)
    structlog.get_logger().info("index_opened")

    time = datetime.fromisoformat(lines()[0]["timestamp"])

    assert time.tzinfo == UTC
    assert abs(datetime.now(UTC) - time) < timedelta(minutes=1)


def test_an_event_below_the_level_is_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    lines = json_logs(capsys)
    structlog.get_logger().debug("chunk_read")
    logging.getLogger("library").debug("details")

    assert lines() == []


def test_an_event_inside_a_span_carries_its_ids(capsys: pytest.CaptureFixture[str]) -> None:
    lines = json_logs(capsys)
    with TracerProvider().get_tracer("test").start_as_current_span("search") as span:
        structlog.get_logger().info("index_opened")
    context = span.get_span_context()

    (line,) = lines()

    assert line["trace_id"] == f"{context.trace_id:032x}"
    assert line["span_id"] == f"{context.span_id:016x}"


def test_an_event_outside_any_span_has_no_ids(capsys: pytest.CaptureFixture[str]) -> None:
    lines = json_logs(capsys)
    structlog.get_logger().info("index_opened")

    assert lines()[0].keys().isdisjoint({"trace_id", "span_id"})


def test_bound_context_is_on_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = json_logs(capsys)
    with structlog.contextvars.bound_contextvars(message_id="m1"):
        structlog.get_logger().info("turn_started")
        logging.getLogger("library").warning("slow")

    assert [line["message_id"] for line in lines()] == ["m1", "m1"]


def test_a_record_of_the_standard_library_looks_like_ours(capsys: pytest.CaptureFixture[str]) -> None:
    lines = json_logs(capsys)
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)

    (line,) = lines()

    assert line["event"] == "Started server process [7]"
    assert line["logger"] == "uvicorn.error"
    assert line.keys() >= {"timestamp", "level", "service"}


def test_a_line_for_every_request_of_an_http_client_is_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    lines = json_logs(capsys)
    logging.getLogger("httpx").info("HTTP Request: POST /v1/chat/completions")

    assert lines() == []


def test_a_warning_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    lines = json_logs(capsys)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    assert "DeprecationWarning: old" in lines()[0]["event"]


def test_an_exception_is_logged_with_type_and_frames_but_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    lines = json_logs(capsys)
    words = "what the user said"
    try:
        fail(words)
    except ValueError:
        structlog.get_logger().exception("search_failed")
        logging.getLogger("library").exception("failed")

    for line in lines():
        assert "builtins.ValueError" in line["exception"]
        assert "in fail" in line["exception"]
        assert "what the user said" not in json.dumps(line)


def test_the_description_of_an_exception_starts_with_its_cause() -> None:
    try:
        try:
            fail("inner words")
        except ValueError as error:
            raise RuntimeError("outer words") from error
    except RuntimeError as error:
        text = describe_without_message(error)

    assert text.index("builtins.ValueError") < text.index("led to") < text.index("builtins.RuntimeError")
    assert "ValueError: inner words" not in text


def test_the_description_of_a_group_tells_its_members() -> None:
    text = describe_without_message(ExceptionGroup("tasks", [KeyError("a"), OSError("b")]))

    assert "builtins.KeyError" in text
    assert "builtins.OSError" in text


def test_a_value_that_json_does_not_know_is_told_by_its_repr(capsys: pytest.CaptureFixture[str]) -> None:
    lines = json_logs(capsys)
    structlog.get_logger().info("index_opened", directory={"index"}, where=Path("var/index"))

    assert lines()[0]["where"].endswith("Path('var/index')")


def test_a_peer_that_left_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    lines = json_logs(capsys)
    log = logging.getLogger("grpc._cython.cygrpc")

    log.error("ExecuteBatchError raised in core by servicer method [/a/b]", exc_info=ExecuteBatchError("Failed"))
    log.error("something else", exc_info=ValueError("unexpected"))

    assert [line["event"] for line in lines()] == ["something else"]


def test_on_a_terminal_an_event_is_text_with_its_exception_whole(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("search", "INFO", json=False)

    try:
        fail("for the developer")
    except ValueError:
        structlog.get_logger().exception("search_failed")
        logging.getLogger("library").warning("slow")

    text = capsys.readouterr().out
    assert "search_failed" in text
    assert "ValueError: for the developer" in text
    assert "slow" in text
