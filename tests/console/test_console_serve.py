"""`busyhour serve` and `busyhour user` as a person types them."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from cli.main import cli, main
from console import background
from contracts.errors import OperatorError
from contracts.settings import Settings
from tests.console.staff import PASSWORD, Console, person

ROOT = Path(__file__).resolve().parents[2]


def test_serve_says_where_answers_there_and_ends_on_sigterm(console: Console, node_settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "cli.main", "serve", "--port", str(port), "--json"]
    environment = {**os.environ, "BUSYHOUR_HOME": node_settings.text("home")}
    environment.pop("ES_URL", None)
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            url = f"http://127.0.0.1:{port}"
            assert _answers(f"{url}/healthz")
            with httpx.Client(base_url=url, follow_redirects=True) as client:
                client.post("/sign-in", data={"username": person("noc"), "password": PASSWORD})
                with client.stream("GET", "/dashboards/noc-overview/live") as live:
                    assert live.status_code == 200  # a live dashboard does not keep it from ending
                    running.send_signal(signal.SIGTERM)
                    assert running.wait(timeout=30) == -signal.SIGTERM  # as a process ends that the signal ended
        finally:
            running.kill()
        assert running.stdout is not None
        said = json.loads(running.stdout.read())
    assert said == {"url": url, "first_run": ""}  # there is an administrator: no link


def _answers(url: str, trust: ssl.SSLContext | bool = True) -> bool:
    for _ in range(300):
        try:
            return httpx.get(url, verify=trust).status_code == 200
        except httpx.TransportError:
            time.sleep(0.2)
    return False


def test_serve_refuses_to_take_passwords_in_the_clear(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--host", "0.0.0.0"])  # noqa: S104 - what is refused
    assert ended.value.code == 1
    assert "--certificate" in capsys.readouterr().err


@pytest.mark.parametrize("proxy", ["*", "proxy.example", "10.0.0.0/99", ""])
def test_serve_refuses_a_proxy_that_could_be_anybody(capsys: pytest.CaptureFixture[str], proxy: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--behind-proxy", proxy])
    assert ended.value.code == 1
    assert "is no address and no network" in capsys.readouterr().err


def _certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@contextmanager
def _serving(settings: Settings, **options: Any) -> Iterator[int]:
    """`busyhour serve` on a free port, until it is left."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "cli.main", "serve", "--port", str(port)]
    command += [text for name, value in options.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    environment = {**os.environ, "BUSYHOUR_HOME": settings.text("home")}
    environment.pop("ES_URL", None)
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as running:
        try:
            yield port
        finally:
            running.terminate()


def test_serve_speaks_https_with_the_certificate(console: Console, node_settings: Settings, tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(certificate))
    with _serving(node_settings, certificate=certificate, key=key) as port:
        url = f"https://127.0.0.1:{port}"
        assert _answers(f"{url}/healthz", trust)
        with httpx.Client(base_url=url, verify=trust) as client:
            answer = client.post("/sign-in", data={"username": person("noc"), "password": PASSWORD})
            assert "secure" in answer.headers["set-cookie"].lower()
            assert "strict-transport-security" in answer.headers
            assert client.get("/tickets").status_code == 200


@pytest.mark.parametrize(("proxy", "believed"), [("127.0.0.1", True), ("192.0.2.7", False)])
def test_serve_believes_the_named_proxy_and_nobody_else(
    console: Console, node_settings: Settings, proxy: str, believed: bool
) -> None:
    with _serving(node_settings, behind_proxy=proxy) as port:
        url = f"http://127.0.0.1:{port}"
        assert _answers(f"{url}/healthz")
        with httpx.Client(base_url=url) as client:
            form = {"username": person("noc"), "password": PASSWORD}
            assert client.post("/sign-in", data=form).status_code == 403  # in the clear
            told = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"}
            answer = client.post("/sign-in", data=form, headers=told)
            assert answer.status_code == (303 if believed else 403)
        if believed:
            console.store.refresh("audit")
            assert console.store.count("audit", {"term": {"audit.object": "203.0.113.9"}}) == 1  # whose sign-in it was


def test_serve_says_that_its_port_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit) as ended:
        main(["serve", "--port", str(taken.getsockname()[1])])
    assert ended.value.code == 3
    assert "--port" in capsys.readouterr().err


def test_user_is_made_listed_given_a_role_and_disabled(console: Console, node_settings: Settings) -> None:
    runner = CliRunner(env={"BUSYHOUR_HOME": node_settings.text("home"), "ES_URL": None})
    made = runner.invoke(cli, ["user", "create", "typed", "--role", "busyhour_noc", "--json"], input=f"{PASSWORD}\n")
    assert json.loads(made.output)["roles"] == ["busyhour_noc"]
    again = runner.invoke(cli, ["user", "create", "typed", "--role", "busyhour_noc"], input=f"{PASSWORD}\n")
    assert "already" in str(again.exception)
    runner.invoke(cli, ["user", "roles", "typed", "--role", "busyhour_agent"])
    listed = json.loads(runner.invoke(cli, ["user", "list", "--json"]).output)["users"]
    assert {user["username"]: user["roles"] for user in listed}["typed"] == ["busyhour_agent"]
    assert json.loads(runner.invoke(cli, ["user", "disable", "typed", "--json"]).output)["enabled"] is False
    shown = json.loads(runner.invoke(cli, ["user", "roles", "--json"]).output)["roles"]
    assert "ticket" in next(role for role in shown if role["role"] == "busyhour_noc")["writes"]


def test_password_is_never_an_argument() -> None:
    command = cli.get_command(None, "user")  # type: ignore[arg-type]
    options = {option for each in command.commands.values() for parameter in each.params for option in parameter.opts}  # type: ignore[union-attr]
    assert not {option for option in options if "password" in option}


def test_console_in_the_background_is_started_once_and_ended(console: Console, node_settings: Settings) -> None:
    home = Path(node_settings.text("home"))
    environment = {**os.environ, "BUSYHOUR_HOME": str(home)}
    environment.pop("ES_URL", None)
    assert background.running(home) is None
    try:
        found = background.start(home, environment)
        assert background.start(home, environment) == found
        assert httpx.get(f"{found.url}/healthz").json() == {"ok": True}
    finally:
        assert background.stop(home)
    assert background.running(home) is None
    assert not background.stop(home)


def test_console_in_the_background_says_why_it_does_not_start(tmp_path: Path) -> None:
    environment = {**os.environ, "BUSYHOUR_HOME": str(tmp_path)}
    environment.pop("ES_URL", None)
    with pytest.raises(OperatorError, match="local node is not running"):
        background.start(tmp_path, environment)
