"""Several workers, and workers that die: no file is done twice, nothing is lost, the ledger is right whoever did what."""

from __future__ import annotations

import json
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from contracts.clock import iso
from mediation.follow import follow
from tests.follow.following import append, balanced, by_name, lines_of, never_quiet, until, worker
from tests.follow.processes import start
from tests.follow.stepped import Clock, Stepped

if TYPE_CHECKING:
    from infrastructure.store import Store

WRITER = """
import os, random, shutil, sys, time
folder, source, seed = sys.argv[1:]
header, *lines = open(source, "rb").read().splitlines(keepends=True)
chance, turn = random.Random(int(seed)), 0
streams = {}
def start(name):
    streams[name] = open(os.path.join(folder, name), "ab", buffering=0)
    streams[name].write(header)
for name in ("a.csv", "b.csv", "c.csv"):
    start(name)
while lines:
    name = chance.choice(sorted(streams))
    piece = b"".join(lines[:chance.randrange(1, 120)])
    del lines[:piece.count(b"\\n")]
    cut = chance.randrange(len(piece))
    streams[name].write(piece[:cut])
    time.sleep(chance.choice((0, 0, 0.02)))
    streams[name].write(piece[cut:])
    path, turn = os.path.join(folder, name), turn + 1
    what = chance.randrange(12)
    if what == 0:
        os.rename(path, f"{path}.{turn}")
        streams.pop(name).close()
        start(name)
    elif what == 1:
        shutil.copy(path, os.path.join(folder, f"{name}.{turn}.part"))
        os.rename(os.path.join(folder, f"{name}.{turn}.part"), f"{path}.{turn}")
        streams[name].truncate(0)
        streams[name].write(header)
    time.sleep(0.02)
"""


def checkpoints(store: Store) -> list[dict[str, Any]]:
    store.refresh("job")
    return [hit["_source"] for hit in store.scan("job", {"term": {"job.name": "follow"}})]


def test_follow_loses_and_doubles_nothing_when_workers_are_killed_while_files_rotate(
    quick: Store, environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    lines = lines_of(tmp_path, 4000)
    for place in range(100, 4000, 400):
        lines[place] = f"no record {place}\n".encode()
    (tmp_path / "lines").write_bytes(b"".join(lines))
    seed = time.time_ns() % 100_000
    chance = random.Random(seed)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder), str(tmp_path / "lines"), str(seed)])
    workers = [start(environment, folder) for _ in range(2)]
    killed = 0
    while writer.poll() is None or killed < 6:
        victim = chance.choice(workers)
        assert victim.stdout is not None
        select.select([victim.stdout], [], [], 2)  # it has begun, unless the others have done all there is
        time.sleep(chance.uniform(0, 1.0))
        victim.kill()
        assert victim.wait() == -signal.SIGKILL, f"seed {seed}"
        victim.stdout.close()
        killed += 1
        workers[workers.index(victim)] = start(environment, folder)
    for each in workers:
        each.kill()
        each.wait()
        assert each.stdout is not None
        each.stdout.close()
    assert writer.wait() == 0
    report = follow(quick, [folder], once=True)
    quick.refresh()
    assert report.ok
    assert (quick.count("cdr-voip"), quick.count("cdr-reject")) == (3990, 10), f"seed {seed}, {killed} killed"
    balanced(quick)
    rows = [row for rows in by_name(quick).values() for row in rows]
    assert sum(row["lines"] for row in rows) == 4000, f"seed {seed}: some file was done twice"
    assert {source["follow"]["state"] for source in checkpoints(quick)} == {"closed"}


