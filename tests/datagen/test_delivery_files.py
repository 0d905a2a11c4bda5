"""Files as a switch delivers them: rotated, packed, late, twice; by several processes, after a kill, on a full disk."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.errors import DefinitionError, OperatorError, UserError
from datagen import generate
from datagen.delivery import Faults, faults
from datagen.outfile import again_name
from datagen.pipeline import plan
from datagen.room import check_room
from datagen.rotation import Rotation, rotation
from mediation.formats.ts32297 import file_facts
from mediation.sources.sequence import Arrival, findings

START = date(2026, 11, 9)
ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "mediation" / "sources" / "sources.yml"
SMALL: dict[str, Any] = {"start": START, "days": 2, "rate": 300, "seed": 5, "rotate": "6h"}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def deliveries(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "deliveries.ndjson").read_bytes().splitlines()]


def rows_of(folder: Path) -> list[str]:
    return [line for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()[1:]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15m", Rotation(step=900_000)),
        ("1d", Rotation(step=86_400_000)),
        ("10MB", Rotation(size=10_000_000)),
        ("50000lines", Rotation(lines=50_000)),
    ],
)
def test_rotation_is_by_time_size_or_count(text: str, expected: Rotation) -> None:
    assert rotation(text) == expected


@pytest.mark.parametrize("text", ["", "7m", "0h", "1w", "-1h", "10", "1.5MB", "2d"])
def test_rotation_refuses_what_is_none(text: str) -> None:
    with pytest.raises(DefinitionError, match="rotate"):
        rotation(text)


@pytest.mark.parametrize("rotate", ["100lines", "15kB"])
def test_rotation_by_size_keeps_every_row_in_order_and_its_limit(tmp_path: Path, rotate: str) -> None:
    generate(tmp_path / "time", services=["voip"], **{**SMALL, "rotate": "1d"})
    generate(tmp_path / "size", services=["voip"], **{**SMALL, "rotate": rotate})
    folder = tmp_path / "size" / "cdr" / "voip"
    assert rows_of(folder) == rows_of(tmp_path / "time" / "cdr" / "voip")
    found = deliveries(tmp_path / "size")
    assert len(found) > 6
    limit, measure = (100, "records") if rotate == "100lines" else (15_000, "bytes")
    assert all(row[measure] <= limit for row in found)
    assert sum(row[measure] > 0.9 * limit for row in found) >= len(found) - 2  # all but the last of each day


def test_gzip_packs_the_same_bytes(tmp_path: Path) -> None:
    generate(tmp_path / "plain", services=["sms"], **SMALL)
    for name in ("one", "two"):
        generate(tmp_path / name, services=["sms"], gzip=True, **SMALL)
    packed, plain = contents(tmp_path / "one" / "cdr"), contents(tmp_path / "plain" / "cdr")
    assert packed == contents(tmp_path / "two" / "cdr")
    assert {name.removesuffix(".gz"): gzip.decompress(content) for name, content in packed.items()} == plain


def test_numbered_files_are_numbered_without_a_gap(tmp_path: Path) -> None:
    generate(tmp_path, services=["voip"], numbered=True, **SMALL)
    names = sorted(path.name for path in (tmp_path / "cdr" / "voip").iterdir())
    numbers = [int(name.split("_-_")[1].split(".")[0]) for name in names]
    assert numbers == list(range(numbers[0], numbers[0] + 8))
    assert names[1].startswith("voip_-_") and names[1].endswith(".20261109_-_0600.csv")


def test_ber_files_say_their_number_period_and_count(tmp_path: Path) -> None:
    generate(tmp_path, services=["epc"], layouts={"epc": "ts32298"}, **SMALL)
    facts = []
    for row in deliveries(tmp_path):
        with (tmp_path / "cdr" / row["file"]).open("rb") as stream:
            found = file_facts(stream)
        assert found is not None
        assert (found.cdrs, found.length) == (row["records"], row["bytes"])
        facts.append(found)
    assert [each.sequence for each in facts] == list(range(facts[0].sequence, facts[0].sequence + 8))
    assert [each.opened for each in facts[:2]] == ["11-09T00:00+00:00", "11-09T06:00+00:00"]


def test_late_and_double_files_are_delivered_as_the_manifest_says(tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = generate(out, services=["voip"], late="30%:45m", duplicate="20%", **{**SMALL, "rotate": "1h"})
    found = deliveries(out)
    late = [row for row in found if "late_s" in row and "duplicate_of" not in row]
    twice = [row for row in found if "duplicate_of" in row]
    assert 5 <= len(late) == report.late <= 25
    assert 3 <= len(twice) == report.duplicates <= 20
    for row in found:
        path = out / "cdr" / row["file"]
        moment = datetime.fromisoformat(row["delivered"]).timestamp()
        assert path.stat().st_mtime == pytest.approx(moment, abs=1e-3)
    for row in late:
        ended = datetime.fromisoformat(row["end"]).timestamp()
        assert datetime.fromisoformat(row["delivered"]).timestamp() - ended == 45 * 60
    for row in twice:
        assert (out / "cdr" / row["file"]).read_bytes() == (out / "cdr" / row["duplicate_of"]).read_bytes()
    generate(tmp_path / "plain", services=["voip"], **{**SMALL, "rotate": "1h"})
    plain = contents(tmp_path / "plain" / "cdr")
    assert {name: content for name, content in contents(out / "cdr").items() if "-again" not in name} == plain


def test_file_faults_of_a_scenario_are_carried_out_and_named_in_the_truth(tmp_path: Path) -> None:
    rows = [
        {
            "type": "late_files",
            "place": "voip",
            "start": "2026-11-09T06:00:00Z",
            "end": "2026-11-09T12:00:00Z",
            "id": "L",
        },
        {
            "type": "duplicate_files",
            "place": "sms",
            "start": "2026-11-09T06:00:00Z",
            "end": "2026-11-09T12:00:00Z",
            "id": "D",
        },
        {
            "type": "silent_feed",
            "place": "epc",
            "start": "2026-11-09T06:00:00Z",
            "end": "2026-11-09T12:00:00Z",
            "id": "S",
        },
    ]
    generate(tmp_path, incidents=rows, **{**SMALL, "days": 1, "rotate": "1h"})
    found = deliveries(tmp_path)
    truth = {row["id"]: row for row in map(json.loads, (tmp_path / "truth.ndjson").read_bytes().splitlines())}
    late = [row["file"] for row in found if "late_s" in row]
    assert len(late) == 6 and truth["L"]["files"] == late
    twice = [row["duplicate_of"] for row in found if "duplicate_of" in row]
    assert len(twice) == 6 and truth["D"]["files"] == twice
    silent = [name for name in truth["S"]["files"] if (tmp_path / "cdr" / name).exists()]
    assert silent == [] and len(truth["S"]["files"]) == 6
    assert Counter(row["service"] for row in found) == {"voip": 24, "sms": 30, "epc": 18}


@pytest.mark.parametrize(
    ("late", "duplicate", "complaint"),
    [
        ("2%", None, "late '2%'"),
        ("200%:1m", None, "more than all"),
        (None, "half", "duplicate 'half'"),
        ("2%:45", None, "late"),
    ],
)
def test_faults_refuse_what_is_no_share(late: str | None, duplicate: str | None, complaint: str) -> None:
    with pytest.raises(DefinitionError, match=complaint):
        faults(late, duplicate)


def test_faults_are_read_from_words() -> None:
    assert faults("2%:45m", "1%") == Faults(0.02, 2_700_000, 0.01)
    assert not faults(None, None).any


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("voip-20261109-10.csv", "voip-20261109-10-again.csv"),
        ("a.cdr.json.gz", "a-again.cdr.json.gz"),
        ("voip_-_000497842.20261101_-_1000.csv.gz", "voip_-_000497842.20261101_-_1000-again.csv.gz"),
    ],
)
def test_a_second_delivery_keeps_the_ending_of_the_name(name: str, again: str) -> None:
    assert again_name(name) == again


def test_a_call_takes_two_files_where_its_format_has_two(tmp_path: Path) -> None:
    report = generate(tmp_path, services=["voip"], layouts={"voip": "cucm-cdr"}, **SMALL)
    found = Counter()
    for row in deliveries(tmp_path):
        found[row["layout"]] += row["records"]
    assert set(found) == {"cucm-cdr", "cucm-cmr"}
    calls = [
        row for path in (tmp_path / "cdr" / "voip").iterdir() for row in csv.DictReader(path.read_text().splitlines())
    ]
    answered = sum(call["cdrRecordType"] == "1" and call["dateTimeConnect"] != "0" for call in calls)
    assert found["cucm-cmr"] == 2 * answered > 0
    assert report.rows == sum(found.values())


def test_workers_write_the_same_bytes(tmp_path: Path) -> None:
    rows = [{"type": "trunk_outage", "place": "TG2", "start": "2026-11-09T10:00:00Z", "duration": "30h"}]
    for workers in (1, 2):
        generate(tmp_path / str(workers), incidents=rows, workers=workers, late="10%:1h", **SMALL)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_a_killed_run_resumes_behind_its_complete_days_with_the_same_bytes(tmp_path: Path) -> None:
    request = "start=date(2026, 11, 9), days=3, rate=2000, seed=5, rotate='1h', workers=2"
    program = (
        "from datetime import date; from pathlib import Path; from datagen.pipeline import generate\n"
        f"if __name__ == '__main__': generate(Path({str(tmp_path / 'killed')!r}), {request})"
    )
    (tmp_path / "program.py").write_text(program)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py")], env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT
    )
    days = tmp_path / "killed" / ".days"
    while len(list(days.glob("*.json"))) < 3 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    time.sleep(1)  # for its workers to see it
    report = generate(tmp_path / "killed", start=START, days=3, rate=2000, seed=5, rotate="1h")
    assert 3 <= report.resumed < 9
    generate(tmp_path / "whole", start=START, days=3, rate=2000, seed=5, rotate="1h")
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_a_complete_day_is_made_again_when_a_file_is_not_as_it_was(tmp_path: Path) -> None:
    generate(tmp_path, services=["voip"], **SMALL)
    before = contents(tmp_path)
    file = next((tmp_path / "cdr" / "voip").iterdir())
    file.write_bytes(file.read_bytes().replace(b"1", b"2"))
    report = generate(tmp_path, services=["voip"], **SMALL)
    assert report.resumed == 1
    assert contents(tmp_path) == before


def test_much_of_the_disk_is_asked_about_and_what_cannot_fit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = plan(services=["voip"], start=START, days=10, rate=100_000, seed=1)
    free = [600_000_000]
    monkeypatch.setattr("datagen.room.shutil.disk_usage", lambda path: type("Usage", (), {"free": free[0]}))
    asked: list[str] = []

    def answer(question: str) -> bool:
        asked.append(question)
        return len(asked) > 1

    with pytest.raises(UserError, match="say --yes"):
        check_room(tmp_path, run, None)
    with pytest.raises(UserError, match="nothing was written"):
        check_room(tmp_path, run, answer)
    check_room(tmp_path, run, answer)
    assert "records would take about" in asked[0] and "600 MB are free" in asked[0]
    free[0] = 100_000_000
    with pytest.raises(UserError, match="fewer days"):
        check_room(tmp_path, run, lambda question: True)
    free[0] = 10**12
    check_room(tmp_path, run, None)


@pytest.mark.parametrize("rotate", ["1h", "100lines"])
def test_a_missing_number_is_seen_and_a_second_delivery_is_not_taken_for_another_file(
    tmp_path: Path, rotate: str
) -> None:
    request = {**SMALL, "rotate": rotate, "days": 3}
    generate(tmp_path, services=["voip"], numbered=True, duplicate="20%", **request)
    rows = sorted(deliveries(tmp_path), key=lambda row: (row["delivered"], row["file"]))
    name = re.compile(next(iter(yaml.safe_load(TABLE.read_text("utf-8"))["sources"]))["file"])

    def arrivals(rows: list[dict[str, Any]]) -> list[Arrival]:
        found = []
        for row in rows:
            match = name.fullmatch(Path(row["file"]).name)
            assert match is not None and match["source"] == "voip"
            moment = datetime.fromisoformat(row["delivered"]).timestamp()
            found.append(Arrival(int(match["sequence"]), moment, row["file"], str(row["crc32"])))
        return found

    missing, repeated = findings(arrivals(rows))
    assert missing == [] and repeated and all(each.same for each in repeated)
    gone = [row["file"] for row in rows if "duplicate_of" not in row][5]
    missing, _ = findings(arrivals([row for row in rows if gone not in (row["file"], row.get("duplicate_of"))]))
    assert [each.files for each in missing] == [1]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_disk_that_fills_up_is_said_and_leaves_whole_files(tmp_path: Path, workers: int) -> None:
    blocked = tmp_path / "cdr" / "voip" / ".voip-20261110-00.csv.part"
    (tmp_path / "cdr" / "voip").mkdir(parents=True)
    blocked.mkdir()  # stands for a file that cannot be opened
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(OperatorError, match=r"cannot be written: .*directory"):
        generate(tmp_path, services=["voip", "sms"], workers=workers, **SMALL)
    assert [path for path in tmp_path.rglob("*.part") if path.is_file()] == []
    blocked.rmdir()
    report = generate(tmp_path, services=["voip", "sms"], **SMALL)
    assert report.resumed >= 1
