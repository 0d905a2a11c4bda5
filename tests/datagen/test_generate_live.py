"""Traffic in real time, against a clock that the test turns: what appears when, after a pause, a stop and a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import DefinitionError, UserError
from datagen import generate
from datagen.live import run_live
from datagen.pipeline import plan
from datagen.request import Run
from infrastructure.store import Store

START = datetime(2026, 11, 9, 8, tzinfo=UTC)
ASKED: dict[str, Any] = {"services": ["voip"], "rate": 700, "seed": 5, "rotate": "15m"}
ROOT = Path(__file__).resolve().parents[2]


class Turning(threading.Event):
    """A clock that runs while somebody waits, and stops them when it is `until`."""

    def __init__(self, now: datetime, until: datetime) -> None:
        super().__init__()
        self.now, self.until = now.timestamp(), until.timestamp()

    def wait(self, timeout: float | None = None) -> bool:
        self.now += 60
        if self.now >= self.until:
            self.set()
        return self.is_set()


def run_of(**other: Any) -> Run:
    return plan(start=date(2026, 11, 9), days=2, **{**ASKED, **other})


def live(out: Path, now: datetime, until: datetime, begin: datetime = START, speed: float = 1.0, **how: Any) -> Any:
    turning = Turning(now, until)
    run = how.pop("run", None) or run_of()
    begin_ms = round(begin.timestamp() * 1000)
    return run_live(out, run, speed=speed, begin=begin_ms, stop=turning, clock=lambda: turning.now, **how)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def whole(out: Path, **other: Any) -> dict[str, bytes]:
    generate(out, start=date(2026, 11, 9), days=2, **{**ASKED, **other})
    return contents(out / "cdr")


def test_files_appear_when_their_period_ends_with_the_bytes_of_a_whole_run(tmp_path: Path) -> None:
    report = live(tmp_path / "live", START, START + timedelta(hours=2, minutes=1))
    found = contents(tmp_path / "live" / "cdr")
    assert sorted(found) == [
        f"voip/voip-20261109-{hour:02d}{minute:02d}.csv" for hour in (8, 9) for minute in (0, 15, 30, 45)
    ]
    assert found.items() <= whole(tmp_path / "whole").items()
    assert (report.files, report.through) == (8, "2026-11-09T10:00:00.000Z")
    manifest = (tmp_path / "live" / "deliveries.ndjson").read_bytes().splitlines()
    assert [json.loads(line)["file"] for line in manifest] == sorted(found)
    modified = (tmp_path / "live" / "cdr" / "voip" / "voip-20261109-0800.csv").stat().st_mtime
    assert modified == (START + timedelta(minutes=15)).timestamp()


def test_a_stopped_run_goes_on_where_it_was_and_catches_up_after_a_pause(tmp_path: Path) -> None:
    live(tmp_path, START, START + timedelta(hours=1, minutes=1))
    before = contents(tmp_path / "cdr")
    report = live(
        tmp_path, START + timedelta(hours=5), START + timedelta(hours=5, minutes=2), begin=START + timedelta(hours=5)
    )
    found = contents(tmp_path / "cdr")
    assert len(before) == 4 and len(found) == 20 and report.files == 16
    assert before.items() <= found.items()
    manifest = [json.loads(line)["file"] for line in (tmp_path / "deliveries.ndjson").read_bytes().splitlines()]
    assert manifest == sorted(found)


def test_late_and_double_files_appear_when_they_are_delivered(tmp_path: Path) -> None:
    run = run_of(late="40%:45m", duplicate="40%")
    live(tmp_path, START, START + timedelta(hours=4), run=run)
    rows = [json.loads(line) for line in (tmp_path / "deliveries.ndjson").read_bytes().splitlines()]
    delivered = [row["delivered"] for row in rows]
    assert delivered == sorted(delivered)
    assert any("late_s" in row for row in rows) and any("duplicate_of" in row for row in rows)
    assert set(contents(tmp_path / "cdr")) == {row["file"] for row in rows}


def test_speed_makes_it_faster_until_it_is_now(tmp_path: Path) -> None:
    now = START + timedelta(hours=12)
    report = live(tmp_path, now, now + timedelta(minutes=10), speed=60.0)
    assert report.through == "2026-11-09T17:00:00.000Z"  # nine minutes are nine hours
    report = live(tmp_path, now + timedelta(hours=1), now + timedelta(hours=1, minutes=2), speed=60.0)
    assert report.through == "2026-11-09T21:00:00.000Z"  # and never the future


def test_appended_lines_are_the_lines_of_the_files(tmp_path: Path) -> None:
    live(tmp_path / "live", START, START + timedelta(minutes=20, seconds=1), begin=START, append=True)
    grown = tmp_path / "live" / "cdr" / "voip" / "voip-20261109-0815.csv"
    part = grown.read_bytes()
    expected = whole(tmp_path / "whole")["voip/voip-20261109-0815.csv"]
    assert expected.startswith(part) and part.endswith(b"\n") and 0 < len(part) < len(expected)
    grown.write_bytes(part[:-10])  # killed within a line
    state = tmp_path / "live" / "live.json"
    found = json.loads(state.read_bytes())
    state.write_text(json.dumps({**found, "through": "2026-11-09T08:18:00.000Z"}))
    live(tmp_path / "live", START + timedelta(minutes=25), START + timedelta(minutes=40), append=True)
    assert grown.read_bytes() == expected


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        ({"services": ["epc"], "layouts": {"epc": "ts32298"}}, "cannot grow"),
        ({"gzip": True}, "not packed"),
        ({"late": "1%:1h"}, "not packed"),
        ({"rotate": "1MB"}, "closed by size"),
    ],
)
def test_append_refuses_files_that_cannot_grow(tmp_path: Path, other: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DefinitionError, match=complaint):
        live(tmp_path / "out", START, START, run=run_of(**other), append=True)
    assert not (tmp_path / "out").exists()


def test_live_refuses_a_folder_of_another_run_and_a_speed_of_nothing(tmp_path: Path) -> None:
    live(tmp_path, START, START + timedelta(minutes=20))
    with pytest.raises(UserError, match="another seed"):
        live(tmp_path, START, START + timedelta(minutes=20), run=run_of(seed=6))
    with pytest.raises(DefinitionError, match="speed 0"):
        live(tmp_path, START, START + timedelta(minutes=20), speed=0)


def test_live_ends_with_its_days_and_writes_the_truth_of_them(tmp_path: Path) -> None:
    rows = [{"type": "trunk_outage", "place": "TG2", "start": "2026-11-10T10:00:00Z", "duration": "3h", "id": "O"}]
    run = run_of(incidents=rows)
    report = live(tmp_path / "live", START + timedelta(days=5), START + timedelta(days=8), run=run)
    assert report.through == "2026-11-11T00:00:00.000Z"
    generate(tmp_path / "whole", start=date(2026, 11, 9), days=2, incidents=rows, **ASKED)
    assert (tmp_path / "live" / "truth.ndjson").read_bytes() == (tmp_path / "whole" / "truth.ndjson").read_bytes()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_a_live_command_leaves_whole_files_whatever_ends_it(tmp_path: Path, sign: signal.Signals) -> None:
    command = [
        sys.executable,
        "-m",
        "cli.main",
        "generate",
        "--live",
        "--speed",
        "7200",
        "--rotate",
        "15m",
        "--rate",
        "500",
    ]
    command += ["--service", "sms", "--out", str(tmp_path / "out"), "--json"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "BUSYHOUR_HOME": str(tmp_path)}
    )
    deadline = time.monotonic() + 60
    while len(list((tmp_path / "out").glob("cdr/sms/*.csv"))) < 3 and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(sign)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == (0 if sign == signal.SIGTERM else -signal.SIGKILL)
    files = [path for path in (tmp_path / "out").glob("cdr/sms/*") if not path.name.startswith(".")]
    assert len(files) >= 3
    assert all(path.read_bytes().endswith(b"\n") for path in files)
    if sign == signal.SIGTERM:
        assert json.loads(said)["files"] == len(files)


def test_sink_writes_what_ingesting_the_files_would(store: Store, tmp_path: Path) -> None:
    from datagen.sink import StoreSink
    from mediation import ingest

    asked: dict[str, Any] = {"start": date(2026, 11, 9), "days": 1, "rate": 200, "seed": 5, "rotate": "6h"}
    asked |= {"layouts": {"voip": "asterisk-cdr", "sms": "sms-busyhour", "epc": "ts32298"}}
    sink = StoreSink(store, tmp_path / "direct")
    report = generate(tmp_path / "direct", sink=sink, **asked)
    assert sink.report.indexed == sink.report.lines == report.rows > 400
    assert not [path for path in (tmp_path / "direct" / "cdr").rglob("*") if path.is_file()]
    again = generate(tmp_path / "direct", sink=StoreSink(store, tmp_path / "direct"), **asked)
    assert again.resumed == 3
    files = generate(tmp_path / "files", **asked)
    for layout, service in (("asterisk-cdr", "voip"), ("sms-busyhour", "sms"), ("ts32298", "epc")):
        found = ingest(store, [tmp_path / "files" / "cdr" / service], layout=layout)
        assert (found.duplicate, found.rejected) == (files.rows_by_service[service], 0)