def test_follow_finishes_and_gives_its_files_back_when_terminated(
    quick: Store, environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    lines = lines_of(tmp_path, 400)
    append(folder / "calls.csv", [*lines[:300], lines[300][:20]])
    running = start({**environment, "BUSYHOUR_FOLLOW_CLOSE_SEC": "600"}, folder)
    until(lambda: by_name(quick).get("calls.csv", [{}])[0].get("lines") == 299)
    running.send_signal(signal.SIGTERM)
    out, _ = running.communicate(timeout=30)
    assert running.returncode == 0
    assert [json.loads(line) for line in out.splitlines()][-1]["indexed"] == 299
    (source,) = checkpoints(quick)
    assert source["follow"] == {
        "state": "open",
        "inode": str((folder / "calls.csv").stat().st_ino),
        "offset": len(b"".join(lines[:300])),
        "head": {"bytes": 1024},
    }
    append(folder / "calls.csv", [lines[300][20:], *lines[301:]])
    began = time.monotonic()
    report = follow(quick, [folder], once=True)
    assert time.monotonic() - began < 20
    assert (report.counts.lines, report.counts.duplicate, report.closed) == (101, 0, 1)
    balanced(quick)


def test_workers_share_a_folder_without_doing_a_file_twice(quick: Store, tmp_path: Path) -> None:
    quick.settings = quick.settings.with_values(follow_lease_sec=60)  # nobody dies, however slow the machine
    for number in range(30):
        append(tmp_path / f"{number}.csv", lines_of(tmp_path, 40, seed=number))
    with worker(quick, tmp_path, once=True) as first, worker(quick, tmp_path, once=True) as second:
        pass
    assert first.report is not None
    assert second.report is not None
    assert first.report.closed + second.report.closed == 30
    assert first.report.counts.lines + second.report.counts.lines == 1200
    assert first.report.counts.duplicate + second.report.counts.duplicate == 0
    balanced(quick)


def test_worker_stops_writing_when_its_lease_was_taken_over(quick: Store, tmp_path: Path) -> None:
    lines = lines_of(tmp_path, 200)
    path = tmp_path / "calls.csv"
    append(path, lines[:101])
    never_quiet(quick)
    clock = Clock()
    first, second = Stepped(quick, tmp_path, clock), Stepped(quick, tmp_path, clock)
    first.step(3)
    second.step(3)
    assert (first.said, second.said) == ([("opened", "calls.csv")], [])
    append(path, lines[101:151])
    first.rounds._look()
    for tail in first.run.tails.values():  # it reads, and then stalls before it can save
        tail.look(clock())
        assert tail.read(first.intake)
    second.step(20)
    assert second.said == [("resumed", "calls.csv")]
    append(path, lines[151:])
    second.step(3)
    before = by_name(quick)["calls.csv"]
    assert (before[0]["state"], before[0]["lines"], before[0]["duplicate"]) == ("open", 200, 0)
    first.step(2)
    assert first.said[-1] == ("lost", "calls.csv")
    assert by_name(quick)["calls.csv"] == before
    (tmp_path / "calls.csv.done").touch()
    second.step(3)
    first.step(3)
    assert second.said[-1] == ("closed", "calls.csv")
    first.end()
    second.end()
    assert by_name(quick)["calls.csv"][0]["indexed"] == 200
    balanced(quick)


def test_worker_keeps_its_files_while_it_renews_them_whatever_the_clocks_say(
    quick: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(tmp_path / "calls.csv", lines_of(tmp_path, 100))
    never_quiet(quick)
    clock = Clock()
    first, second = Stepped(quick, tmp_path, clock), Stepped(quick, tmp_path, clock)
    first.step(2)
    far = quick.clock().replace(year=2090)
    monkeypatch.setattr(quick, "clock", lambda: far)
    for _ in range(12):
        first.step()
        second.step()
    assert second.said == []
    assert first.said == [("opened", "calls.csv")]
    (source,) = checkpoints(quick)
    assert source["event"]["ingested"] == iso(far)
    first.end()
    second.step(3)
    assert second.said == [("resumed", "calls.csv")]
    second.end()


def test_follow_takes_over_at_once_what_a_worker_gave_back_and_waits_for_what_a_dead_one_held(
    quick: Store, tmp_path: Path
) -> None:
    append(tmp_path / "calls.csv", lines_of(tmp_path, 100))
    never_quiet(quick)
    clock = Clock()
    dead = Stepped(quick, tmp_path, clock)
    dead.step(3)
    heir = Stepped(quick, tmp_path, clock)
    heir.step(3)
    assert heir.said == []
    heir.step(8)
    assert heir.said == [("resumed", "calls.csv")]
    heir.end()
    third = Stepped(quick, tmp_path, clock)
    third.step(1)
    assert third.said == [("resumed", "calls.csv")]
    third.end()
    dead.run.tails.clear()
    dead.end()
