"""Stands for the Hugging Face hub: the part of its HTTP interface that reading a data set needs, on a free port."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(slots=True)
class FakeHub:
    """`folder` holds `<owner>/<name>/<files>`; `commit` is the revision that "main" stands for."""

    folder: Path
    commit: str = "0123456789abcdef0123456789abcdef01234567"
    written: datetime = datetime(2026, 11, 13, 19, tzinfo=UTC)
    url: str = ""
    revisions: list[str] = field(default_factory=list)
    bytes_sent: int = 0


@contextmanager
def fake_hub(folder: Path) -> Iterator[FakeHub]:
    hub = FakeHub(folder)

    class Handler(_Handler):
        served = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: FakeHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        match parts:
            case ["api", "datasets", owner, name]:
                self._info(f"{owner}/{name}", "main")
            case ["api", "datasets", owner, name, "revision", revision]:
                self._info(f"{owner}/{name}", revision)
            case ["api", "datasets", owner, name, "tree", _, *path]:
                self._tree(self.served.folder / owner / name, "/".join(path))
            case ["datasets", owner, name, "resolve", _, *path]:
                self._file(self.served.folder.joinpath(owner, name, *path))
            case _:
                self._missing("EntryNotFound")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = json.loads(body)["paths"] if body.startswith("{") else parse_qs(body).get("paths", [])
        match parts:
            case ["api", "datasets", owner, name, "paths-info", _]:
                root = self.served.folder / owner / name
                self._json([self._entry(root, root / path) for path in asked if (root / path).exists()])
            case _:
                self._missing("EntryNotFound")

    def _info(self, name: str, revision: str) -> None:
        self.served.revisions.append(revision)
        if not (self.served.folder / name).is_dir():
            self._missing("RepoNotFound")
        elif revision not in ("main", self.served.commit):
            self._missing("RevisionNotFound")
        else:
            self._json({"id": name, "sha": self.served.commit, "private": False, "tags": [], "siblings": []})

    def _tree(self, root: Path, path: str) -> None:
        folder = root / path
        if not folder.is_dir():
            self._missing("EntryNotFound")
            return
        recursive = parse_qs(urlsplit(self.path).query).get("recursive", ["False"])[0].lower() in ("true", "1")
        entries = folder.rglob("*") if recursive else folder.iterdir()
        self._json([self._entry(root, entry) for entry in sorted(entries)])

    def _entry(self, root: Path, path: Path) -> dict[str, Any]:
        commit = {
            "id": self.served.commit,
            "title": "Upload",
            "date": self.served.written.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        name = str(path.relative_to(root))
        if path.is_dir():
            return {"type": "directory", "path": name, "oid": "0" * 40, "lastCommit": commit}
        content = path.read_bytes()
        return {"type": "file", "path": name, "oid": _oid(content), "size": len(content), "lastCommit": commit}

    def _file(self, path: Path) -> None:
        if not path.is_file():
            self._missing("EntryNotFound")
            return
        content = path.read_bytes()
        headers = {"X-Repo-Commit": self.served.commit, "ETag": f'"{_oid(content)}"', "Accept-Ranges": "bytes"}
        if wanted := self.headers["Range"]:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(content) - 1), len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
            self._send(206, content[start : end + 1], headers)
        else:
            self._send(200, content, headers)

    def _json(self, document: object) -> None:
        self._send(200, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def _missing(self, code: str) -> None:
        self._send(404, b"{}", {"X-Error-Code": code, "Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.served.bytes_sent += len(body)
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it so
        """Stays quiet."""


def _oid(content: bytes) -> str:
    return sha1(content, usedforsecurity=False).hexdigest()
