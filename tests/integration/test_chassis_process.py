"""A service as a process: how it starts, tells its faults, exports its telemetry and ends."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from marianne_chassis.grpc_client import open_channel
from support.echo import SERVICE, EchoStub
from support.otlp import OtlpSink, Span, named, orphans, otlp_sink, process_sink, root_span

TESTS = Path(__file__).parents[1]
NOTHING: Mapping[str, str] = {}
PROGRAM = (sys.executable, "-m", "support.echo")
LAUNCHER = (str(Path(sys.executable).with_name("opentelemetry-instrument")), *PROGRAM)


class Service:
    """A running echo service."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.lines: list[dict[str, Any]] = []
        self.port = int(self.line("grpc_server_started")["port"])

    def line(self, event: str) -> dict[str, Any]:
        """The next line of the log with this event."""
        assert self._process.stdout is not None
        for text in self._process.stdout:
            self.lines.append(json.loads(text))
            if self.lines[-1]["event"] == event:
                return self.lines[-1]
        raise AssertionError(f"the service ended without {event}; it said {self.lines}")

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """Waits for the end and returns the status."""
        out, _ = self._process.communicate(timeout=30)
        self.lines += [json.loads(text) for text in out.splitlines()]
        return self._process.returncode


@contextmanager
def started(environment: Mapping[str, str] = NOTHING, command: tuple[str, ...] = PROGRAM) -> Iterator[Service]:
    with subprocess.Popen(command, env=variables(environment), stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Service(process)
        finally:
            process.kill()


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    return {"PYTHONPATH": str(TESTS), **environment}


def run(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(PROGRAM, env=variables(environment), capture_output=True, text=True, timeout=30, check=False)


def exporting_to(sink: OtlpSink) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50"}


@pytest.fixture(name="sink")
def _sink() -> Iterator[OtlpSink]:
    with otlp_sink() as sink:
        yield sink


@pytest.fixture(name="taken_port")
def _taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def say(service: Service) -> None:
    async with open_channel(f"127.0.0.1:{service.port}") as channel:
        assert await EchoStub(channel).say(b"hello", wait_for_ready=True, timeout=20) == b"hello"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_with_status_0(number: signal.Signals) -> None:
    with started() as service:
        service.send(number)

        assert service.end() == 0
        assert [line["event"] for line in service.lines] == [
            "grpc_server_started",
            "grpc_server_draining",
            "service_stopped",
        ]


async def test_a_running_stream_ends_before_the_process_does_and_its_span_is_exported(sink: OtlpSink) -> None:
    with started({**exporting_to(sink), "OTEL_BSP_SCHEDULE_DELAY": "3600000"}) as service:
        async with open_channel(f"127.0.0.1:{service.port}") as channel:
            call = EchoStub(channel).converse()
            await call.write(b"a")
            assert await call.read() == b"a"
            service.send(signal.SIGTERM)
            await asyncio.to_thread(service.line, "grpc_server_draining")

            await call.write(b"b")
            assert await call.read() == b"b"
            await call.done_writing()
            assert await call.read() is grpc.aio.EOF

        assert await asyncio.to_thread(service.end) == 0
        (span,) = await sink.wait_for(named(f"{SERVICE}/Converse"))
        assert span.attributes["rpc.response.status_code"] == "OK"


@pytest.mark.parametrize("broken", ["alone", "in_a_group"])
def test_an_exception_at_start_is_one_line_with_its_reason_and_status_1(broken: str) -> None:
    process = run({"ECHO_BROKEN": broken})

    (line,) = [json.loads(text) for text in process.stdout.splitlines()]
    assert process.returncode == 1
    assert process.stderr == ""
    assert (line["event"], line["reason"]) == ("service_failed", "RuntimeError: the index is broken")
    assert "in fall_over" in line["exception"]


def test_telemetry_that_cannot_be_set_up_is_one_line_and_status_1() -> None:
    process = run(
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "carrier-pigeon"}
    )

    (line,) = [json.loads(text) for text in process.stdout.splitlines()]
    assert (process.returncode, process.stderr) == (1, "")
    assert "carrier-pigeon" in line["reason"]


@pytest.mark.parametrize("variable", ["ECHO_PORT", "ECHO_METRICS_PORT"])
def test_a_port_in_use_is_one_line_that_names_its_variable(variable: str, taken_port: int) -> None:
    process = run({variable: str(taken_port)})

    (line,) = [json.loads(text) for text in process.stdout.splitlines()]
    assert process.returncode == 1
    assert "Traceback" not in process.stderr
    assert line["reason"].startswith(f"{variable}: cannot listen on 127.0.0.1:{taken_port}")
    assert "exception" not in line


def test_a_bad_setting_stops_the_start_with_78() -> None:
    process = run({"ECHO_DRAIN_S": "a while"})

    assert (process.returncode, process.stdout) == (78, "")
    assert process.stderr.startswith("ECHO_DRAIN_S: ")
    assert "a while" not in process.stderr


async def test_metrics_tell_every_rpc_with_an_exemplar() -> None:
    with started({"ECHO_METRICS_PORT": str(port := free_port())}) as service:
        with root_span() as trace_id:
            await say(service)
        text = await asyncio.to_thread(scrape, port)

    assert f'grpc_server_handled_total{{code="OK",method="Say",service="{SERVICE}"}} 1.0' in text
    assert f'grpc_server_handling_seconds_count{{method="Say",service="{SERVICE}"}} 1.0' in text
    assert f'trace_id="{trace_id}"' in text


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def scrape(port: int) -> str:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    with urlopen(Request(f"http://127.0.0.1:{port}/metrics", headers=accept), timeout=5) as response:
        text: str = response.read().decode()
    return text


async def test_an_error_that_nobody_awaited_is_told_without_its_words() -> None:
    with started() as service:
        async with open_channel(f"127.0.0.1:{service.port}") as channel:
            await EchoStub(channel).stray(b"words of a user", wait_for_ready=True, timeout=20)

        line = await asyncio.to_thread(service.line, "event_loop_error")

    assert line["message"] == "Task exception was never retrieved"
    assert "builtins.ValueError" in line["exception"]
    assert "words of a user" not in json.dumps(line)


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "marianne-echo"),
        ({"OTEL_SERVICE_NAME": "mine"}, "mine"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=theirs,deployment.environment.name=test"}, "theirs"),
    ],
)
async def test_one_trace_crosses_processes_under_the_name_of_the_service(
    sink: OtlpSink, environment: dict[str, str], name: str
) -> None:
    with started({**exporting_to(sink), **environment}) as service:
        with root_span() as trace_id:
            await say(service)

        (server,) = await sink.wait_for(named(f"{SERVICE}/Say"))

    ours = await process_sink().wait_for(lambda spans: len(spans) == 2, trace_id=trace_id)
    assert (server.trace_id, server.service) == (trace_id, name)
    assert orphans([*ours, server]) == []


