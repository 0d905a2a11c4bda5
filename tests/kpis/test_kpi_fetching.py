"""Asking other systems: only listed hosts, no redirects, bounded, and nothing of a secret in an error."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from contracts.errors import OperatorError, SettingError, UserError
from contracts.settings import read as read_settings
from kpis.collecting import fetching
from kpis.collecting.fetching import Fetcher
from kpis.collecting.interface import Due
from kpis.collecting.outside import HttpJson, Prometheus, pointed
from kpis.tracking import Tracked
from kpis.tracking.reading import read
from tests.kpis.outside import serving

END = datetime(2026, 11, 20, 12, tzinfo=UTC)


def _fetcher(tmp_path: Path, hosts: str = "127.0.0.1", tries: int = 3) -> Fetcher:
    settings = read_settings({"BUSYHOUR_HOME": str(tmp_path), "BUSYHOUR_KPI_COLLECT_HOSTS": hosts})
    return Fetcher(settings, tries=tries, sleep=lambda _: None)


def _tracked(**source: Any) -> Tracked:
    return read({"id": "own.x", "name": "Own x", "unit": "1", "bad": "high", "source": source}, "x")


def _secret(tmp_path: Path, text: str) -> None:
    (tmp_path / "secrets" / "kpi").mkdir(parents=True)
    (tmp_path / "secrets" / "kpi" / "grafana").write_text(text)


def test_number_is_read_where_the_pointer_leads(tmp_path: Path) -> None:
    body = orjson.dumps({"rows": [{"a/b": 1}, {"a/b": 7.5}]})
    with serving(lambda *_: (200, body)) as outside:
        one = _tracked(kind="http", url=f"{outside.url}/x", pointer="/rows/1/a~1b", entity="region:north")
        due = Due(END - timedelta(minutes=10), END, 300)
        values = list(HttpJson(_fetcher(tmp_path)).values(None, one, due))  # type: ignore[arg-type]
    assert [(each.entity, each.value) for each in values] == [("region:north", 7.5)]
    assert values[0].bucket_ms == round((END - timedelta(minutes=5)).timestamp() * 1000)


@pytest.mark.parametrize(
    "content", [b'{"x": true}', b'{"x": "5"}', b'{"x": null}', b"{}", b"[1]", b"no json", b'{"x": NaN}']
)
def test_what_is_no_number_is_refused(tmp_path: Path, content: bytes) -> None:
    with serving(lambda *_: (200, content)) as outside:
        one = _tracked(kind="http", url=outside.url, pointer="/x")
        with pytest.raises(OperatorError):
            list(HttpJson(_fetcher(tmp_path)).values(None, one, Due(END - timedelta(minutes=5), END, 300)))  # type: ignore[arg-type]


def test_server_that_fails_twice_is_asked_again(tmp_path: Path) -> None:
    answers = iter([(503, b""), (429, b""), (200, b"5")])
    with serving(lambda *_: next(answers)) as outside:
        assert _fetcher(tmp_path).json(outside.url) == 5
        assert len(outside.asked) == 3


def test_server_that_stays_away_is_named_after_a_few_tries(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="2 tries"):
        _fetcher(tmp_path, tries=2).json("http://127.0.0.1:1/x?token=abc")


def test_wrong_credentials_are_said_without_them(tmp_path: Path) -> None:
    _secret(tmp_path, "bearer s3cr3t-t0ken\n")
    with serving(lambda *_: (401, b"")) as outside:
        with pytest.raises(OperatorError, match="refused the credentials") as refused:
            _fetcher(tmp_path).json(outside.url + "/x?key=also-secret", secret="grafana")
        assert outside.asked[0][2]["Authorization"] == "Bearer s3cr3t-t0ken"
        assert len(outside.asked) == 1  # asking again would lock the account
    assert "s3cr3t" not in str(refused.value) and "also-secret" not in str(refused.value)
    assert "grafana" in str(refused.value)


@pytest.mark.parametrize("text", ["", "token-alone"])
def test_secret_of_neither_form_is_refused(tmp_path: Path, text: str) -> None:
    _secret(tmp_path, text)
    with pytest.raises(OperatorError) as refused:
        _fetcher(tmp_path).json("http://127.0.0.1:1/", secret="grafana")
    assert "token-alone" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://169.254.169.254/latest/meta-data", SettingError),
        ("http://127.0.0.1.evil.example/", SettingError),
        ("http://127.0.0.1@evil.example/", UserError),
        ("file:///etc/passwd", UserError),
        ("http://[::1/", UserError),
        ("http://user:pass@127.0.0.1/", UserError),
    ],
)
def test_only_listed_hosts_are_asked(tmp_path: Path, url: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        _fetcher(tmp_path).json(url)
    with pytest.raises((SettingError, UserError)):
        _fetcher(tmp_path, hosts="").json("http://127.0.0.1/")


def test_redirect_is_not_followed(tmp_path: Path) -> None:
    with serving(lambda *_: (302, b"")) as outside, pytest.raises(OperatorError, match="HTTP 302"):
        _fetcher(tmp_path).json(outside.url)


def test_answer_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "LARGEST", 1000)
    with serving(lambda *_: (200, b"1" * 5000)) as outside, pytest.raises(OperatorError, match="more than 1,000"):
        _fetcher(tmp_path).json(outside.url)


@pytest.mark.parametrize(
    "beginning", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b""]
)
def test_server_that_drips_is_left_when_the_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    """A byte at a time, in the body or already in the headers: each read is short, the whole is not."""
    monkeypatch.setattr(fetching, "_WHOLE_SEC", 0.5)
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(beginning)
            while not over.wait(0.05):
                connection.sendall(b"1")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        began = time.monotonic()
        with pytest.raises(OperatorError, match="takes more than"):
            _fetcher(tmp_path, tries=1).json(f"http://127.0.0.1:{server.getsockname()[1]}/")
        assert time.monotonic() - began < 8
        over.set()
        thread.join()


def test_prometheus_is_asked_for_every_bucket_since_the_last_one(tmp_path: Path) -> None:
    def answer(_method: str, path: str, _headers: dict[str, str]) -> tuple[int, bytes]:
        moment = float(path.split("time=")[1].split("&")[0])
        rows = [
            {"metric": {"instance": "a"}, "value": [moment, "1.5"]},
            {"metric": {"instance": "b"}, "value": [moment, "NaN"]},
            {"metric": {}, "value": [moment, "9"]},
        ]
        return 200, orjson.dumps({"status": "success", "data": {"resultType": "vector", "result": rows}})

    with serving(answer) as outside:
        one = _tracked(kind="prometheus", url=outside.url, query="up", label="instance", entity_type="host")
        due = Due(END - timedelta(minutes=15), END, 300)
        values = list(Prometheus(_fetcher(tmp_path)).values(None, one, due))  # type: ignore[arg-type]
        assert [path.split("?")[0] for _, path, _, _ in outside.asked] == ["/api/v1/query"] * 3
    assert [(each.entity, each.value, each.state) for each in values[:2]] == [
        ("host:a", 1.5, "ok"),
        ("host:b", None, "not_measurable"),
    ]
    assert len(values) == 6


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"status": "error", "errorType": "bad_data", "error": "parse error"}, "parse error"),
        ({"status": "success", "data": {"resultType": "matrix", "result": []}}, "gives a matrix"),
        ({"status": "success"}, "no answer of Prometheus"),
        ([], "no answer of Prometheus"),
    ],
)
def test_prometheus_answer_of_another_kind_is_refused(tmp_path: Path, content: Any, says: str) -> None:
    with serving(lambda *_: (200, orjson.dumps(content))) as outside:
        one = _tracked(kind="prometheus", url=outside.url, query="up")
        with pytest.raises(OperatorError) as refused:
            list(Prometheus(_fetcher(tmp_path)).values(None, one, Due(END - timedelta(minutes=5), END, 300)))  # type: ignore[arg-type]
    assert says in str(refused.value)


def test_pointer_follows_rfc_6901() -> None:
    document = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8}
    found = [pointed(document, text) for text in ("/foo/0", "/", "/a~1b", "/m~0n")]
    assert found == ["bar", 0, 1, 8] and pointed(document, "") == document
