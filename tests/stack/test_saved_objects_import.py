"""Importing into Kibana: the request as Kibana wants it, and every way it can fail. (No registry carries a Kibana.)"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infrastructure.compose.saved_objects import main

Start = Callable[[int, bytes], tuple[str, list[tuple[str, dict[str, str], bytes]]]]


@pytest.fixture
def kibana() -> Iterator[Start]:
    """Starts a server that answers every request the same way: its address, and the requests it got."""
    servers = []

    def start(status: int, answer: bytes) -> tuple[str, list[tuple[str, dict[str, str], bytes]]]:
        seen: list[tuple[str, dict[str, str], bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                seen.append((self.path, dict(self.headers), body))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}", seen

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def environment(url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "KIBANA_URL": url,
        "KIBANA_CA": str(tmp_path / "ca.crt"),
        "KIBANA_USER": "elastic",
        "KIBANA_PASSWORD": "a password of the test",
    }


def folder(tmp_path: Path) -> str:
    (tmp_path / "a.ndjson").write_text('{"id":"a"}\n')
    (tmp_path / "b.ndjson").write_text('{"id":"b"}\n')
    return str(tmp_path)


def test_import_sends_every_file_and_replaces_what_is_there(
    kibana: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, seen = kibana(200, b'{"success":true,"successCount":1}')
    assert main([folder(tmp_path)], environment(url, tmp_path)) == 0
    assert [path for path, _, _ in seen] == ["/api/saved_objects/_import?overwrite=true"] * 2
    for (_, headers, body), name in zip(seen, ("a", "b"), strict=True):
        assert headers["kbn-xsrf"]
        assert headers["Authorization"].startswith("Basic ")
        assert f'filename="{name}.ndjson"'.encode() in body
        assert f'{{"id":"{name}"}}'.encode() in body
    assert "a.ndjson: 1 objects imported" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (
            200,
            {
                "success": False,
                "successCount": 0,
                "errors": [{"type": "search", "id": "x", "error": {"type": "missing_references"}}],
            },
            "search x: missing_references",
        ),
        (403, {"message": "Forbidden"}, "403 Forbidden"),
        (502, "no json", "not Kibana (502)"),
    ],
)
def test_import_fails_saying_why(
    kibana: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int, answer: object, said: str
) -> None:
    body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
    url, seen = kibana(status, body)
    assert main([folder(tmp_path)], environment(url, tmp_path)) == 3
    assert said in capsys.readouterr().err
    assert len(seen) == 1


def test_import_names_what_is_unset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([folder(tmp_path)], {"KIBANA_URL": "http://127.0.0.1:1"}) == 1
    assert "KIBANA_CA, KIBANA_USER, KIBANA_PASSWORD" in capsys.readouterr().err


def test_import_says_where_kibana_was_when_it_does_not_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([folder(tmp_path)], environment("http://127.0.0.1:1", tmp_path)) == 3
    assert "127.0.0.1:1/api/saved_objects/_import" in capsys.readouterr().err


def test_import_refuses_an_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)], environment("http://127.0.0.1:1", tmp_path)) == 1
    assert "holds no *.ndjson" in capsys.readouterr().err
