"""Says what is missing before anything is installed; runs on any Python 3."""

import importlib.util
import sys


def main() -> None:
    if sys.version_info < (3, 11):
        version = ".".join(str(part) for part in sys.version_info[:3])
        sys.exit("Python 3.11 or later is needed, this is " + version + ": make PYTHON=python3.11 …")
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            sys.exit("Python's venv module is missing: apt-get install python3-venv")


if __name__ == "__main__":
    main()
