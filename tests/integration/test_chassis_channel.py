"""How a channel finds servers, shares its calls among them and outlives their restarts."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import grpc
import pytest

from marianne_chassis.grpc_client import open_channel
from marianne_chassis.grpc_server import GrpcServer
from support.echo import SERVICE, Echo, EchoSettings, EchoStub, serving


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@asynccontextmanager
async def channel_to(*servers: GrpcServer) -> AsyncIterator[EchoStub]:
    addresses = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    async with open_channel(f"ipv4:{addresses}") as channel:
        yield EchoStub(channel)


async def test_calls_take_turns_among_all_servers() -> None:
    first, second = Echo(), Echo()
    async with serving(first) as (one, _), serving(second) as (two, _), channel_to(one, two) as stub:
        async with asyncio.timeout(10):
            while not (first.peers and second.peers):
                await stub.say(b"", wait_for_ready=True)
        before = len(first.peers), len(second.peers)
        for _ in range(20):
            await stub.say(b"")

    assert (len(first.peers), len(second.peers)) == (before[0] + 10, before[1] + 10)


async def test_a_server_that_stops_under_load_takes_no_call_with_it() -> None:
    first, second = Echo(), Echo()
    stopped = asyncio.Event()

    async def say_until_stopped(stub: EchoStub) -> None:
        while not stopped.is_set():
            await stub.say(b"", wait_for_ready=True)

    async with serving(first) as (one, shut_down), serving(second) as (two, _), channel_to(one, two) as stub:
        callers = [asyncio.create_task(say_until_stopped(stub)) for _ in range(10)]
        async with asyncio.timeout(10):
            await asyncio.gather(first.entered.wait(), second.entered.wait())
        await shut_down()
        stopped.set()

        await asyncio.gather(*callers)


async def test_without_a_server_a_call_fails_at_once() -> None:
    async with open_channel(f"127.0.0.1:{free_port()}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await EchoStub(channel).say(b"", timeout=20)

    assert error.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_call_may_wait_for_a_server_that_starts_later() -> None:
    port = free_port()
    async with open_channel(f"localhost:{port}") as channel:
        waiting = asyncio.ensure_future(EchoStub(channel).say(b"hello", wait_for_ready=True, timeout=20))
        state = channel.get_state()
        while state is not grpc.ChannelConnectivity.TRANSIENT_FAILURE:
            await channel.wait_for_state_change(state)
            state = channel.get_state()
        async with serving(Echo(), EchoSettings(port=port)):
            assert await waiting == b"hello"


async def test_a_restarted_server_is_found_again() -> None:
    port = free_port()
    async with open_channel(f"127.0.0.1:{port}") as channel:
        stub = EchoStub(channel)
        for _ in range(3):
            async with serving(Echo(), EchoSettings(port=port)):
                assert await stub.say(b"hello", wait_for_ready=True, timeout=20) == b"hello"


async def test_an_unavailable_server_is_asked_again_for_listed_methods_only() -> None:
    listed, unlisted = Echo(), Echo()
    async with serving(listed) as (one, _), serving(unlisted) as (two, _):
        async with open_channel(f"127.0.0.1:{one.port}", [f"{SERVICE}/Recover"]) as channel:
            assert await EchoStub(channel).recover(b"hello") == b"hello"
        async with open_channel(f"127.0.0.1:{two.port}", [f"{SERVICE}/Say"]) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await EchoStub(channel).recover(b"hello")

    assert (len(listed.peers), len(unlisted.peers)) == (2, 1)


async def test_closing_a_channel_cancels_its_calls() -> None:
    echo = Echo()
    async with serving(echo) as (server, _):
        async with open_channel(f"127.0.0.1:{server.port}") as channel:
            call = EchoStub(channel).write(b"1")
            await call.read()
        async with asyncio.timeout(10):
            await echo.cancelled.wait()

        assert call.cancelled()


class Names(asyncio.DatagramProtocol):
    """A DNS server that answers every A query with its addresses (RFC 1035) and has no other records."""

    def __init__(self) -> None:
        self.addresses = ["127.0.0.1"]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question = data[12 : data.index(b"\0", 12) + 5]
        is_a = question[-4:-2] == b"\0\1"
        addresses = self.addresses if is_a else []
        header = data[:2] + b"\x81\x80\0\1" + len(addresses).to_bytes(2) + b"\0\0\0\0"
        # A pointer to the name in the question, type A, class IN, no time to live, 4 bytes of address.
        answers = b"".join(b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(address) for address in addresses)
        self._transport.sendto(header + question + answers, addr)


@asynccontextmanager
async def name_server() -> AsyncIterator[tuple[Names, int]]:
    loop = asyncio.get_running_loop()
    transport, names = await loop.create_datagram_endpoint(Names, ("127.0.0.1", 0))
    try:
        yield names, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


async def test_a_server_that_joins_later_gets_calls_as_connections_age() -> None:
    first, second = Echo(), Echo()
    async with name_server() as (names, dns_port), serving(first, max_connection_age_s=1) as (one, _):
        joining = EchoSettings(bind="127.0.0.2", port=one.port)
        async with open_channel(f"dns://127.0.0.1:{dns_port}/echo.test:{one.port}") as channel:
            stub = EchoStub(channel)
            await stub.say(b"", wait_for_ready=True, timeout=20)
            async with serving(second, joining), asyncio.timeout(30):
                names.addresses = ["127.0.0.1", "127.0.0.2"]
                while not second.peers:
                    await stub.say(b"", wait_for_ready=True)
