"""Starts the whole stack as `make run` does, asks the first sample question through the gateway, and stops it all."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import yaml

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("guardrails", "retrieval", "orchestrator", "gateway")
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0


def step(text: str) -> None:
    print(f"→ {text}", flush=True)


def free_ports(count: int) -> list[int]:
    """Ports of the demonstration's own, so that it runs beside a stack that is already up."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def environment() -> dict[str, str]:
    ports = iter(free_ports(2 * len(SERVICES)))
    served = {name: str(next(ports)) for name in SERVICES}
    return {
        **os.environ,  # noqa: TID251  the stack's settings are those of whoever runs the demonstration
        "LOG_LEVEL": "WARNING",
        "GATEWAY_ORCHESTRATOR_ADDR": f"127.0.0.1:{served['orchestrator']}",
        "ORCHESTRATOR_RETRIEVAL_ADDR": f"127.0.0.1:{served['retrieval']}",
        "ORCHESTRATOR_GUARDRAILS_ADDR": f"127.0.0.1:{served['guardrails']}",
        **{f"{name.upper()}_PORT": port for name, port in served.items()},
        **{f"{name.upper()}_METRICS_PORT": str(next(ports)) for name in SERVICES},
    }


def wait_until_ready(url: str, stack: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        if stack.poll() is not None:
            sys.exit("A service ended before the stack was ready; its last lines stand above.")
        with suppress(URLError, ConnectionError), urlopen(f"{url}/readyz", timeout=2) as response:  # noqa: S310
            if response.status == 200:
                return
        time.sleep(0.1)
    sys.exit(f"The stack was not ready within {READY_TIMEOUT_S:.0f} s; 'make run' shows what each service says.")


def stop(stack: subprocess.Popen[bytes]) -> None:
    if stack.poll() is None:
        stack.send_signal(signal.SIGTERM)
    try:
        stack.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(stack.pid, signal.SIGKILL)
        sys.exit("The stack did not stop in time and was killed.")


def main() -> None:
    settings = environment()
    url = f"http://127.0.0.1:{settings['GATEWAY_PORT']}"
    question = yaml.safe_load((ROOT / "data/sample/questions.yaml").read_text(encoding="utf-8"))[0]["question"]

    step("Starting guardrails, retrieval, orchestrator and gateway, each a process of its own")
    stack = subprocess.Popen(["honcho", "start"], cwd=ROOT, env=settings, start_new_session=True)  # noqa: S607
    try:
        wait_until_ready(url, stack)
        step(f"Asking: {question}")
        answered = subprocess.run(["marianne", "ask", "--url", url, question], check=False)  # noqa: S607
    finally:
        step("Stopping everything")
        stop(stack)
    if answered.returncode:
        sys.exit(f"The question was not answered (status {answered.returncode}).")
    step("Done. 'make run' keeps the stack running; the chat page is then at http://127.0.0.1:8080")


if __name__ == "__main__":
    main()
