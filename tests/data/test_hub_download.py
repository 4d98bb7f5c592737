"""The hub itself, played by a small server on this machine: the download, and the library's own cache after it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

COMMIT = "a" * 40

LOAD = """
import shutil
import sys
from dataclasses import replace

import huggingface_hub

from ticketbench.data import load
from ticketbench.data.sources import SOURCES
from ticketbench.paths import cache_folder

SOURCES["mnist"] = replace(SOURCES["mnist"], digest=sys.argv[1])
print(load("mnist").digest)
shutil.rmtree(cache_folder())
huggingface_hub.constants.ENDPOINT = "http://127.0.0.1:9"
print(load("mnist").digest)
"""


def hub_of(root: Path) -> type[BaseHTTPRequestHandler]:
    """As much of the hub's interface as a download of a public data set without large-file storage asks for."""

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = self.path.split("?")[0].strip("/").split("/")
            if parts[0] == "datasets" and parts[3:4] == ["resolve"]:
                self.send_file(root.joinpath(*parts[1:3], *parts[5:]))
            elif parts[:2] == ["api", "datasets"] and parts[4:5] == ["tree"]:
                base = root.joinpath(*parts[2:4])
                self.send_json([entry(path, base) for path in sorted(base.joinpath(*parts[6:]).glob("*"))])
            elif parts[:2] == ["api", "datasets"] and parts[4:5] in ([], ["revision"]):
                self.send_json(
                    {"id": "/".join(parts[2:4]), "sha": COMMIT, "private": False, "tags": [], "siblings": []}
                )
            else:
                self.send(404, b"", {})

        def do_HEAD(self) -> None:
            self.do_GET()

        def send_file(self, path: Path) -> None:
            if path.is_file():
                self.send(200, path.read_bytes(), {"ETag": f'"{etag(path)}"', "X-Repo-Commit": COMMIT})
            else:
                self.send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})

        def send_json(self, content: object) -> None:
            self.send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

        def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Hub


def etag(path: Path) -> str:
    return f"{path.stat().st_size:040x}"


def entry(path: Path, base: Path) -> dict[str, object]:
    kind = "file" if path.is_file() else "directory"
    return {"type": kind, "path": str(path.relative_to(base)), "size": path.stat().st_size, "oid": etag(path)}


@pytest.fixture
def mirror(mnist_mirror):
    return mnist_mirror(train=20, test=10)


@pytest.fixture
def endpoint(mirror) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), hub_of(mirror.root)) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_mnist_comes_from_the_hub_and_then_from_the_hubs_own_cache(mirror, endpoint, tmp_path):
    ours = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TICKETBENCH_"))}
    changed = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "hf")}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, mirror.digest], env=ours | changed, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == (f"{mirror.digest}\n{mirror.digest}\n", "")
