"""The audit on a real store: the same books as `ingest` gives, from documents as the Logstash route writes them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from contracts.clock import iso
from contracts.indices import CDR_INDEX, concrete
from infrastructure.store import Operation
from mediation import Record, ingest, load_layouts
from mediation.audit import audit, discover
from mediation.audit.reading import Judged, Reader
from mediation.books import Book
from mediation.samples import write_sample
from mediation.settle import Line, reject_document
from mediation.sniff import inspect
from mediation.suspense import Selection, retry

if TYPE_CHECKING:
    from infrastructure.store import Store

LAYOUTS = load_layouts()
GOLDEN = Path(__file__).parent.parent / "mediation" / "golden"
NAMES = ("mobile-public", "voip-busyhour", "epc-busyhour")
Keep = Callable[[Judged], bool]


def ship(store: Store, path: Path, keep: Keep = lambda line: True, seen_as: str = "") -> None:
    """What Filebeat and Logstash leave of a file: its documents and rejects, and no row in the ledger."""
    book = Book(inspect(path, LAYOUTS))
    if seen_as:
        book.log = {**book.log, "path": seen_as}
    operations = []
    for line in Reader(store, None).lines(book):
        if not keep(line):
            continue
        now = iso(store.clock())
        if isinstance(line.outcome, Record):
            document = {**line.outcome.document, "log": {"file": book.log, "offset": line.offset}}
            document["event"] = {**document["event"], "ingested": now}
            index = store.place(CDR_INDEX[line.outcome.service], _moment(line.outcome.timestamp))
            operations.append(Operation("create", index, line.outcome.id, document))
        else:
            key, document = reject_document(
                Line(book, line.offset, line.number, line.raw, line.outcome), line.outcome, now
            )
            del document["log"]["line"]  # Filebeat does not count lines
            operations.append(Operation("create", concrete("cdr-reject"), key, document))
    store.write_all(operations)
    store.refresh()


def _moment(timestamp: str) -> Any:
    from contracts.clock import parse_iso

    return parse_iso(timestamp.replace("Z", "+00:00"))


def ledger(store: Store) -> dict[str, dict[str, Any]]:
    """Rows by file name, without when they were written."""
    store.refresh("cdr-file")
    found = {}
    for hit in store.scan("cdr-file"):
        row = {**hit["_source"], "id": hit["_id"]}
        del row["event"]
        found[Path(row["log"]["file"]["path"]).name] = row
    return found


def delivered(folder: Path, hours_ago: float = 1) -> list[Path]:
    """Golden inputs, copied: the second is delivered again under another name, and the third ends without a line feed."""
    for name in NAMES:
        (folder / f"{name}.csv").write_bytes((GOLDEN / name / "input.csv").read_bytes())
    (folder / "zz-again.csv").write_bytes((GOLDEN / NAMES[1] / "input.csv").read_bytes())
    for path in folder.iterdir():
        age(path, hours_ago)
    return sorted(folder.iterdir())


def age(path: Path, hours: float) -> None:
    moment = path.stat().st_mtime - hours * 3600
    os.utime(path, (moment, moment))


def test_audit_gives_the_same_books_as_ingest(store: Store, tmp_path: Path) -> None:
    from infrastructure.setup import empty

    paths = delivered(tmp_path)
    ingest(store, paths)
    wanted = ledger(store)
    documents = {name: store.count(name) for name in CDR_INDEX.values()}
    empty(store)
    for path in paths:
        ship(store, path)
    assert ledger(store) == {}
    report = audit(store, [tmp_path])
    assert report.ok
    assert {each.what for each in report.files} == {"audited"}
    assert ledger(store) == wanted
    assert {name: store.count(name) for name in CDR_INDEX.values()} == documents


def test_audit_gives_the_same_books_as_ingest_in_every_format(store: Store, tmp_path: Path) -> None:
    from infrastructure.setup import empty

    for path in sorted((Path(__file__).parent.parent.parent / "sample_data").iterdir()):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert ingest(store, [tmp_path]).ok
    wanted = ledger(store)
    assert wanted["ts32298.ber"]["file"]["sequence"] == 42
    empty(store)
    for name in sorted(wanted):
        ship(store, tmp_path / name)
        age(tmp_path / name, 1)
    assert audit(store, [tmp_path]).ok
    found = ledger(store)
    for row in (*found.values(), *wanted.values()):
        del row["file"]["mtime"]
    assert found == wanted


def test_audit_leaves_closed_books_alone_and_verifies_them_when_asked(store: Store, tmp_path: Path) -> None:
    ingest(store, delivered(tmp_path))
    before = list(store.scan("cdr-file"))
    assert {each.what for each in audit(store, [tmp_path]).files} == {"left"}
    verified = audit(store, [tmp_path], verify=True)
    assert {each.what for each in verified.files} == {"audited"}
    assert all(each.was is None for each in verified.files)
    assert verified.ok
    assert list(store.scan("cdr-file")) == before


def test_audit_finds_what_was_lost_and_ingest_mends_it(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    write_sample("voip-busyhour", path, rows=30, seed=1)
    age(path, 1)
    ship(store, path, keep=lambda line: line.number not in (3, 8))
    report = audit(store, [path])
    (found,) = report.files
    assert not report.ok
    assert (found.counts.lines, found.counts.indexed, found.counts.missing) == (30, 28, 2)
    assert [line for _, line in found.missing] == [3, 8]
    row = ledger(store)["calls.csv"]["file"]
    assert (row["state"], row["missing"], row["indexed"]) == ("closed", 2, 28)
    assert ingest(store, [path]).indexed == 2
    assert "missing" not in ledger(store)["calls.csv"]["file"]
    assert audit(store, [path], verify=True).ok


def test_audit_verifies_that_records_are_still_there(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    write_sample("voip-busyhour", path, rows=10, seed=1)
    ingest(store, [path])
    hit = next(iter(store.scan("cdr-voip")))
    store.exchange.ask("DELETE", f"/{hit['_index']}/_doc/{hit['_id']}")
    age(path, 1)
    report = audit(store, [path], verify=True)
    (found,) = report.files
    assert found.counts.missing == 1
    assert found.was is not None
    assert found.was.indexed == 10


def test_audit_keeps_the_row_open_while_lines_may_be_on_their_way(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    write_sample("voip-busyhour", path, rows=10, seed=1)
    ship(store, path, keep=lambda line: line.number < 6)
    report = audit(store, [path])
    assert [each.what for each in report.files] == ["pending"]
    assert not report.ok
    assert ledger(store)["calls.csv"]["file"]["state"] == "open"
    ship(store, path)
    assert audit(store, [path]).ok
    assert ledger(store)["calls.csv"]["file"]["indexed"] == 10


def test_audit_maps_the_folder_to_what_the_shipper_called_it(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    write_sample("voip-busyhour", path, rows=10, seed=1)
    age(path, 1)
    ship(store, path, seen_as="/var/cdr/calls.csv")
    report = audit(store, [tmp_path], seen_as=(tmp_path, Path("/var/cdr")))
    assert (report.counts.indexed, report.counts.duplicate) == (10, 0)
    row = ledger(store)["calls.csv"]
    assert (row["log"]["file"]["path"], row["file"]["source"]) == ("/var/cdr/calls.csv", "/var/cdr")


def test_audit_counts_a_line_as_it_was_delivered_when_it_was_recycled_since(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "undated.csv"
    write_sample("voip-public-undated", path, rows=6, seed=1)
    age(path, 1)
    ship(store, path)
    assert audit(store, [path]).counts.rejected == 6
    pace = {"start": "2026-01-01T00:00:00", "rate": "60/h"}
    assert retry(store, Selection(), by="anna", **pace).indexed == 6
    for arguments in ({}, pace):
        report = audit(store, [path], verify=True, **arguments)
        assert report.ok
        assert (report.counts.indexed, report.counts.rejected) == (0, 6)
    assert ledger(store)["undated.csv"]["file"]["recycled"] == 6


def test_audit_finds_what_the_store_refused_among_the_rejects(store: Store, tmp_path: Path) -> None:
    from contracts.outcomes import Reason, Reject

    path = tmp_path / "calls.csv"
    write_sample("voip-busyhour", path, rows=10, seed=1)
    age(path, 1)
    ship(store, path, keep=lambda line: line.number != 4)
    book = Book(inspect(path, LAYOUTS))
    line = next(line for line in Reader(store, None).lines(book) if line.number == 4)
    reject = Reject(Reason.STORE_REFUSED, "", "mapper_parsing_exception")
    key, document = reject_document(Line(book, line.offset, line.number, line.raw, reject), reject, iso(store.clock()))
    store.write_all([Operation("create", concrete("cdr-reject"), key, document)])
    report = audit(store, [path])
    assert report.ok
    assert report.counts.reasons == {"store_refused": 1}


def test_audit_says_which_files_it_cannot_read_and_goes_on(store: Store, tmp_path: Path) -> None:
    write_sample("epc-busyhour", tmp_path / "good.csv", rows=3, seed=1)
    (tmp_path / "bad.csv").write_text("neither,a,layout,knows\n1,2,3,4\n")
    ship(store, tmp_path / "good.csv")
    report = audit(store, [tmp_path, tmp_path / "none.csv"])
    assert len(report.errors) == 2
    assert not report.ok
    assert [each.counts.indexed for each in report.files] == [3]


def test_audit_asks_in_batches_that_do_not_grow_with_the_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "calls.csv"
    write_sample("sms-busyhour", path, rows=250, seed=1)
    ship(store, path)
    asked: list[int] = []
    ask = store.read_back

    def counted(pairs: Any, fields: Any = ()) -> Any:
        asked.append(len(pairs))
        return ask(pairs, fields)

    monkeypatch.setattr(store, "read_back", counted)
    monkeypatch.setattr(store, "settings", store.settings.with_values(ingest_chunk_lines=40))
    assert audit(store, [path]).counts.indexed == 250
    assert max(asked) == 40


def test_discover_opens_a_row_for_files_that_only_documents_name(store: Store, tmp_path: Path) -> None:
    paths = delivered(tmp_path)
    ingest(store, paths[:1])
    for path in paths[1:]:
        ship(store, path)
    known = len(ledger(store))
    assert known == 1
    assert discover(store) == len(paths) - 2  # nothing names zz-again.csv: all its lines were first seen elsewhere
    rows = ledger(store)
    opened = [row["file"] for row in rows.values() if row["file"]["state"] == "open"]
    assert len(opened) == len(paths) - 2
    assert all(row["mtime"] and row["layout"] for row in opened)
    assert discover(store) == 0
    assert audit(store, [tmp_path]).ok
    assert all(row["file"]["state"] == "closed" for row in ledger(store).values())


def test_audit_recycles_what_the_shipper_sent_again_after_a_fix(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "undated.csv"
    write_sample("voip-public-undated", path, rows=6, seed=1)
    age(path, 1)
    ship(store, path)
    record = {"@timestamp": "2026-01-01T00:00:00.000Z", "log": next(iter(store.scan("cdr-reject")))["_source"]["log"]}
    record["log"].pop("line", None)
    store.write_all(
        [Operation("create", store.place("cdr-voip", _moment("2026-01-01T00:00:00Z")), "sent-again", record)]
    )
    report = audit(store, [path])
    assert report.ok
    row = ledger(store)["undated.csv"]["file"]
    assert (row["rejected"], row["recycled"], row["indexed"]) == (6, 1, 0)