async def test_the_sampler_is_chosen_by_the_standard_variables(sink: OtlpSink) -> None:
    with started({**exporting_to(sink), "OTEL_TRACES_SAMPLER": "always_off"}) as service:
        await say(service)
        service.send(signal.SIGTERM)
        assert await asyncio.to_thread(service.end) == 0

    assert sink.spans() == []


async def test_traces_may_go_over_http() -> None:
    with trace_receiver() as (received, port):
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
        with started({**endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}) as service:
            await say(service)
            service.send(signal.SIGTERM)
            assert await asyncio.to_thread(service.end) == 0

    spans = [
        span.name for export in received for rs in export.resource_spans for ss in rs.scope_spans for span in ss.spans
    ]
    assert spans == [f"{SERVICE}/Say"]


@contextmanager
def trace_receiver() -> Iterator[tuple[list[ExportTraceServiceRequest], int]]:
    """An HTTP server that takes OTLP at `/v1/traces` and answers other requests with a word."""
    received: list[ExportTraceServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(ExportTraceServiceRequest.FromString(body))
            self._answer(b"")

        def do_GET(self) -> None:
            self._answer(b"fetched")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Not worth a line."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield received, server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("environment", "has_trace_id"),
    [({}, True), ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, False)],
)
async def test_trace_ids_exist_without_an_endpoint_unless_the_sdk_is_disabled(
    environment: dict[str, str], has_trace_id: bool
) -> None:
    with started(environment) as service:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{service.port}") as untraced:
            await EchoStub(untraced).say(b"hello", wait_for_ready=True, timeout=20)

        line = await asyncio.to_thread(service.line, "said")

    assert ("trace_id" in line) is has_trace_id


