import socket
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest
from opentelemetry.trace import SpanContext, TraceFlags

from marianne_chassis.metrics import SERVER_SECONDS, exemplar, serve_metrics

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture(name="port")
def _port() -> Iterator[int]:
    with serve_metrics("127.0.0.1", 0) as port:
        yield port


def scrape(port: int, accept: str = "text/plain") -> str:
    with urlopen(Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept}), timeout=5) as response:
        text: str = response.read().decode()
    return text


def test_the_endpoint_serves_the_process_and_its_rpcs(port: int) -> None:
    text = scrape(port)

    assert "process_cpu_seconds_total" in text
    assert "grpc_server_handled_total" in text
    assert "grpc_client_handling_seconds" in text


def test_exemplars_link_to_traces_in_the_open_metrics_format_only(port: int) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"

    SERVER_SECONDS.labels("test.v1.Service", "Exemplary").observe(0.02, {"trace_id": trace_id})

    assert f'trace_id="{trace_id}"' in scrape(port, OPEN_METRICS)
    assert trace_id not in scrape(port)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [(TraceFlags.SAMPLED, {"trace_id": f"{7:032x}"}), (TraceFlags.DEFAULT, None)],
)
def test_only_a_sampled_trace_is_an_exemplar(flags: int, expected: dict[str, str] | None) -> None:
    context = SpanContext(trace_id=7, span_id=8, is_remote=False, trace_flags=TraceFlags(flags))

    assert exemplar(context) == expected


def test_the_port_is_free_again_afterwards() -> None:
    with serve_metrics("127.0.0.1", 0) as port:
        pass

    with socket.create_server(("127.0.0.1", port)) as server:
        assert server.getsockname()[1] == port


def test_a_port_in_use_is_an_error(port: int) -> None:
    with pytest.raises(OSError, match="in use"), serve_metrics("127.0.0.1", port):
        pass
