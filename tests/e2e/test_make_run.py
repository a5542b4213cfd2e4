"""`make run` as its user meets it: one command starts everything, one Ctrl-C stops all of it."""

import os
import signal
import sys
from pathlib import Path

import psutil

from support.events import ask, verdicts
from support.processes import Program
from support.sample import ROOT
from support.stack import SERVICES, Stack


async def test_ctrl_c_stops_every_process(sample_index: Path, tmp_path: Path) -> None:
    stack = Stack(tmp_path, sample_index, {})
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
    command = ["honcho", "--procfile", str(ROOT / "Procfile"), "--app-root", str(ROOT), "start"]
    honcho = Program(
        "honcho",
        [str(Path(sys.executable).with_name("honcho")), *command[1:]],
        stack.environment | {"PATH": path},
        tmp_path,
    )
    await honcho.start()
    await stack.ready(*SERVICES)
    started = psutil.Process(honcho.pid).children(recursive=True)

    answered = await ask(stack, "Bonjour")
    await honcho.stop(signal.SIGINT)

    assert verdicts(answered) == {"fixed"}
    assert len(started) >= len(SERVICES)
    assert not [process for process in started if process.is_running()], honcho.output()
