"""What is told about one RPC, by its client and by its server: a span and the numbers of its method."""

import time
from dataclasses import dataclass
from typing import Literal

import grpc
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from marianne_chassis import metrics

# OpenTelemetry semantic conventions for gRPC, https://opentelemetry.io/docs/specs/semconv/rpc/grpc/
RPC_SYSTEM_NAME = "rpc.system.name"
RPC_METHOD = "rpc.method"
RPC_RESPONSE_STATUS_CODE = "rpc.response.status_code"
ERROR_TYPE = "error.type"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"

# A server's span fails when the server did, not when its caller erred. The conventions leave CANCELLED out; it is in,
# so that a turn that was cut short does not look like one that ended.
_SERVER_FAULTS = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)


@dataclass(frozen=True, slots=True)
class Method:
    """The name of an RPC."""

    service: str
    name: str

    @classmethod
    def parse(cls, path: str | bytes) -> "Method":
        """From the path of the HTTP/2 request, `/package.Service/Method`."""
        text = path.decode() if isinstance(path, bytes) else path
        service, _, name = text.removeprefix("/").rpartition("/")
        return cls(service, name)

    @property
    def full_name(self) -> str:
        return f"{self.service}/{self.name}"

    @property
    def is_plumbing(self) -> bool:
        """Health checks and reflection, which nobody wants to find among the traces."""
        return self.service.startswith(("grpc.health.", "grpc.reflection."))


class Observation:
    """One RPC from its start to its end, which may be told once."""

    def __init__(
        self,
        side: Literal["server", "client"],
        method: Method,
        *,
        parent: Context | None = None,
        attributes: dict[str, str | int] | None = None,
    ) -> None:
        self._side = side
        self._method = method
        self._started = time.perf_counter()
        self.span: Span = trace.get_tracer(__name__).start_span(
            method.full_name,
            parent,
            SpanKind.SERVER if side == "server" else SpanKind.CLIENT,
            {RPC_SYSTEM_NAME: "grpc", RPC_METHOD: method.full_name, **(attributes or {})},
        )

    def end(self, code: grpc.StatusCode) -> None:
        failed = code in _SERVER_FAULTS if self._side == "server" else code is not grpc.StatusCode.OK
        self.span.set_attribute(RPC_RESPONSE_STATUS_CODE, code.name)
        if failed:
            self.span.set_attribute(ERROR_TYPE, code.name)
            self.span.set_status(Status(StatusCode.ERROR, code.name))
        self.span.end()
        self._count(code)

    def _count(self, code: grpc.StatusCode) -> None:
        server = self._side == "server"
        handled = metrics.SERVER_HANDLED if server else metrics.CLIENT_HANDLED
        seconds = metrics.SERVER_SECONDS if server else metrics.CLIENT_SECONDS
        handled.labels(self._method.service, self._method.name, code.name).inc()
        seconds.labels(self._method.service, self._method.name).observe(
            time.perf_counter() - self._started, metrics.exemplar(self.span.get_span_context())
        )
