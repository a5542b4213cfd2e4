"""How long the check of an answer holds back its first sentence, through all four services.

    python -m benchmarks.gate [--questions 40] [--json OUT]

`gate_ms`: with the judge off, from the moment at which the model has written its first sentence to the one at which a
reader has it (aim: p95 ≤ 15). `first_sentence_ms`: from an English question to its first sentence with the default
settings and a model that takes 200 ms to its first token, 20 ms a token, and 300 ms each to understand and to judge
(aim: p95 ≤ 1500). The model runs in this process; the sample is indexed first.
"""

import argparse
import asyncio
import json
import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Final

import httpx
from benchmarks.gate_upstream import Pace, TimedModel

_SAMPLE: Final = Path(__file__).parents[1] / "data" / "sample"
_SERVICES: Final = ("guardrails", "retrieval", "orchestrator", "gateway")
_START_S: Final = 60.0
_AWAY: Final = re.compile(r'"dependency":"(\w+)"')
_WARM_UP: Final = 3
_FRENCH: Final = "Comment renouveler mon titre de séjour ?"
_ENGLISH: Final = "How do I renew my residence permit, and where do I apply?"
_CLAIM: Final = "You can find on the official page how this request is made and who must deal with it in the end"

Figures = dict[str, float]


async def measure(questions: int, index_dir: Path, folder: Path) -> Figures:
    quick = TimedModel(Pace(first_token_s=0.05, token_s=0.02, understand_s=0.05, judge_s=0.0), "")
    slow = TimedModel(Pace(first_token_s=0.2, token_s=0.02, understand_s=0.3, judge_s=0.3), _CLAIM)
    gate_s, first_s = [], []
    async with (
        _stack(quick, index_dir, folder / "off", {"GUARDRAILS_JUDGE": "off"}) as url,
        httpx.AsyncClient() as http,
    ):
        for _ in range(questions):
            _, seen_at = await _first_token(http, url, _FRENCH)
            gate_s.append(seen_at - quick.first_sentence_at)
    async with _stack(slow, index_dir, folder / "default", {}) as url, httpx.AsyncClient() as http:
        for _ in range(questions):
            asked_at, seen_at = await _first_token(http, url, _ENGLISH)
            first_s.append(seen_at - asked_at)
    if min(slow.calls.get(kind, 0) for kind in ("understand", "answer", "judge")) < questions:
        raise SystemExit(f"not every question was understood, answered and judged: {slow.calls}")
    return {**_spread("gate_ms", gate_s), **_spread("first_sentence_ms", first_s)}


def _spread(name: str, seconds: list[float]) -> Figures:
    p95 = quantiles(seconds, n=20, method="inclusive")[18]
    return {f"{name}_p50": round(1000 * median(seconds), 1), f"{name}_p95": round(1000 * p95, 1)}


async def _first_token(http: httpx.AsyncClient, url: str, question: str) -> tuple[float, float]:
    """When the question was sent and when the first sentence came; the rest is read too."""
    asked_at, seen_at = time.monotonic(), 0.0
    async with http.stream("POST", f"{url}/chat/stream", json={"query": question}, timeout=30) as response:
        async for line in response.aiter_lines():
            if line == "event: token" and not seen_at:
                seen_at = time.monotonic()
    if not seen_at:
        raise SystemExit("an answer had no sentence")
    return asked_at, seen_at


@asynccontextmanager
async def _stack(
    model: TimedModel, index_dir: Path, folder: Path, environment: Mapping[str, str]
) -> AsyncIterator[str]:
    """The four services with this model, warm; yields the gateway's address."""
    folder.mkdir()  # noqa: ASYNC240  before anything is measured
    ports = {f"{name.upper()}{kind}": _free_port() for name in _SERVICES for kind in ("_PORT", "_METRICS_PORT")}
    variables = {
        **os.environ,  # noqa: TID251  the services inherit it
        **{name: str(port) for name, port in ports.items()},
        "GATEWAY_ORCHESTRATOR_ADDR": f"127.0.0.1:{ports['ORCHESTRATOR_PORT']}",
        "ORCHESTRATOR_RETRIEVAL_ADDR": f"127.0.0.1:{ports['RETRIEVAL_PORT']}",
        "ORCHESTRATOR_GUARDRAILS_ADDR": f"127.0.0.1:{ports['GUARDRAILS_PORT']}",
        "ORCHESTRATOR_AUDIT_DIR": str(folder / "audit"),
        "GATEWAY_REQUESTS_PER_MINUTE": "100000",
        "INDEX_DIR": str(index_dir),
        "LLM_BASE_URL": await model.start(),
        "LLM_MODEL": "timed",
        **environment,
    }
    async with AsyncExitStack() as stack:
        stack.callback(model.close)
        for name in _SERVICES:
            await stack.enter_async_context(_process(name, variables, folder))
        url = f"http://127.0.0.1:{ports['GATEWAY_PORT']}"
        async with httpx.AsyncClient() as http:
            await _ready(http, url)
            for _ in range(_WARM_UP):
                await _first_token(http, url, _FRENCH)
        model.calls.clear()
        yield url


@asynccontextmanager
async def _process(name: str, variables: Mapping[str, str], folder: Path) -> AsyncIterator[None]:
    with (folder / f"{name}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"marianne_{name}"), env=variables, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _ready(http: httpx.AsyncClient, url: str) -> None:
    async with asyncio.timeout(_START_S):
        while not await _answers(http, url):  # noqa: ASYNC110  nothing tells when other processes are ready
            await asyncio.sleep(0.2)


async def _answers(http: httpx.AsyncClient, url: str) -> bool:
    try:
        response = await http.post(f"{url}/chat", json={"query": _FRENCH}, timeout=30)
    except httpx.TransportError:
        return False
    return response.is_success and set(_AWAY.findall(response.text)) <= {"data"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _index(index_dir: Path) -> None:
    command = (sys.executable, "-m", "marianne_ingest", "--sample", str(_SAMPLE), "--index-dir", str(index_dir))
    ingest = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    if await ingest.wait():
        raise SystemExit("the sample could not be indexed")


async def _main(questions: int) -> Figures:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await _index(folder / "index")
        return await measure(questions, folder / "index", folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=40, help="of each kind (default 40)")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    figures = asyncio.run(_main(options.questions))
    for figure, value in figures.items():
        print(f"{figure:24} {value:8.1f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
