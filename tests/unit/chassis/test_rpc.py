import grpc
import pytest
from prometheus_client import REGISTRY

from marianne_chassis.rpc import Method, Observation


@pytest.mark.parametrize("path", ["/a.v1.B/C", "a.v1.B/C", b"/a.v1.B/C"])
def test_a_path_names_its_service_and_method(path: str | bytes) -> None:
    method = Method.parse(path)

    assert (method.service, method.name, method.full_name) == ("a.v1.B", "C", "a.v1.B/C")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/grpc.health.v1.Health/Check", True),
        ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", True),
        ("/marianne.retrieval.v1.RetrievalService/Search", False),
    ],
)
def test_health_and_reflection_are_plumbing(path: str, expected: bool) -> None:
    assert Method.parse(path).is_plumbing is expected


def test_an_rpc_is_counted_by_service_method_and_code_on_its_side() -> None:
    labels = {"service": "test.v1.Counted", "method": "Once", "code": "UNAVAILABLE"}

    Observation("client", Method("test.v1.Counted", "Once")).end(grpc.StatusCode.UNAVAILABLE)

    assert REGISTRY.get_sample_value("grpc_client_handled_total", labels) == 1
    assert REGISTRY.get_sample_value("grpc_server_handled_total", labels) is None


def test_the_duration_of_an_rpc_is_observed() -> None:
    labels = {"service": "test.v1.Timed", "method": "Once"}

    Observation("server", Method("test.v1.Timed", "Once")).end(grpc.StatusCode.OK)

    assert REGISTRY.get_sample_value("grpc_server_handling_seconds_count", labels) == 1
    assert REGISTRY.get_sample_value("grpc_server_handling_seconds_bucket", {**labels, "le": "100.0"}) == 1
