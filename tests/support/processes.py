"""Starts programs for tests: free ports, output kept, stopped by pid whatever happens."""

import asyncio
import random
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
# Below the range from which the kernel takes the ports of outgoing connections.
PORTS = range(12_000, 32_000)


def free_port() -> int:
    for port in random.sample(PORTS, 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


class Program:
    """A process with its output in a file."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self.log = folder / f"{name}.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.returncode if self._process else None

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, env=dict(self._environment), stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL
            )

    def send(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends the signal and waits; a process that does not end is killed, which fails the test."""
        assert self._process is not None, f"{self.name} was not started"
        self.send(number)
        try:
            return await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise AssertionError(f"{self.name} did not stop:\n{self.output()}") from None

    async def exit_code(self) -> int:
        """Waits for a program that ends by itself."""
        assert self._process is not None, f"{self.name} was not started"
        return await asyncio.wait_for(self._process.wait(), START_TIMEOUT_S)

    async def end(self) -> None:
        """For clean-up: gone is gone."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


def python(module: str) -> list[str]:
    return [sys.executable, "-m", module]
