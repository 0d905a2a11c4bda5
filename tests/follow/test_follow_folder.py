"""What a folder may hold: loops, pipes, files that may not be read, thousands of files, packed ones, files that are gone."""

from __future__ import annotations

import bz2
import ctypes
import gzip
import os
import shutil
import tempfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from contracts.errors import UserError
from mediation.follow import follow
from mediation.follow.folder import Folders
from tests.follow.following import append, as_ingested, balanced, by_name, lines_of, never_quiet, rows_of, until, worker
from tests.follow.stepped import Clock, Stepped

if TYPE_CHECKING:
    from infrastructure.store import Store

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


def names(folders: Folders) -> list[str]:
    return [Path(entry.path).name for entry in folders.scan(lambda path, error: pytest.fail(f"{path}: {error}"))]


@contextmanager
def nobody() -> Iterator[None]:
    """This thread without the rights of root on files, where it has them."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).setfsuid(65534)
    try:
        yield
    finally:
        if os.geteuid() == 0:
            ctypes.CDLL(None).setfsuid(0)


@pytest.fixture
def anyones() -> Iterator[Path]:
    """A folder that every user may list."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_folders_list_regular_files_only_and_walk_no_loop(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "loop").symlink_to(tmp_path)
    (tmp_path / "deep" / "b.csv").touch()
    (tmp_path / "a.csv").write_bytes(b"x")
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.csv")
    (tmp_path / "nothing.csv").symlink_to(tmp_path / "gone")
    os.mkfifo(tmp_path / "pipe.csv")
    for name in (".hidden.csv", "c.csv.part", "notes.md", "old.csv.gz"):
        (tmp_path / name).touch()
    assert names(Folders([tmp_path, tmp_path / "deep"], skip=["*.gz"])) == ["a.csv", "b.csv"]


