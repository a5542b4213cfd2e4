import asyncio

from support.gateway import RunningGateway, free_address, next_chunk, running_gateway
from support.orchestrator import FakeOrchestrator, done, meta


async def test_it_is_ready_once_the_orchestrator_was_reached(gateway: RunningGateway) -> None:
    await asyncio.wait_for(gateway.parts.reached.wait(), 10)

    assert (await gateway.http.get("/readyz")).status_code == 200


async def test_until_then_it_is_alive_and_not_ready() -> None:
    async with running_gateway(free_address()) as gateway:
        assert (await gateway.http.get("/livez")).status_code == 200
        assert (await gateway.http.get("/readyz")).status_code == 503


async def test_it_stays_ready_when_the_orchestrator_goes_away() -> None:
    orchestrator = FakeOrchestrator()
    async with orchestrator.running() as address:
        gateway_context = running_gateway(address)
        gateway = await gateway_context.__aenter__()
        await asyncio.wait_for(gateway.parts.reached.wait(), 10)

    try:
        assert (await gateway.http.get("/readyz")).status_code == 200
    finally:
        await gateway_context.__aexit__(None, None, None)


async def test_a_closing_gateway_is_not_ready_refuses_questions_and_ends_what_it_began(
    gateway: RunningGateway, orchestrator: FakeOrchestrator
) -> None:
    go_on = asyncio.Event()
    orchestrator.play(meta(), go_on, done())
    async with gateway.http.stream("POST", "/chat/stream", json={"query": "?"}) as response:
        chunks = response.aiter_raw()
        await next_chunk(chunks)

        gateway.parts.streams.close()

        assert (await gateway.http.get("/livez")).status_code == 200
        assert (await gateway.http.get("/readyz")).status_code == 503
        assert (await gateway.http.post("/chat", json={"query": "?"})).status_code == 503
        go_on.set()
        assert b"event: done" in b"".join([chunk async for chunk in chunks])
