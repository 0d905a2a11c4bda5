"""Files that come and grow: the same documents and books as `ingest` of the finished file, whatever the order of events."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mediation.follow import follow
from mediation.suspense import Selection, discard
from tests.follow.following import (
    append,
    as_ingested,
    balanced,
    by_name,
    documents,
    lines_of,
    never_quiet,
    rows_of,
    until,
    worker,
)

if TYPE_CHECKING:
    from infrastructure.store import Store


def test_follow_gives_the_books_of_ingest_when_a_file_grows_in_pieces(quick: Store, tmp_path: Path) -> None:
    lines = lines_of(tmp_path, 300)
    lines[50] = b"no record\n"
    lines[60:60] = lines[10:20]
    whole = b"".join(lines)
    path = tmp_path / "calls.csv"
    chance = random.Random(3)
    cuts = sorted(chance.randrange(len(whole)) for _ in range(12))
    with worker(quick, tmp_path) as follower:
        for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            append(path, [whole[start:end]])
            follower.stop.wait(chance.choice((0.0, 0.05)))
        follower.until_said("closed")
    (row,) = by_name(quick)["calls.csv"]
    assert (row["lines"], row["indexed"], row["duplicate"], row["rejected"]) == (310, 299, 10, 1)
    as_ingested(quick, tmp_path)


def test_follow_shows_an_open_row_with_its_counts_while_a_file_grows(quick: Store, tmp_path: Path) -> None:
    lines = lines_of(tmp_path)
    path = tmp_path / "calls.csv"
    append(path, lines[:101])
    never_quiet(quick)
    with worker(quick, tmp_path) as follower:
        until(lambda: by_name(quick).get("calls.csv", [{}])[0].get("lines") == 100)
        assert by_name(quick)["calls.csv"][0]["state"] == "open"
        (tmp_path / "calls.csv.done").touch()
        follower.until_said("closed")
        assert by_name(quick)["calls.csv"][0]["state"] == "closed"
        append(path, lines[101:])
        follower.until_said("resumed")
        follower.until_said("closed", times=2)
    assert by_name(quick)["calls.csv"][0]["lines"] == 200
    as_ingested(quick, tmp_path)


def test_follow_takes_an_unfinished_last_line_when_the_file_is_finished_only(quick: Store, tmp_path: Path) -> None:
    lines = lines_of(tmp_path)
    path = tmp_path / "calls.csv"
    append(path, [*lines[:50], lines[50][:30]])
    never_quiet(quick)
    with worker(quick, tmp_path) as follower:
        until(lambda: by_name(quick).get("calls.csv", [{}])[0].get("lines") == 49)
        append(path, [lines[50][30:], lines[51].rstrip(b"\n")])
        until(lambda: by_name(quick)["calls.csv"][0]["lines"] == 50)
        (tmp_path / "calls.csv.done").touch()
        follower.until_said("closed")
    assert by_name(quick)["calls.csv"][0]["lines"] == 51
    as_ingested(quick, tmp_path)


def test_follow_reads_a_last_line_again_when_it_grows_after_the_file_was_closed(quick: Store, tmp_path: Path) -> None:
    lines = lines_of(tmp_path)
    path = tmp_path / "calls.csv"
    append(path, [*lines[:50], lines[50].rstrip(b"\n")])
    follow(quick, [tmp_path], once=True)
    append(path, [b"\n", *lines[51:]])
    report = follow(quick, [tmp_path], once=True)
    assert (report.counts.indexed, report.counts.duplicate, report.counts.lines) == (150, 1, 151)
    as_ingested(quick, tmp_path)


def test_follow_waits_for_a_fingerprint_and_keeps_it_when_a_short_file_was_finished(
    quick: Store, tmp_path: Path
) -> None:
    lines = lines_of(tmp_path)
    path = tmp_path / "calls.csv"
    append(path, lines[:3])
    assert path.stat().st_size < 1024
    with worker(quick, tmp_path) as follower:
        follower.until_said("closed")
        (short,) = rows_of(quick)
        append(path, lines[3:])
        follower.until_said("closed", times=2)
    assert list(rows_of(quick)) == [short]
    assert by_name(quick)["calls.csv"][0]["lines"] == by_name(quick)["calls.csv"][0]["indexed"] == 200
    balanced(quick)
    assert follow(quick, [tmp_path], once=True).closed == 0


def test_follow_once_does_nothing_when_nothing_changed(quick: Store, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "deep"
    folder.mkdir(parents=True)
    for number in range(7):
        append(folder / f"{number}.csv", lines_of(tmp_path, 30, seed=number))
    first = follow(quick, [tmp_path], once=True)
    assert (first.closed, first.counts.lines, first.counts.indexed) == (7, 210, 210)
    before = documents(quick), rows_of(quick)
    again = follow(quick, [tmp_path], once=True)
    assert (again.closed, again.counts.lines, again.ok) == (0, 0, True)
    assert (documents(quick), rows_of(quick)) == before
    as_ingested(quick, tmp_path)


def test_follow_closes_at_once_when_a_marker_or_the_name_says_that_a_file_is_finished(
    quick: Store, tmp_path: Path
) -> None:
    never_quiet(quick)
    lines = lines_of(tmp_path)
    append(tmp_path / "marked.csv", lines[:20])
    append(tmp_path / "named.csv", [*lines[:1], *lines[20:40], lines[40].rstrip(b"\n")])
    append(tmp_path / "growing.csv", [*lines[:1], *lines[50:90]])
    with worker(quick, tmp_path) as follower:
        follower.until_said("opened", "growing.csv")
        follower.until_said("opened", "named.csv")
        (tmp_path / "named.csv").rename(tmp_path / "named.csv.done")
        (tmp_path / "marked.csv.done").touch()
        follower.until_said("closed", times=2)
    rows = by_name(quick)
    assert {name: (row["state"], row["lines"]) for name, (row,) in rows.items()} == {
        "marked.csv": ("closed", 19),
        "named.csv": ("closed", 21),
        "growing.csv": ("open", 40),
    }


@pytest.mark.parametrize("when", [0, 2**31, 4102444800])
def test_follow_takes_files_whose_time_is_wrong(quick: Store, tmp_path: Path, when: int) -> None:
    path = tmp_path / "calls.csv"
    lines = lines_of(tmp_path)
    append(path, lines[:100])
    os.utime(path, (when, when))
    with worker(quick, tmp_path) as follower:
        follower.until_said("opened")
        append(path, lines[100:])
        os.utime(path, (when, when))
        follower.until_said("closed")
    as_ingested(quick, tmp_path)


def test_follow_keeps_books_of_empty_and_blank_files_as_ingest_does(quick: Store, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    (tmp_path / "blank.csv").write_bytes(b"\xef\xbb\xbf\r\n\n")
    (tmp_path / "header.csv").write_bytes(lines_of(tmp_path)[0])
    assert follow(quick, [tmp_path], once=True).closed == 3
    as_ingested(quick, tmp_path)


def test_follow_rejects_a_line_longer_than_a_slice_as_ingest_does(quick: Store, tmp_path: Path) -> None:
    lines = lines_of(tmp_path)
    path = tmp_path / "calls.csv"
    never_quiet(quick)
    with worker(quick, tmp_path) as follower:
        append(path, [*lines[:50], b"9" * 1_500_000])
        follower.until_said("opened")
        append(path, [b"8" * 2_000_000])
        follower.stop.wait(0.2)
        append(path, [b"7" * 10, b"\n", *lines[50:]])
        path = path.rename(tmp_path / "calls.csv.done")
        follower.until_said("closed")
        path.rename(tmp_path / "calls.csv")
    assert by_name(quick)["calls.csv"][0]["reasons"] == {"line_too_long": 1}
    as_ingested(quick, tmp_path)


def test_follow_keeps_what_became_of_rejects_while_a_file_is_open(quick: Store, tmp_path: Path) -> None:
    lines = lines_of(tmp_path)
    path = tmp_path / "calls.csv"
    append(path, [*lines[:50], b"no record\n", b"nor this one\n"])
    never_quiet(quick)
    with worker(quick, tmp_path) as follower:
        until(lambda: by_name(quick).get("calls.csv", [{}])[0].get("rejected") == 2)
        quick.refresh("cdr-reject")
        assert discard(quick, Selection(), by="anna", why="a test line").discarded == 2
        append(path, lines[50:])
        (tmp_path / "calls.csv.done").touch()
        follower.until_said("closed")
    (row,) = by_name(quick)["calls.csv"]
    assert (row["state"], row["lines"], row["rejected"], row["discarded"]) == ("closed", 202, 2, 2)
    balanced(quick)
