"""What all tests share: programs of the system, the collector, the sample's index."""

import os
import shutil
from collections.abc import Iterator

import pytest

from support.otlp import OtlpSink, otlp_sink

PROGRAM_FOLDERS = f"{os.defpath}{os.pathsep}/usr/sbin{os.pathsep}/usr/local/sbin"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that needs a missing program is skipped by name; in CI, where all are installed, it fails."""
    for mark in item.iter_markers("system"):
        for program in mark.args:
            if shutil.which(program, path=PROGRAM_FOLDERS) is None:
                message = f"{program} is not installed: run 'make system'"
                if os.environ.get("CI") == "true":  # noqa: TID251  where this runs is no setting of a service
                    pytest.fail(message)
                pytest.skip(message)


@pytest.fixture
def otlp() -> Iterator[OtlpSink]:
    with otlp_sink() as sink:
        yield sink
