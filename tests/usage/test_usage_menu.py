"""The console as a person has it: through a pseudo-terminal, with wrong answers, Ctrl-C and Ctrl-D."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from contracts.settings import read
from tests.usage.usage_samples import KEY, call, logged
from usage.engine import UsageStore
from usage.migrate import set_up
from usage.records.customers import add_customer

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 20


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a usage store of one customer, Ann, who called an hour ago."""
    url = f"sqlite:///{tmp_path / 'usage.sqlite'}"
    store = UsageStore.open(read({"BUSYHOUR_USAGE_URL": url}))
    set_up(store)
    add_customer(store, {"id": "C1", "name": "Ann", "plan": "PLAN1", "msisdns": "+999550000000001"}, KEY)
    logged(store, "call", call("C1", "2026-11-19 10:00", "62 min"))
    store.close()
    return tmp_path


def _with_control_c() -> None:
    """As in a terminal: tests that run in the background of a script inherit that Ctrl-C does nothing."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """The menu in a pseudo-terminal."""

    def __init__(self, home: Path) -> None:
        environment = {**os.environ, "BUSYHOUR_HOME": str(home), "BUSYHOUR_PII_KEY": KEY.decode(), "COLUMNS": "140"}
        command = ["-m", "cli.main", "usage", "menu", "--timezone", "Europe/Berlin"]
        self.child = pexpect.spawn(
            sys.executable,
            command,
            env=environment,
            cwd=str(ROOT),
            timeout=SECONDS,
            encoding="utf-8",
            codec_errors="replace",
            dimensions=(50, 140),
            preexec_fn=_with_control_c,
        )
        self.said = ""

    def sees(self, words: str) -> None:
        self.child.expect_exact(words)
        self.said += self.child.before + self.child.after

    def types(self, *answers: str) -> None:
        """Each answer after a prompt."""
        for answer in answers:
            self.sees(" > ")
            self.child.sendline(answer)

    def ends(self) -> int:
        self.child.expect(pexpect.EOF)
        self.said += self.child.before
        self.child.close()
        assert "Traceback" not in self.said
        return int(self.child.exitstatus or 0)


@pytest.fixture
def terminal(home: Path) -> Iterator[Terminal]:
    found = Terminal(home)
    found.sees("Main menu")
    yield found
    found.child.close(force=True)


def test_menu_logs_reports_searches_exports_and_ends(terminal: Terminal, home: Path) -> None:
    terminal.types("1", "1")  # log data, a call
    terminal.types("C9")
    terminal.sees("Not taken: there is no customer 'C9'")
    terminal.types("+999 550 000 000 001", "tomorrow 10:00")
    terminal.sees("lies in the future")
    terminal.types("2026-11-20 10:05", "maybe")
    terminal.sees("is not one of answered, unanswered")
    terminal.types("", "-5")
    terminal.sees("is negative")
    terminal.types("1:02:03", "sideways")
    terminal.sees("is not one of made, received")
    terminal.types("", "'; DROP TABLE calls; --")
    terminal.sees("neither a number nor a sender's name")
    terminal.types("+44 20 7946 0958", "", "yes")
    terminal.sees("Logged: ")
    terminal.types("b", "2", "9")  # back, reports, no such report
    terminal.sees("'9' is not one of 1 to 8")
    terminal.types("2", "6", "1 Nov 2026", "31 Oct 2026")
    terminal.sees("the end is not after the start")
    terminal.types("22.11.2026")
    terminal.sees("Network summary")
    terminal.sees("2:04:03")  # 62 min and 1:02:03 of calls
    terminal.types("1", "C1", "")
    terminal.sees("Usage of Ann (C1)")
    terminal.types("b", "3", "2", "C1", "0958", "2")  # search calls of C1 with that number
    terminal.sees("1 found")
    terminal.types("1", "%")
    terminal.sees("Nothing was found")
    terminal.types("b", "4", "5", "2", "2", "2", "/nowhere/report.json")  # export the top by minutes as JSON
    terminal.sees("there is no folder")
    terminal.types(str(home / "top.json"))
    terminal.sees("Written: ")
    terminal.types("b", "5")
    terminal.sees("Goodbye")
    assert terminal.ends() == 0
    exported = json.loads((home / "top.json").read_text())
    assert [(row["customer"], row["call_time_ms"]) for row in exported["rows"]] == [("C1", 7_443_000)]


def test_menu_asks_no_duration_of_a_call_that_nobody_answered(terminal: Terminal) -> None:
    terminal.types("1", "1", "C1", "now", "unanswered", "", "+44 20 7946 0958", "", "")
    terminal.sees("Logged: ")
    terminal.types("b", "3", "2", "C1", "0958", "")
    terminal.sees("0:00:00")
    terminal.types("q")
    assert terminal.ends() == 0


def test_menu_adds_a_customer_and_tells_what_is_wrong_with_one(terminal: Terminal) -> None:
    terminal.types("1", "4", "C1")
    terminal.sees("is there already")
    terminal.types("C2", "Bob", "person")
    terminal.sees("is not one of consumer, business")
    terminal.types("", "PLAN2", "+999550000000001")
    terminal.sees("is of customer C1")
    terminal.types("C2", "Bob", "", "PLAN2", "+999550000000009")
    terminal.sees("Customer C2 is there, with 1 number.")
    terminal.types("quit")
    assert terminal.ends() == 0


@pytest.mark.parametrize("way", [(), ("1", "3", "C1")])
@pytest.mark.parametrize("end", ["q", "control-c", "control-d"])
def test_menu_can_be_left_from_everywhere(terminal: Terminal, way: tuple[str, ...], end: str) -> None:
    terminal.types(*way)
    terminal.sees(" > ")
    if end == "q":
        terminal.child.sendline("q")
    else:
        terminal.child.sendcontrol(end[-1])
    terminal.sees("Goodbye")
    assert terminal.ends() == 0


def test_menu_survives_bytes_that_are_no_text(terminal: Terminal) -> None:
    terminal.sees(" > ")
    os.write(terminal.child.child_fd, b"\xff\xfe\x00\n")
    terminal.sees("is not one of 1 to 5")
    terminal.types("3", "1")
    os.write(terminal.child.child_fd, b"\xff\n")
    terminal.types("b", "q")
    assert terminal.ends() == 0
