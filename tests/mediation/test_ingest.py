"""Files into a real store: every line one outcome, books that balance, nothing changed by doing it again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from contracts.errors import LayoutError, StoreRefused, UserError
from contracts.indices import CDR_INDEX
from mediation import ingest
from mediation.golden import outcomes
from mediation.load import load_layouts
from mediation.samples import SAMPLES, write_sample

if TYPE_CHECKING:
    from infrastructure.store import Store

LAYOUTS = load_layouts()
GOLDEN = Path(__file__).parent / "golden"
INDICES = (*CDR_INDEX.values(), "cdr-reject", "cdr-file")


def everything(store: Store) -> dict[str, dict[str, Any]]:
    """Every document, by index and id."""
    store.refresh()
    return {f"{hit['_index']}/{hit['_id']}": hit["_source"] for name in INDICES for hit in store.scan(name)}


def books(store: Store) -> dict[str, dict[str, Any]]:
    """Rows of the ledger by file name."""
    store.refresh("cdr-file")
    rows = [hit["_source"] for hit in store.scan("cdr-file")]
    return {Path(row["log"]["file"]["path"]).name: row["file"] for row in rows}


def assert_balanced(store: Store) -> None:
    """The law of the ledger, and the ledger against what is in the store."""
    rows = books(store).values()
    for row in rows:
        assert row["state"] == "closed"
        assert row["lines"] == row["indexed"] + row["duplicate"] + row["rejected"], row
    assert sum(row["indexed"] for row in rows) == sum(store.count(name) for name in CDR_INDEX.values())
    assert sum(row["rejected"] for row in rows) == store.count("cdr-reject")


def _golden(name: str) -> Path:
    return next((GOLDEN / name).glob("input.*"))


@pytest.fixture
def golden_folder(tmp_path: Path) -> Path:
    for name in LAYOUTS:
        path = _golden(name)
        (tmp_path / f"{name}{path.suffix}").write_bytes(path.read_bytes())
    return tmp_path


def test_ingest_stores_what_the_golden_pairs_say(store: Store, golden_folder: Path) -> None:
    report = ingest(store, [golden_folder])
    expected = [row for name in LAYOUTS for row in outcomes(_golden(name), LAYOUTS, limit=2**20)]
    distinct = {(row["index"], row["line"] if row["index"] == "cdr-reject" else row["id"]) for row in expected}
    assert report.ok
    assert report.lines == len(expected)
    assert report.lines == report.indexed + report.duplicate + report.rejected
    assert report.indexed == len({row["id"] for row in expected if row["index"] != "cdr-reject"})
    assert report.rejected == len({row["id"] for row in expected if row["index"] == "cdr-reject"})
    assert len(distinct) <= report.lines
    assert_balanced(store)


def test_ingest_changes_nothing_when_repeated(store: Store, golden_folder: Path) -> None:
    first = ingest(store, [golden_folder])
    before = everything(store)
    again = ingest(store, [golden_folder, golden_folder / "voip-public.csv"])
    assert everything(store) == before
    assert (again.lines, again.indexed, again.rejected) == (first.lines, 0, 0)
    assert again.duplicate == again.lines


def test_ingest_counts_duplicates_in_the_second_file_when_delivered_under_two_names(
    store: Store, tmp_path: Path
) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes((GOLDEN / "mobile-public" / "input.csv").read_bytes())
    report = ingest(store, [tmp_path])
    rows = books(store)
    assert rows["a.csv"]["duplicate"] == 0
    assert rows["b.csv"]["duplicate"] == rows["b.csv"]["lines"] == rows["a.csv"]["lines"]
    assert report.duplicate == rows["b.csv"]["lines"]
    assert_balanced(store)


def test_ingest_takes_the_new_lines_only_when_a_file_has_grown(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    write_sample("voip-public", path, rows=50, seed=1)
    whole = path.read_bytes()
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:31]))
    assert ingest(store, [path]).indexed == 30
    path.write_bytes(whole)
    report = ingest(store, [path])
    assert (report.lines, report.indexed, report.duplicate) == (50, 20, 30)
    assert books(store)["calls.csv"] | {"first": 0, "last": 0, "mtime": 0} == {
        "source": str(tmp_path),
        "state": "closed",
        "layout": "voip-public",
        "size": {"bytes": len(whole)},
        "lines": 50,
        "indexed": 50,
        "duplicate": 0,
        "rejected": 0,
        "first": 0,
        "last": 0,
        "mtime": 0,
        "header": whole.splitlines()[0].decode(),
    }


def test_ingest_shares_chunks_between_small_files_and_cuts_large_ones(store: Store, tmp_path: Path) -> None:
    for index in range(7):
        write_sample("sms-busyhour", tmp_path / f"{index}.csv", rows=30, seed=index)
    seen: list[tuple[int, int]] = []
    store.settings, settings = store.settings.with_values(ingest_chunk_lines=40), store.settings
    try:
        report = ingest(store, [tmp_path], progress=lambda done, total: seen.append((done, total)))
    finally:
        store.settings = settings
    assert report.lines == 210
    assert seen[-1][0] == seen[-1][1] == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert_balanced(store)


def test_ingest_gives_times_when_start_and_rate_are_told(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    write_sample("voip-public-undated", path, rows=5, seed=1)
    header, *lines = path.read_text().splitlines()
    path.write_text("\n".join([header, *reversed(lines)]))
    assert ingest(store, [path]).counts.reasons == {"missing_time": 5}
    report = ingest(store, [path], start="2026-01-01T00:00:00", rate="120/h")
    assert report.indexed == 5
    found = {hit["_source"]["cdr"]["record"]: hit["_source"]["@timestamp"] for hit in store.scan("cdr-voip")}
    assert found == {str(index): f"2026-01-01T00:0{index // 2}:{index % 2 * 3}0.000Z" for index in range(5)}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"start": "2026-01-01"}, "--rate"),
        ({"rate": "5/s"}, "--start"),
        ({"start": "soon", "rate": "5/s"}, "'soon' is no time"),
        ({"start": "2026-01-01", "rate": "fast"}, "'fast' is no rate"),
        ({"start": "2026-01-01", "rate": "0/h"}, "'0/h' is no rate"),
        ({"layout": "voip-publik"}, "did you mean voip-public?"),
    ],
)
def test_ingest_refuses_arguments_by_name_when_they_are_wrong(
    connected_store: Store, arguments: dict[str, str], words: str
) -> None:
    with pytest.raises(UserError) as caught:
        ingest(connected_store, [], **arguments)  # type: ignore[arg-type]
    assert words in caught.value.sentence()


BROKEN = {
    "missing.csv": (None, "no such file"),
    "gzip.csv": (b"\x1f\x8b\x08\x00rest", "cannot be unpacked beyond byte 0"),
    "zip.csv": (b"PK\x03\x04rest", "is no whole zip"),
    "utf16.csv": ("﻿,Date".encode("utf-16-le"), "is UTF-16LE"),
    "binary.csv": (bytes(range(256)), "is a binary file"),
    "latin.csv": ("Début,Durée\n".encode("latin-1"), "header is not UTF-8 at byte 2"),
    "unknown.csv": (
        b",Date,Time,PLAN,CALL_TYPE,MSISDN,IMSI,IMEI\n",
        "nearest is layout mobile-public, of which it lacks 'MSIDN' and has 'MSISDN'",
    ),
    "no_header.csv": (b"0,2016-05-16,11:26:00,PLAN1,MTC,1,2,3\n", "unknown header"),
}


def test_ingest_names_files_it_cannot_read_and_goes_on(store: Store, tmp_path: Path) -> None:
    write_sample("epc-busyhour", tmp_path / "good.csv", rows=3, seed=1)
    for name, (content, _) in BROKEN.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    os.mkfifo(tmp_path / "pipe.csv")
    report = ingest(store, [*(tmp_path / name for name in BROKEN), tmp_path / "pipe.csv", tmp_path / "good.csv"])
    said = {Path(error.where).name: error for error in report.errors}
    assert set(said) == {*BROKEN, "pipe.csv"}
    for name, (_, words) in BROKEN.items():
        assert words in said[name].what, name
        assert said[name].remedy
    assert not report.ok
    assert report.indexed == 3


def test_ingest_keeps_books_of_an_empty_file(store: Store, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    (tmp_path / "blank.csv").write_bytes(b"\xef\xbb\xbf\r\n\n")
    (tmp_path / "header.csv").write_bytes(b",Date,Time,PLAN,CALL_TYPE,MSIDN,IMSI,IMEI\r\n")
    report = ingest(store, [tmp_path])
    assert report.ok
    assert (len(report.files), report.lines) == (3, 0)
    assert {name: (row["state"], row["lines"]) for name, row in books(store).items()} == dict.fromkeys(
        ("empty.csv", "blank.csv", "header.csv"), ("closed", 0)
    )


def test_ingest_leaves_out_hidden_and_unfinished_files_of_a_folder(store: Store, tmp_path: Path) -> None:
    for name in (".hidden.csv", "calls.csv.part", "x.tmp", "README.md", "good.csv"):
        write_sample("epc-busyhour", tmp_path / name, rows=2, seed=1)
    (tmp_path / ".folder").mkdir()
    write_sample("epc-busyhour", tmp_path / ".folder" / "x.csv", rows=2, seed=1)
    assert [each.path.name for each in ingest(store, [tmp_path]).files] == ["good.csv"]


def test_ingest_rejects_a_line_of_ten_megabytes_and_keeps_its_beginning(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    write_sample("voip-public", path, rows=4, seed=1)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"9" * 10_000_000 + b"\n", *lines[3:]]))
    report = ingest(store, [path])
    assert (report.indexed, report.counts.reasons) == (4, {"line_too_long": 1})
    (reject,) = (hit["_source"] for hit in store.scan("cdr-reject"))
    assert reject["reject"]["raw"] == "9" * 8192
    assert reject["log"]["line"] == 4
    assert ingest(store, [path]).duplicate == 5


def test_ingest_rejects_what_the_store_refuses(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    write_sample("voip-public", path, rows=4, seed=1)
    lines = path.read_text().splitlines()
    # A keyword of more than 32,766 bytes is more than Lucene takes.
    lines.append(lines[-1].rpartition(",")[0] + "," + "x" * 40_000)
    path.write_text("\n".join(lines))
    report = ingest(store, [path])
    assert (report.indexed, report.counts.reasons) == (4, {"store_refused": 1})
    assert_balanced(store)
    before = everything(store)
    assert ingest(store, [path]).duplicate == 5
    assert everything(store) == before


def test_ingest_takes_every_sample_file(store: Store) -> None:
    folder = Path(__file__).parent.parent.parent / "sample_data"
    report = ingest(store, [folder], start="2026-10-05T00:00:00", rate="100/h")
    assert report.ok
    assert {each.layout for each in report.files} == {*SAMPLES, "ts32298"}
    assert report.rejected == sum(each.run.rejected for each in report.files if "bad" in each.path.name) > 0
    assert_balanced(store)


def test_ingest_says_so_when_the_store_is_not_set_up(store: Store, tmp_path: Path) -> None:
    from infrastructure.setup import tear_down

    write_sample("epc-busyhour", tmp_path / "good.csv", rows=2, seed=1)
    tear_down(store)
    store.forget()
    with pytest.raises(StoreRefused, match="is not set up"):
        ingest(store, [tmp_path])


def test_ingest_refuses_a_file_of_another_layout_when_one_is_told(store: Store, tmp_path: Path) -> None:
    write_sample("epc-busyhour", tmp_path / "good.csv", rows=2, seed=1)
    (error,) = ingest(store, [tmp_path], layout="sms-busyhour").errors
    assert isinstance(error, LayoutError)
    assert "nearest is layout sms-busyhour" in error.what
