"""How a gRPC server starts, tells its health, lets connections age and ends."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client import REGISTRY

from marianne_chassis.grpc_client import open_channel
from marianne_chassis.grpc_server import GrpcServer
from marianne_chassis.settings import SettingError
from support.echo import SERVICE, Echo, EchoSettings, EchoStub, serving
from support.otlp import process_sink, root_span

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture(name="echo")
async def _echo() -> Echo:
    return Echo()


@asynccontextmanager
async def channel_to(server: GrpcServer) -> AsyncIterator[grpc.aio.Channel]:
    async with open_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


def health_of(channel: grpc.aio.Channel) -> Any:
    """The generated stub, whose methods its types leave out."""
    return health_pb2_grpc.HealthStub(channel)


@pytest.mark.parametrize("service", ["", SERVICE])
async def test_the_server_and_its_services_are_serving_once_started(echo: Echo, service: str) -> None:
    async with serving(echo) as (server, _), channel_to(server) as channel:
        response = await health_of(channel).Check(health_pb2.HealthCheckRequest(service=service))

    assert response.status == SERVING


async def test_the_health_of_an_unknown_service_is_not_found(echo: Echo) -> None:
    async with serving(echo) as (server, _), channel_to(server) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await health_of(channel).Check(health_pb2.HealthCheckRequest(service="other"))

    assert error.value.code() is grpc.StatusCode.NOT_FOUND


async def test_health_checks_are_neither_traced_nor_counted(echo: Echo) -> None:
    async with serving(echo) as (server, _), channel_to(server) as channel:
        with root_span() as trace_id:
            await health_of(channel).Check(health_pb2.HealthCheckRequest())
            await EchoStub(channel).say(b"")

    spans = await process_sink().wait_for(lambda spans: len(spans) == 3, trace_id=trace_id)
    assert {span.name for span in spans} == {"test", f"{SERVICE}/Say"}
    counted = {sample.labels.get("service") for metric in REGISTRY.collect() for sample in metric.samples}
    assert not any(service and service.startswith("grpc.health") for service in counted)


async def test_draining_tells_not_serving_first_and_completes_running_streams(echo: Echo) -> None:
    async with serving(echo) as (server, shut_down), channel_to(server) as channel:
        watch = health_of(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        assert (await watch.read()).status == SERVING
        stream = EchoStub(channel).write(b"2")
        assert await stream.read() == b"0"

        stopping = asyncio.create_task(shut_down())
        assert (await watch.read()).status == NOT_SERVING
        watch.cancel()
        echo.may_end.set()

        assert [message async for message in rest(stream)] == [b"1"]
        assert await stream.code() is grpc.StatusCode.OK
        await stopping


async def rest(stream: grpc.aio.UnaryStreamCall[Any, Any]) -> AsyncIterator[Any]:
    while (message := await stream.read()) is not grpc.aio.EOF:
        yield message


async def say_until_refused(stub: EchoStub) -> None:
    while True:
        await stub.say(b"")


async def test_a_draining_server_refuses_new_calls(echo: Echo) -> None:
    async with serving(echo) as (server, shut_down), channel_to(server) as channel:
        stub = EchoStub(channel)
        running = asyncio.ensure_future(stub.wait(b"last"))
        await echo.entered.wait()
        stopping = asyncio.create_task(shut_down())

        with pytest.raises(grpc.aio.AioRpcError) as error:
            await asyncio.wait_for(say_until_refused(stub), 10)

        assert error.value.code() is grpc.StatusCode.UNAVAILABLE
        echo.may_end.set()
        assert await running == b"last"
        await stopping


async def test_a_stream_longer_than_the_drain_is_cut(echo: Echo) -> None:
    async with serving(echo, EchoSettings(drain_s=0.2)) as (server, shut_down), channel_to(server) as channel:
        stream = EchoStub(channel).write(b"1")
        await stream.read()

        await shut_down()

        with pytest.raises(grpc.aio.AioRpcError) as error:
            await stream.read()
        assert error.value.code() is grpc.StatusCode.UNAVAILABLE
        assert echo.cancelled.is_set()


async def test_a_client_that_keeps_watching_is_let_go_without_an_error(
    echo: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(echo) as (server, shut_down), channel_to(server) as channel:
        watch = health_of(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        await watch.read()

        await shut_down()

        assert [update.status async for update in rest(watch)] == [NOT_SERVING]
        assert await watch.code() is grpc.StatusCode.OK
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_an_idle_server_ends_without_waiting_for_its_clients_to_leave(echo: Echo) -> None:
    async with serving(echo, EchoSettings(drain_s=3600)) as (server, shut_down), channel_to(server) as channel:
        await EchoStub(channel).say(b"", wait_for_ready=True)

        await asyncio.wait_for(shut_down(), 10)


@pytest.mark.parametrize(("environment", "reflected"), [("development", True), ("production", False)])
async def test_reflection_is_for_development(
    echo: Echo, environment: Literal["development", "production"], reflected: bool
) -> None:
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    async with serving(echo, EchoSettings(environment=environment)) as (server, _), channel_to(server) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub
        call = stub(channel).ServerReflectionInfo(iter([request]))
        if reflected:
            response = await call.read()
            assert SERVICE in {service.name for service in response.list_services_response.service}
        else:
            assert await call.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_port_in_use_is_told_by_the_name_of_its_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = GrpcServer(EchoSettings(port=taken.getsockname()[1]))

        with pytest.raises(SettingError, match=r"^ECHO_PORT: cannot listen on 127\.0\.0\.1:\d+"):
            await server.serve(asyncio.Event(), [])


async def test_two_servers_never_share_a_port(echo: Echo) -> None:
    async with serving(echo) as (server, _):
        second = GrpcServer(EchoSettings(port=server.port))
        with pytest.raises(SettingError):
            await asyncio.wait_for(second.serve(asyncio.Event(), []), 10)


async def test_a_server_binds_to_ipv6_too(echo: Echo) -> None:
    async with (
        serving(echo, EchoSettings(bind="::1")) as (server, _),
        open_channel(f"[::1]:{server.port}") as channel,
    ):
        assert await EchoStub(channel).say(b"hello") == b"hello"


async def test_a_connection_that_grew_old_is_replaced_without_an_error(echo: Echo) -> None:
    async with serving(echo, max_connection_age_s=0.2) as (server, _), channel_to(server) as channel:
        stub = EchoStub(channel)
        async with asyncio.timeout(20):
            while len(set(echo.peers)) < 3:
                await stub.say(b"", wait_for_ready=True)


async def test_a_stream_outlives_its_connections_age_within_the_grace(echo: Echo) -> None:
    async with serving(echo, max_connection_age_s=0.2) as (server, _), channel_to(server) as channel:
        stub = EchoStub(channel)
        stream = stub.write(b"1")
        await stream.read()
        async with asyncio.timeout(20):
            while len(set(echo.peers)) < 2:
                await stub.say(b"", wait_for_ready=True)
        echo.may_end.set()

        assert await stream.read() is grpc.aio.EOF


async def test_a_stream_is_cut_at_the_end_of_the_grace(echo: Echo) -> None:
    limits: dict[str, Any] = {"max_connection_age_s": 0.1, "max_connection_age_grace_s": 0.1}
    async with serving(echo, **limits) as (server, _), channel_to(server) as channel:
        stream = EchoStub(channel).write(b"1")
        await stream.read()

        with pytest.raises(grpc.aio.AioRpcError) as error:
            await stream.read()

        assert error.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_message_above_the_limit_is_refused(echo: Echo) -> None:
    async with serving(echo, max_message_bytes=1024) as (server, _), channel_to(server) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await EchoStub(channel).say(b"x" * 2048)

    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
