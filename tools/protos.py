"""Makes the gRPC stubs beside the .proto files, or checks with --check that they are fresh."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"


def generate(out: Path) -> None:
    protos = sorted(str(path.relative_to(ROOT)) for path in PROTO.rglob("*.proto"))
    kinds = ("python_out=", "grpc_python_out=", "mypy_out=quiet:", "mypy_grpc_out=quiet:")
    options = [f"--{kind}{out}" for kind in kinds]
    # protoc finds its mypy plugins on the PATH; they stand beside the interpreter.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-Iproto", *options, *protos],
        cwd=ROOT,
        env={"PATH": path},
        check=True,
    )


def stale() -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        made = {path.relative_to(folder): path.read_bytes() for path in Path(folder).rglob("*_pb2*")}
    there = {path.relative_to(PROTO): path.read_bytes() for path in PROTO.rglob("*_pb2*.py*") if path.suffix != ".pyc"}
    return sorted(str(path) for path in made.keys() | there.keys() if made.get(path) != there.get(path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a stub is stale")
    if not parser.parse_args().check:
        generate(PROTO)
    elif files := stale():
        sys.exit(f"stale stubs, run 'make proto': {', '.join(files)}")
    else:
        print("Stubs are fresh.")


if __name__ == "__main__":
    main()
