"""Fetching extracts: resumed, checked, honest when the network is not there. The server is a local one."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sdaasp_geo.errors import InputError
from sdaasp_geo.sources.extracts import fetch_extract, read_extracts, regions_of
from sdaasp_geo.sources.france import read_departements

CONTENT = bytes(range(256)) * 5000


class _Server(ThreadingHTTPServer):
    asked: list[str | None]
    digest = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if self.path.endswith(".md5"):
            self._answer(200, f"{self.server.digest}  x.osm.pbf\n".encode())
            return
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if start >= len(CONTENT):
            self._answer(416, b"")
        else:
            self._answer(206 if asked else 200, CONTENT[start:])

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as local:
        local.asked = []
        thread = threading.Thread(target=local.serve_forever)
        thread.start()
        yield local
        local.shutdown()
        thread.join()


def _root(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/"


def test_every_departement_is_in_one_extract() -> None:
    extracts = read_extracts()
    held = [code for codes in extracts.regions.values() for code in codes]
    assert sorted(held) == sorted(read_departements())


def test_neighbours_may_need_another_extract() -> None:
    assert regions_of(["65", "64"], read_extracts()) == ["aquitaine", "midi-pyrenees"]


def test_an_extract_is_fetched_once(server: _Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = fetch_extract("x", tmp_path, root=_root(server), report=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    fetch_extract("x", tmp_path, root=_root(server))
    assert server.asked == [None]


@pytest.mark.parametrize("received", [1, 100_000, len(CONTENT)])
def test_a_download_that_stopped_is_resumed(received: int, server: _Server, tmp_path: Path) -> None:
    (tmp_path / "x-latest.osm.pbf.part").write_bytes(CONTENT[:received])
    assert fetch_extract("x", tmp_path, root=_root(server)).read_bytes() == CONTENT
    assert server.asked == [f"bytes={received}-"]
    assert [path.name for path in tmp_path.iterdir()] == ["x-latest.osm.pbf"]


def test_a_wrong_hash_leaves_no_file(server: _Server, tmp_path: Path) -> None:
    server.digest = "0" * 32
    with pytest.raises(InputError, match="abîmé"):
        fetch_extract("x", tmp_path, root=_root(server))
    assert list(tmp_path.iterdir()) == []


def test_no_network_is_said_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="connexion"):
        fetch_extract("x", tmp_path, root="http://127.0.0.1:9/")
    assert list(tmp_path.iterdir()) == []