async def test_a_collector_that_is_away_holds_up_neither_calls_nor_the_end() -> None:
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}", "OTEL_EXPORTER_OTLP_TIMEOUT": "60"}
    with started(away) as service:
        await say(service)
        began = time.monotonic()
        service.send(signal.SIGTERM)

        assert await asyncio.to_thread(service.end) == 0

    assert time.monotonic() - began < 15


async def test_a_collector_that_is_away_is_told_once_and_its_return_once() -> None:
    collector, metrics = free_port(), free_port()
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector}",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        "OTEL_BSP_SCHEDULE_DELAY": "20",
        "ECHO_METRICS_PORT": str(metrics),
    }
    with started(environment) as service:
        await say(service)
        await asyncio.to_thread(service.line, "telemetry_export_failed")
        assert "telemetry_spans_lost_total 1.0" in await asyncio.to_thread(scrape, metrics)
        with otlp_sink(collector) as sink:
            while not sink.spans():
                await say(service)
            await asyncio.to_thread(service.line, "telemetry_export_recovered")
            service.send(signal.SIGTERM)
            assert await asyncio.to_thread(service.end) == 0

    told = [line["event"] for line in service.lines if line["level"] == "warning"]
    assert told == ["telemetry_export_failed"]


async def test_calls_to_http_and_redis_are_in_the_trace_without_what_they_carry(
    sink: OtlpSink, taken_port: int
) -> None:
    with (
        trace_receiver() as (_, http_port),
        started(exporting_to(sink)) as service,
    ):
        async with open_channel(f"127.0.0.1:{service.port}") as channel:
            fetched = await EchoStub(channel).fetch(f"{free_port()} {http_port}".encode(), wait_for_ready=True)
        spans = await sink.wait_for(named(f"{SERVICE}/Fetch", "SET", "GET"))

    (server,) = [span for span in spans if span.kind == "SERVER"]
    assert fetched == b"fetched"
    assert all(span.parent_id == server.span_id for span in spans if span.kind == "CLIENT")
    assert "words of a user" not in repr(spans)


async def test_the_launcher_with_contributed_instrumentations_doubles_no_span(sink: OtlpSink) -> None:
    environment = {**exporting_to(sink), "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    with trace_receiver() as (_, http_port), started(environment, LAUNCHER) as service:
        with root_span() as trace_id:
            async with open_channel(f"127.0.0.1:{service.port}") as channel:
                await EchoStub(channel).fetch(f"{free_port()} {http_port}".encode(), wait_for_ready=True)
                call = EchoStub(channel).write(b"1")
                assert await call.read() == b"0"
                call.cancel()
        service.send(signal.SIGTERM)
        assert await asyncio.to_thread(service.end) == 0

    spans = sink.spans(trace_id)
    assert sorted((span.kind, span.name, span.status_message) for span in server_spans(spans)) == [
        ("SERVER", f"{SERVICE}/Fetch", ""),
        ("SERVER", f"{SERVICE}/Write", "CANCELLED"),
    ]
    assert len([span for span in spans if span.name == "GET"]) == 1


def server_spans(spans: list[Span]) -> list[Span]:
    return [span for span in spans if span.kind == "SERVER"]
