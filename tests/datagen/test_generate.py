"""The files of a run: same bytes for the same request, whole or not there, in the layout's own words."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from contracts.errors import DefinitionError, UserError
from datagen.pipeline import default_incidents, demo_start, estimate, generate, plan
from mediation.load import load_layouts

START = date(2026, 11, 9)  # a Monday
RATE = 1500
ROOT = Path(__file__).resolve().parents[2]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_generate_writes_the_same_bytes_for_the_same_seed(tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("two", 5), ("other", 6)):
        generate(tmp_path / name, start=START, days=2, rate=RATE, seed=seed, rotate="6h")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    other = contents(tmp_path / "other")
    assert all(
        other[name] != content for name, content in contents(tmp_path / "one").items() if name.startswith("cdr/")
    )


@pytest.mark.parametrize("service", ["voip", "sms", "epc"])
def test_generate_makes_a_day_alone_as_within_a_run(tmp_path: Path, service: str) -> None:
    incidents = default_incidents(datetime(2026, 11, 12, tzinfo=UTC))
    week = generate(
        tmp_path / "run", services=[service], start=START, days=3, rate=RATE, seed=5, incidents=incidents, rotate="1d"
    )
    for day in (9, 10, 11):
        out = tmp_path / f"day{day}"
        generate(
            out,
            services=[service],
            start=date(2026, 11, day),
            days=1,
            rate=RATE,
            seed=5,
            incidents=incidents,
            rotate="1d",
        )
        name = f"cdr/{service}/{service}-202611{day:02d}.csv"
        assert contents(out)[name] == contents(tmp_path / "run")[name]
    assert week.files == 3


def test_generate_writes_one_stream_of_rows_whatever_the_rotation(tmp_path: Path) -> None:
    joined = []
    for rotate in ("15m", "1h", "1d"):
        out = tmp_path / rotate
        report = generate(out, services=["sms"], start=START, days=1, rate=RATE, seed=5, rotate=rotate)
        files = sorted((out / "cdr" / "sms").iterdir())
        assert report.files == len(files) == {"15m": 96, "1h": 24, "1d": 1}[rotate]
        rows = [line for path in files for line in path.read_text().splitlines()[1:]]
        assert report.rows == len(rows) == report.rows_by_service["sms"]
        assert report.bytes == sum(path.stat().st_size for path in files)
        joined.append(rows)
    assert joined[0] == joined[1] == joined[2]


def test_generate_puts_every_row_in_the_file_of_its_hour(tmp_path: Path) -> None:
    generate(tmp_path, services=["voip"], start=START, days=1, rate=RATE, seed=5, rotate="1h")
    for path in (tmp_path / "cdr" / "voip").iterdir():
        hour = path.stem.split("-", 1)[1]
        header, *rows = path.read_text().splitlines()
        end = header.split(",").index("end_time")
        assert {row.split(",")[end][:13].replace("-", "").replace("T", "-") for row in rows} <= {hour}


@pytest.mark.parametrize(
    ("service", "layout"),
    [
        ("voip", "voip-busyhour"),
        ("voip", "voip-public"),
        ("voip", "voip-public-undated"),
        ("sms", "sms-busyhour"),
        ("sms", "mobile-public"),
        ("sms", "mobile-public-semicolon"),
        ("epc", "epc-busyhour"),
    ],
)
def test_generate_writes_the_header_of_the_layout(tmp_path: Path, service: str, layout: str) -> None:
    generate(
        tmp_path, services=[service], start=START, days=1, rate=200, seed=5, rotate="1d", layouts={service: layout}
    )
    expected = load_layouts()[layout]
    lines = (tmp_path / "cdr" / service / f"{service}-20261109.csv").read_text().splitlines()
    assert lines[0] == expected.separator.join(expected.header)
    assert {line.count(expected.separator) for line in lines} == {len(expected.header) - 1}


def test_generate_keeps_to_the_rate_and_the_shape_of_the_week() -> None:
    import numpy as np

    from datagen.pipeline import tables

    run = plan(services=["voip"], start=START, days=7, rate=20_000, seed=3)
    hours = np.concatenate([table["_time"].values for table in tables(run, "voip")]) // 3_600_000 - run.first * 24
    assert hours.size == pytest.approx(140_000, rel=0.05)
    by_hour = np.bincount(hours, minlength=168).reshape(7, 24)
    busiest = by_hour[:5].sum(axis=0).argmax()
    assert 9 <= busiest <= 12
    assert by_hour[:5, busiest].mean() > 10 * by_hour[:5, 3].mean()
    assert by_hour[5:].sum(axis=1).mean() < 0.75 * by_hour[:5].sum(axis=1).mean()


def test_generate_reports_progress_to_the_end(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    generate(tmp_path, start=START, days=2, rate=50, seed=5, progress=lambda *step: seen.append(step))
    assert [done for _, done, _ in seen] == list(range(1, 7))
    assert seen[-1] == ("generate epc", 6, 6)


def test_generate_leaves_only_whole_files_when_it_is_killed(tmp_path: Path) -> None:
    request = "start=date(2026, 11, 9), days=4, rate=1500, seed=5, rotate='1h'"
    program = (
        "from datetime import date; from pathlib import Path; from datagen.pipeline import generate; "
        f"generate(Path({str(tmp_path / 'killed')!r}), {request})"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    while len(list((tmp_path / "killed").rglob("*.csv"))) < 40 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    generate(tmp_path / "whole", start=START, days=4, rate=1500, seed=5, rotate="1h")
    whole, killed = contents(tmp_path / "whole"), contents(tmp_path / "killed")
    finished = {name: content for name, content in killed.items() if not Path(name).name.startswith(".")}
    assert 40 <= len(finished) < len(whole)
    assert all(whole[name] == content for name, content in finished.items())
    assert "truth.ndjson" not in finished


def test_generate_leaves_no_part_behind_when_it_is_interrupted(tmp_path: Path) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path, start=START, days=3, rate=200, seed=5, progress=stop)
    assert not list(tmp_path.rglob("*.part"))
    assert not (tmp_path / "truth.ndjson").exists()


def test_generate_refuses_what_would_not_fit_before_the_first_byte(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"records would take about [\d.]+ TB; .* are free"):
        generate(tmp_path / "out", start=START, days=36_600, rate=1e9, seed=5)
    assert not (tmp_path / "out").exists()


def test_estimate_is_near_what_is_written(tmp_path: Path) -> None:
    request = {"start": START, "days": 7, "seed": 5, "rate": 3000}
    rows, size = estimate(plan(**request))  # type: ignore[arg-type]
    report = generate(tmp_path, **request)  # type: ignore[arg-type]
    assert rows == pytest.approx(report.rows, rel=0.1)
    assert size == pytest.approx(report.bytes, rel=0.1)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"services": ["viop"]}, "did you mean voip"),
        ({"services": []}, "at least one service"),
        ({"services": "voip"}, "must be a list"),
        ({"days": 0}, "days 0"),
        ({"days": 1.5}, "days 1.5"),
        ({"seed": -1}, "seed -1"),
        ({"rate": 0}, "rate of voip"),
        ({"rate": {"smss": 5}}, "did you mean sms"),
        ({"rate": float("nan")}, "rate of voip"),
        ({"rotate": "7h"}, "rotate '7h' does not divide a day"),
        ({"rotate": "0lines"}, "is no rotation"),
        ({"start": datetime(2026, 11, 9, 10, tzinfo=UTC)}, "not the beginning of a day"),
        ({"start": date(1969, 1, 1)}, "before 1970"),
        ({"layouts": {"voip": "voip-publik"}}, "did you mean voip-public"),
        ({"layouts": {"voip": "sms-busyhour"}}, "is not of service voip"),
    ],
)
def test_generate_refuses_a_bad_argument_by_name(tmp_path: Path, change: dict[str, object], complaint: str) -> None:
    request = {"start": START, "days": 1, "seed": 5, **change}
    with pytest.raises(DefinitionError, match=complaint):
        generate(tmp_path / "out", **request)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_generate_refuses_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        generate(tmp_path / "file" / "out", start=START, days=1, seed=5)


def test_generate_refuses_a_folder_of_another_run(tmp_path: Path) -> None:
    generate(tmp_path, services=["sms"], start=START, days=1, rate=100, seed=5, rotate="1d")
    before = contents(tmp_path)
    generate(tmp_path, services=["sms"], start=START, days=1, rate=100, seed=5, rotate="1d")
    assert contents(tmp_path) == before
    with pytest.raises(UserError, match="another seed"):
        generate(tmp_path, services=["sms"], start=START, days=1, rate=100, seed=6, rotate="1d")
    (tmp_path / "run.json").unlink()
    with pytest.raises(UserError, match=r"cdr/sms/sms-20261109.csv is not of this run"):
        generate(tmp_path, services=["sms"], start=START, days=1, rate=100, seed=5, rotate="1d")
    assert contents(tmp_path) == {name: content for name, content in before.items() if name != "run.json"}


def test_generate_names_the_incidents_outside_its_days(tmp_path: Path) -> None:
    rows = default_incidents(datetime(2026, 11, 12, tzinfo=UTC))
    report = generate(tmp_path, services=["voip", "sms"], start=START, days=1, rate=100, seed=5, incidents=rows)
    truth = [json.loads(line) for line in report.truth.read_text().splitlines()]
    assert [row["type"] for row in truth] == ["trunk_outage", "sms_backlog"]
    assert report.incidents == 2
    assert len(report.outside) == 4


@pytest.mark.parametrize("today", [date(2026, 11, day) for day in range(14, 29)])
def test_demo_start_ends_the_run_on_a_friday_before_today(today: date) -> None:
    end = date.fromordinal(demo_start(today).toordinal() + 27)
    assert end.strftime("%A") == "Friday"
    assert 1 <= (today - end).days <= 7
