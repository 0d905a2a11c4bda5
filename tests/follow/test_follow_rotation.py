"""Files that are rotated, truncated, replaced and removed, looked on or not: every line once, books that balance."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.indices import CDR_INDEX
from mediation.follow import follow
from tests.follow.following import append, balanced, by_name, lines_of, never_quiet, rows_of, until, worker

if TYPE_CHECKING:
    from infrastructure.store import Store


def records(store: Store) -> int:
    store.refresh(*CDR_INDEX.values())
    return sum(store.count(name) for name in CDR_INDEX.values())


def test_follow_reads_a_rotated_file_to_its_end_when_another_takes_its_name(quick: Store, tmp_path: Path) -> None:
    lines, others = lines_of(tmp_path, 200), lines_of(tmp_path, 100, seed=2)
    path, rotated = tmp_path / "calls.csv", tmp_path / "calls.csv.1"
    append(path, lines[:101])
    with worker(quick, tmp_path) as follower:
        follower.until_said("opened")
        append(path, lines[101:150])
        path.rename(rotated)
        append(path, others[:51])
        append(rotated, lines[150:])  # the writer has not noticed yet
        append(path, others[51:])
        follower.until_said("closed", times=2)
    rows = by_name(quick)
    assert sorted(row["lines"] for row in rows["calls.csv"]) == [100, 200]
    assert set(rows) == {"calls.csv"}
    assert records(quick) == 300
    balanced(quick)


def test_follow_knows_a_file_again_when_it_was_rotated_while_nobody_looked(quick: Store, tmp_path: Path) -> None:
    lines, others = lines_of(tmp_path, 200), lines_of(tmp_path, 100, seed=2)
    path = tmp_path / "calls.csv"
    append(path, lines[:120])
    settings = never_quiet(quick)
    with worker(quick, tmp_path):
        until(lambda: by_name(quick).get("calls.csv", [{}])[0].get("lines") == 119)
    quick.settings = settings
    append(path, lines[120:])
    path.rename(tmp_path / "calls.csv.1")
    append(path, others)
    report = follow(quick, [tmp_path], once=True)
    assert (report.counts.lines, report.counts.duplicate) == (81 + 100, 0)
    for name in ("calls.csv.1", "calls.csv"):
        (tmp_path / name).rename(tmp_path / f"{name}.older")
    assert follow(quick, [tmp_path], once=True).counts.lines == 0
    assert sorted(row["lines"] for row in by_name(quick)["calls.csv"]) == [100, 200]
    balanced(quick)


def test_follow_goes_on_in_the_copy_when_a_file_is_copied_and_truncated(quick: Store, tmp_path: Path) -> None:
    lines, others = lines_of(tmp_path, 200), lines_of(tmp_path, 100, seed=2)
    path = tmp_path / "calls.csv"
    append(path, lines[:101])
    with worker(quick, tmp_path) as follower:
        follower.until_said("opened")
        append(path, lines[101:])
        shutil.copy(path, tmp_path / "calls.csv.1")
        with path.open("r+b") as stream:
            stream.truncate()
        append(path, others)
        follower.until_said("closed", times=2)
    assert sorted(row["lines"] for row in by_name(quick)["calls.csv"]) == [100, 200]
    assert records(quick) == 300
    balanced(quick)


def test_follow_knows_the_copy_when_a_closed_file_is_copied_and_truncated(quick: Store, tmp_path: Path) -> None:
    lines, others = lines_of(tmp_path, 200), lines_of(tmp_path, 100, seed=2)
    path = tmp_path / "calls.csv"
    append(path, lines)
    assert follow(quick, [tmp_path], once=True).counts.lines == 200
    shutil.copy(path, tmp_path / "calls.csv.1")
    path.write_bytes(b"".join(others))
    report = follow(quick, [tmp_path], once=True)
    assert (report.counts.lines, report.counts.duplicate) == (100, 0)
    assert sorted(row["lines"] for row in by_name(quick)["calls.csv"]) == [100, 200]
    balanced(quick)


def test_follow_keeps_two_books_when_a_file_is_written_anew_in_place(quick: Store, tmp_path: Path) -> None:
    lines, others = lines_of(tmp_path, 200), lines_of(tmp_path, 300, seed=2)
    path = tmp_path / "calls.csv"
    append(path, lines)
    with worker(quick, tmp_path) as follower:
        until(lambda: by_name(quick).get("calls.csv", [{}])[0].get("lines") == 200)
        path.write_bytes(b"".join(others))
        until(lambda: {row["lines"] for row in by_name(quick)["calls.csv"] if row["state"] == "closed"} == {200, 300})
    assert records(quick) == 500
    balanced(quick)
    assert follower.report is not None
    assert (follower.report.closed, follower.report.counts.lines) == (2, 500)


def test_follow_tells_files_apart_that_begin_with_the_same_kilobyte(quick: Store, tmp_path: Path) -> None:
    lines = lines_of(tmp_path, 300)
    path = tmp_path / "calls.csv"
    append(path, lines[:101])
    follow(quick, [tmp_path], once=True)
    path.write_bytes(b"".join([*lines[:20], *lines[201:]]))  # the same header and first lines
    report = follow(quick, [tmp_path], once=True)
    assert (report.counts.indexed, report.counts.duplicate) == (100, 19)
    first, second = sorted(rows_of(quick), key=len)
    assert second == f"{first}-2"
    assert records(quick) == 200
    balanced(quick)
    path.write_bytes(b"".join([*lines[:20], *lines[101:150]]))
    append(tmp_path / "other.csv", [*lines[:20], *lines[150:201]])
    follow(quick, [tmp_path], once=True)
    assert records(quick) == 300
    balanced(quick)


def test_follow_notices_content_written_over_what_it_reads(quick: Store, tmp_path: Path) -> None:
    lines, others = lines_of(tmp_path, 9_000), lines_of(tmp_path, 10_000, seed=2)
    path = tmp_path / "calls.csv"
    append(path, lines)
    with worker(quick, tmp_path) as follower:
        follower.until_said("opened")
        path.write_bytes(b"".join(others))
        follower.until_said("closed")
        until(lambda: all(row["state"] == "closed" for row in rows_of(quick).values()))
    read = {row["lines"] for row in rows_of(quick).values()}
    assert 10_000 in read
    assert records(quick) == sum(read)
    balanced(quick)


def test_follow_reads_a_file_to_its_end_when_it_is_removed(quick: Store, tmp_path: Path) -> None:
    lines = lines_of(tmp_path, 200)
    path = tmp_path / "calls.csv"
    append(path, lines[:150])
    with worker(quick, tmp_path) as follower:
        follower.until_said("opened")
        append(path, [*lines[150:200], lines[200].rstrip(b"\n")])
        path.unlink()
        follower.until_said("closed")
    assert by_name(quick)["calls.csv"][0]["lines"] == 200
    balanced(quick)


def test_follow_closes_the_books_of_files_that_went_while_nobody_looked(quick: Store, tmp_path: Path) -> None:
    lines = lines_of(tmp_path, 200)
    path = tmp_path / "calls.csv"
    append(path, lines)
    settings = never_quiet(quick)
    with worker(quick, tmp_path):
        until(lambda: by_name(quick).get("calls.csv", [{}])[0].get("lines") == 200)
    quick.settings = settings
    assert by_name(quick)["calls.csv"][0]["state"] == "open"
    path.unlink()
    with worker(quick, tmp_path) as follower:
        follower.until_said("gone")
    assert by_name(quick)["calls.csv"][0]["lines"] == 200
    balanced(quick)


def test_follow_counts_duplicates_when_a_file_is_delivered_under_two_names(quick: Store, tmp_path: Path) -> None:
    lines = lines_of(tmp_path, 200)
    append(tmp_path / "a.csv", lines)
    follow(quick, [tmp_path], once=True)
    append(tmp_path / "b.csv", lines)
    report = follow(quick, [tmp_path], once=True)
    assert (report.closed, report.counts.duplicate, report.counts.indexed) == (1, 200, 0)
    balanced(quick)


def test_follow_moves_finished_files_away_and_overwrites_none(quick: Store, tmp_path: Path) -> None:
    inbox, done = tmp_path / "in", tmp_path / "in" / "done"
    (inbox / "deep").mkdir(parents=True)
    for seed in (1, 2):
        append(inbox / "deep" / "calls.csv", lines_of(tmp_path, 50, seed=seed))
        assert follow(quick, [inbox], once=True, done=done).closed == 1
        assert not (inbox / "deep" / "calls.csv").exists()
    assert sorted(path.name for path in (done / "deep").iterdir()) == ["calls.csv", "calls.csv.1"]
    assert records(quick) == 100
    balanced(quick)