def test_folders_know_who_says_done(tmp_path: Path) -> None:
    for name, content in {
        "a.csv": b"x",
        "a.csv.done": b"",
        "b.csv.done": b"x",
        "c.csv": b"x",
        "d.csv.done": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
    found = Folders([tmp_path], done_suffix=".done").scan(lambda path, error: None)
    assert {Path(entry.path).name: entry.done for entry in found} == {"a.csv": True, "b.csv.done": True, "c.csv": False}


def test_folders_tell_of_names_that_cannot_be_stored(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.csv")).write_bytes(b"x")
    told: list[str] = []
    assert not list(Folders([tmp_path]).scan(lambda path, error: told.append(error.what)))
    assert told == ["its name is not UTF-8"]


def test_looking_at_ten_thousand_files_is_cheap_in_memory(connected_store: Store, tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"{number:05d}.csv").write_bytes(b"x")
    stepped = Stepped(connected_store, tmp_path, Clock())
    tracemalloc.start()
    for _ in range(2):
        stepped.rounds._look()
    now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(stepped.run.seen) == 10_000
    assert now < 10_000 * 1000
    assert most < 10_000 * 2500


def test_follow_holds_few_files_open_and_still_reads_all(quick: Store, tmp_path: Path) -> None:
    quick.settings = never_quiet(quick).with_values(follow_open_files=3)
    lines = {number: lines_of(tmp_path, 40, seed=number) for number in range(6)}
    for number, rows in lines.items():
        append(tmp_path / f"{number}.csv", rows[:20])
    stepped = Stepped(quick, tmp_path, clock := Clock())
    most = 0
    for turn in range(26):
        stepped.rounds.round()
        clock.now += 0.1 if turn < 20 else 2.0
        most = max(most, len(stepped.run.tails))
        if turn == 10:
            for number, rows in lines.items():
                append(tmp_path / f"{number}.csv", rows[20:])
    stepped.end()
    assert most == 3
    assert [row["lines"] for row in rows_of(quick).values()] == [40] * 6
    quick.refresh()
    assert quick.count("cdr-voip") == 240


def test_follow_says_what_it_may_not_read_and_tries_again(quick: Store, anyones: Path) -> None:
    append(anyones / "calls.csv", lines_of(anyones, 50))
    append(anyones / "open.csv", lines_of(anyones, 50, seed=2))
    (anyones / "calls.csv").chmod(0)
    stepped = Stepped(quick, anyones, clock := Clock())
    with nobody():
        stepped.step(5, 1.0)
        assert ("problem", "calls.csv") in stepped.said
        assert stepped.said.count(("problem", "calls.csv")) == 1
        assert ("closed", "open.csv") in stepped.said
        assert "check that this user may read it" in stepped.run.report.problems[str(anyones / "calls.csv")].remedy
    (anyones / "calls.csv").chmod(0o644)
    with nobody():
        stepped.step(5, 1.0)
    assert stepped.run.report.ok
    assert clock.now < 1000 + 30
    stepped.end()
    balanced(quick)


def test_follow_names_files_that_no_layout_knows_and_goes_on(quick: Store, tmp_path: Path) -> None:
    (tmp_path / "unknown.csv").write_bytes(b"a,b,c\n" * 300)
    append(tmp_path / "good.csv", lines_of(tmp_path, 20))
    report = follow(quick, [tmp_path], once=True)
    assert not report.ok
    assert list(report.problems) == [str(tmp_path / "unknown.csv")]
    assert by_name(quick).keys() == {"good.csv"}
    (tmp_path / "unknown.csv").write_bytes(b"".join(lines_of(tmp_path, 30, seed=2)))
    report = follow(quick, [tmp_path], once=True)
    assert (report.ok, report.counts.lines) == (True, 30)


def test_follow_goes_on_when_files_come_and_go_while_it_looks(quick: Store, tmp_path: Path) -> None:
    lines = lines_of(tmp_path, 40)
    with worker(quick, tmp_path) as follower:
        for number in range(150):
            path = tmp_path / f"{number}.csv"
            append(path, lines)
            if number % 3:
                path.unlink()
        until(lambda: len(follower.said("closed")) >= 50)
        until(lambda: all(row["state"] == "closed" for row in rows_of(quick).values()))
    assert follower.report is not None
    assert follower.report.ok
    balanced(quick)


def test_follow_takes_packed_and_whole_files_as_ingest_does_once_they_are_finished(
    quick: Store, tmp_path: Path
) -> None:
    lines, others = lines_of(tmp_path, 100), lines_of(tmp_path, 100, seed=2)
    (tmp_path / "calls.csv.gz").write_bytes(gzip.compress(b"".join(lines)))
    (tmp_path / "calls.csv.bz2").write_bytes(bz2.compress(b"".join(others)))
    with zipfile.ZipFile(tmp_path / "calls.zip", "w") as archive:
        for seed in (3, 4):
            archive.writestr(f"{seed}.csv", b"".join(lines_of(tmp_path, 30, seed=seed)))
    (tmp_path / "wide.csv").write_bytes(b"")
    for name in ("ts32298.ber", "freeswitch-json.ndjson", "kamailio-acc-log.log", "cucm-cdr.csv", "asterisk-cdr.csv"):
        shutil.copy(SAMPLES / name, tmp_path)
    report = follow(quick, [tmp_path], once=True)
    assert report.ok, report.problems
    assert [len(by_name(quick)[name]) for name in ("calls.csv.gz", "calls.csv.bz2", "3.csv", "4.csv")] == [1, 1, 1, 1]
    assert follow(quick, [tmp_path], once=True).counts.lines == 0
    as_ingested(quick, tmp_path)


def test_follow_says_that_a_packed_file_is_damaged_and_takes_it_when_it_is_mended(quick: Store, tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(lines_of(tmp_path, 2000)))
    path = tmp_path / "calls.csv.gz"
    path.write_bytes(packed[: len(packed) // 2])
    report = follow(quick, [tmp_path], once=True)
    assert "cannot be unpacked" in report.problems[str(path)].what
    path.write_bytes(packed)
    report = follow(quick, [tmp_path], once=True)
    assert (report.ok, report.closed) == (True, 1)
    balanced(quick)


@pytest.mark.parametrize(
    ("folder", "done", "words"),
    [("gone", None, "no such folder"), ("file.csv", None, "is a file"), (".", ".", "followed folder itself")],
)
def test_follow_refuses_folders_by_name_when_they_are_wrong(
    quick: Store, tmp_path: Path, folder: str, done: str | None, words: str
) -> None:
    (tmp_path / "file.csv").touch()
    with pytest.raises(UserError, match=words):
        follow(quick, [tmp_path / folder], once=True, done=tmp_path / done if done else None)
