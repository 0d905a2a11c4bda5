"""`busyhour usage` from the outside: what is typed, what is answered, how it exits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.main import main

SECRET = "s3cret-of-nobody"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUSYHOUR_HOME", str(tmp_path))
    for name in ("BUSYHOUR_USAGE_URL", "BUSYHOUR_USAGE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """Exit code and the JSON on stdout, else its text."""
    with pytest.raises(SystemExit) as stop:
        main(["usage", *arguments])
    text = capsys.readouterr().out
    return int(stop.value.code or 0), json.loads(text) if text.startswith("{") else text


def test_usage_commands_make_read_change_and_remove(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "setup", "--json")[1]["after"]
    code, made = run(
        capsys, "customer", "add", "C1", "--name", "Ann", "--plan", "PLAN1", "--msisdns", "+999550000000001", "--json"
    )
    assert (code, made["msisdns"]) == (0, ["+999550000000001"])
    sms = ("--msisdn", "+999 550 000 000 001", "--started", "2026-11-20 10:00", "--direction", "made", "--peer", "+441")
    code, first = run(capsys, "log", "sms", *sms, "--timezone", "Europe/Berlin", "--json")
    assert (code, first["new"]) == (0, True)
    assert run(capsys, "log", "sms", *sms, "--timezone", "Europe/Berlin", "--json")[1] == first | {"new": False}
    found = run(capsys, "search", "sms", "--from", "2026-11-20", "--to", "2026-11-21", "--json")[1]["records"]
    assert [(row["id"], row["started"]) for row in found] == [(first["id"], "2026-11-20T09:00:00+00:00")]
    new = run(capsys, "change", "sms", first["id"], "parts=2", "result=delivered", "--json")[1]["id"]
    assert run(capsys, "record", "show", "sms", new, "--json")[1]["parts"] == 2
    period = ("--from", "2026-11-20", "--to", "2026-11-21")
    assert run(capsys, "report", "revenue", *period, "--json")[1]["totals"] == {"amount": "0.14"}
    assert (
        run(capsys, "report", "top", "--by", "sms", *period, "--format", "csv")[1]
        .splitlines()[1]
        .startswith("1,C1,Ann,PLAN1,0,0,1")
    )
    assert run(capsys, "record", "remove", "sms", new, "--json") == (0, {"removed": new})
    assert run(capsys, "check", "--json")[1]["left"] == 0
    assert run(capsys, "customer", "change", "C1", "--state", "closed", "--json")[1]["state"] == "closed"
    assert run(capsys, "customer", "remove", "C1", "--json")[0] == 0
    assert run(capsys, "customer", "list", "--json")[1] == {"customers": []}


def test_usage_import_exits_1_with_the_reason_when_a_line_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("customer,started,duration,direction\nC9,2026-11-20 10:00,60,made\n")
    code, figures = run(capsys, "import", str(file), "--kind", "call", "--json")
    assert (code, figures["read"], figures["rejected"]) == (1, 1, 1)
    assert figures["refused"][0]["reason"] == "unknown_customer"
    assert run(capsys, "loads", "--json")[1]["loads"][0]["rejected"] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("report", "customer", "C9"), 1),
        (("report", "network", "--from", "soon"), 1),
        (("report", "network", "--from", "2026-11-02", "--to", "2026-11-01"), 1),
        (("report", "network", "--timezone", "../../etc/passwd"), 1),
        (("report", "sales"), 2),
        (("log", "call", "--customer", "C9", "--started", "now", "--duration", "1", "--direction", "made"), 1),
        (("record", "show", "call", "x' OR '1'='1"), 1),
        (("change", "call", "x", "quarter=1"), 1),
        (("export-cdr", "--out", "/dev/null"), 1),
    ],
)
def test_usage_says_what_is_wrong_without_a_traceback(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["usage", *arguments])
    said = capsys.readouterr().err
    assert stop.value.code == code
    assert said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "url", [f"mysql://clerk:{SECRET}@localhost:1/usage", f"mysql://clerk:{SECRET}@/usage?unix_socket=/nowhere"]
)
def test_usage_never_shows_a_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("BUSYHOUR_USAGE_URL", url)
    monkeypatch.setenv("BUSYHOUR_USAGE_WAIT_SEC", "0")
    for arguments in (["usage", "setup"], ["settings", "--json"]):
        with pytest.raises(SystemExit):
            main(arguments)
        shown = capsys.readouterr()
        assert SECRET not in shown.out + shown.err
    assert "usage.url" in shown.out
