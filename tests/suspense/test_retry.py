"""Suspended lines on a real store: mediated again, given up, and the books that go with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from contracts.errors import UserError
from contracts.indices import CDR_INDEX, concrete
from mediation import Layout, ingest, load_layouts
from mediation.samples import write_sample
from mediation.suspense import Selection, balance, discard, movements, retry

if TYPE_CHECKING:
    from infrastructure.store import Store

LAYOUTS = load_layouts()
SMS = LAYOUTS["sms-busyhour"]


def strict(most: int = 0) -> dict[str, Layout]:
    """The shipped layouts, but an SMS with an error code above `most` is no record: what a fix of the layout will mend."""
    columns = tuple(replace(column, high=most) if column.name == "error_code" else column for column in SMS.columns)
    return {**LAYOUTS, SMS.name: replace(SMS, columns=columns)}


def rows(store: Store) -> dict[str, dict[str, Any]]:
    """Rows of the ledger by file name."""
    store.refresh("cdr-file")
    found = (hit["_source"] for hit in store.scan("cdr-file"))
    return {Path(row["log"]["file"]["path"]).name: row["file"] for row in found}


def rejects(store: Store) -> list[dict[str, Any]]:
    store.refresh("cdr-reject")
    return [{"id": hit["_id"], **hit["_source"]} for hit in store.scan("cdr-reject")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An SMS file with 40 lines, some of which `strict` suspends."""
    path = tmp_path / "sms.csv"
    write_sample(SMS.name, path, rows=40, seed=3)
    header, *lines = (line.split(",") for line in path.read_text().splitlines())
    for cells in lines[::4]:
        cells[5] = "7"
    path.write_text("".join(",".join(cells) + "\n" for cells in (header, *lines)))
    return path


def bad_lines(path: Path) -> int:
    return sum(int(line.split(",")[5]) > 0 for line in path.read_text().splitlines()[1:])


def test_retry_recycles_lines_after_the_layout_is_mended(store: Store, file: Path) -> None:
    bad = bad_lines(file)
    assert ingest(store, [file], layouts=strict()).rejected == bad > 1
    report = retry(store, Selection(), by="anna")
    assert (report.selected, report.recycled, report.indexed, report.suspended) == (bad, bad, bad, 0)
    store.refresh(*CDR_INDEX.values())
    assert store.count("cdr-sms") == 40
    row = rows(store)["sms.csv"]
    assert (row["lines"], row["indexed"], row["rejected"], row["recycled"]) == (40, 40 - bad, bad, bad)
    for reject in rejects(store):
        assert reject["reject"]["state"] == "recycled"
        assert (reject["reject"]["by"], reject["reject"]["became"]) == ("anna", "indexed")


def test_retry_gives_the_record_that_ingest_would_have_given(store: Store, file: Path) -> None:
    ingest(store, [file])
    wanted = {hit["_id"]: hit["_source"] for hit in store.scan("cdr-sms")}
    from infrastructure.setup import empty

    empty(store)
    ingest(store, [file], layouts=strict())
    retry(store, Selection(), by="anna")
    store.refresh("cdr-sms")
    found = {hit["_id"]: hit["_source"] for hit in store.scan("cdr-sms")}
    for document in (*wanted.values(), *found.values()):
        del document["event"]["ingested"]
    assert found == wanted


def test_retry_reads_columns_in_the_order_of_their_own_file(store: Store, file: Path) -> None:
    lines = [",".join(reversed(line.split(","))) for line in file.read_text().splitlines()]
    file.write_text("\n".join(lines) + "\n")
    bad = ingest(store, [file], layouts=strict()).rejected
    assert retry(store, Selection(), by="anna").indexed == bad > 1
    store.refresh("cdr-sms")
    results = {hit["_source"]["sms"]["result"] for hit in store.scan("cdr-sms")}
    assert results <= {"delivered", "failed", "expired", "pending"}


def test_retry_keeps_lines_suspended_with_the_reason_that_holds_now(store: Store, file: Path) -> None:
    bad = ingest(store, [file], layouts=strict()).rejected
    worse = replace(SMS, columns=tuple(replace(c, values={"x": "x"}) if c.name == "result" else c for c in SMS.columns))
    report = retry(store, Selection(), by="anna", layouts={SMS.name: worse})
    assert (report.suspended, dict(report.reasons)) == (bad, {"bad_value": bad})
    assert {reject["reject"]["reason"] for reject in rejects(store)} == {"bad_value"}
    assert {reject["reject"]["column"] for reject in rejects(store)} == {"result"}
    assert rows(store)["sms.csv"]["reasons"] == {"bad_value": bad}
    assert retry(store, Selection(), by="anna").recycled == bad


def test_retry_finds_the_record_when_a_run_died_between_record_and_state(store: Store, file: Path) -> None:
    bad = ingest(store, [file], layouts=strict()).rejected
    before = {reject["id"]: {k: v for k, v in reject.items() if k != "id"} for reject in rejects(store)}
    retry(store, Selection(), by="anna")
    from infrastructure.store import Operation

    store.write_all(Operation("index", concrete("cdr-reject"), key, source) for key, source in before.items())
    report = retry(store, Selection(), by="anna")
    assert (report.recycled, report.indexed, report.duplicate) == (bad, bad, 0)
    store.refresh("cdr-sms")
    assert store.count("cdr-sms") == 40


def test_retry_calls_a_record_from_elsewhere_a_duplicate(store: Store, file: Path, tmp_path: Path) -> None:
    bad = ingest(store, [file], layouts=strict()).rejected
    other = tmp_path / "later.csv"
    other.write_bytes(file.read_bytes())
    assert ingest(store, [other]).indexed == bad
    report = retry(store, Selection(), by="anna")
    assert (report.indexed, report.duplicate) == (0, bad)
    found = rows(store)
    assert (found["sms.csv"]["rejected"], found["sms.csv"]["recycled"]) == (bad, bad)
    assert (found["later.csv"]["indexed"], found["later.csv"]["duplicate"]) == (bad, 40 - bad)


def test_retry_counts_a_line_of_two_files_in_the_first_ones_books(store: Store, file: Path, tmp_path: Path) -> None:
    ingest(store, [file], layouts=strict())
    other = tmp_path / "twin.csv"
    other.write_bytes(file.read_bytes())
    assert ingest(store, [other], layouts=strict()).duplicate == 40
    retry(store, Selection(), by="anna")
    found = rows(store)
    assert found["sms.csv"]["recycled"] == found["sms.csv"]["rejected"] > 0
    assert "recycled" not in found["twin.csv"]
    assert found["twin.csv"]["duplicate"] == 40


def test_retry_gives_times_when_start_and_rate_are_told(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    write_sample("voip-public-undated", path, rows=5, seed=1)
    assert ingest(store, [path]).rejected == 5
    assert retry(store, Selection(), by="anna").reasons == {"missing_time": 5}
    assert retry(store, Selection(), by="anna", start="2026-01-01T00:00:00", rate="120/h").indexed == 5
    store.refresh("cdr-voip")
    found = {hit["_source"]["cdr"]["record"]: hit["_source"]["@timestamp"] for hit in store.scan("cdr-voip")}
    assert found == {str(index): f"2026-01-01T00:0{index // 2}:{index % 2 * 3}0.000Z" for index in range(5)}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"x" * 9000, "first 8,192 characters"),
        (b"m\xff,SMS-MO", "no UTF-8"),
    ],
)
def test_retry_says_so_when_the_line_was_not_kept_whole(store: Store, file: Path, line: bytes, why: str) -> None:
    file.write_bytes(file.read_bytes() + line + b"\n")
    assert ingest(store, [file]).rejected == 1
    report = retry(store, Selection(), by="anna")
    assert report.suspended == 1
    assert why in next(iter(report.unfit))


def test_retry_says_so_when_the_raw_line_or_its_layout_is_gone(store: Store, file: Path) -> None:
    ingest(store, [file], layouts=strict())
    report = retry(store, Selection(), by="anna", layouts={})
    assert "does not exist" in next(iter(report.unfit))
    for reject in rejects(store):
        store.modify("cdr-reject", reject["id"], lambda s: {**s, "reject": {**s["reject"], "raw": ""}})
    assert "was not kept" in next(iter(retry(store, Selection(), by="anna").unfit))


def test_retry_selects_by_reason_file_layout_and_time(store: Store, file: Path) -> None:
    bad = ingest(store, [file], layouts=strict()).rejected
    for selection in (
        Selection(reason="bad_time"),
        Selection(file="other"),
        Selection(layout="voip-public"),
        Selection(until=store.clock().replace(year=2020)),
        Selection(ids=("0" * 32,)),
        Selection(state="discarded"),
        Selection(service="voip"),
    ):
        assert retry(store, selection, by="anna").selected == 0, selection
    assert retry(store, Selection(reason="bad_number", file="sms", layout=SMS.name), by="anna").selected == bad


def test_discard_wants_a_reason_and_keeps_it(store: Store, file: Path) -> None:
    bad = ingest(store, [file], layouts=strict()).rejected
    with pytest.raises(UserError, match="reason"):
        discard(store, Selection(), by="anna", why=" ")
    report = discard(store, Selection(), by="anna", why="test traffic of the vendor")
    assert (report.selected, report.discarded) == (bad, bad)
    assert {(r["reject"]["state"], r["reject"]["why"]) for r in rejects(store)} == {
        ("discarded", "test traffic of the vendor")
    }
    assert rows(store)["sms.csv"]["discarded"] == bad
    assert retry(store, Selection(), by="ben").selected == 0
    store.refresh("audit")
    (trail,) = (hit["_source"]["audit"] for hit in store.scan("audit"))
    assert (trail["who"], trail["detail"]) == ("anna", "test traffic of the vendor")
    assert retry(store, Selection(state="discarded"), by="ben").recycled == bad
    row = rows(store)["sms.csv"]
    assert (row["recycled"], row.get("discarded")) == (bad, None)


def test_balance_repairs_rows_that_a_dead_run_left_behind(store: Store, file: Path) -> None:
    bad = ingest(store, [file], layouts=strict()).rejected
    row = next(iter(store.scan("cdr-file")))
    retry(store, Selection(), by="anna")
    assert balance(store) == 0
    store.modify("cdr-file", row["_id"], lambda _: row["_source"])
    assert balance(store) == 1
    assert rows(store)["sms.csv"]["recycled"] == bad
    ((_, movement),) = movements(store)
    assert (movement.rejected, movement.suspended, movement.indexed) == (bad, 0, bad)


def test_retry_takes_binary_records_from_their_digits(store: Store, tmp_path: Path) -> None:
    """A BER record that a layout refused: kept as hexadecimal digits, mediated again from them."""
    name = "ts32298"
    path = tmp_path / "pgw.ber"
    path.write_bytes((Path(__file__).parent.parent.parent / "sample_data" / "ts32298.ber").read_bytes())
    layout = LAYOUTS[name]
    never = {"never": "never"}
    columns = tuple(replace(c, values=never) if c.field == "epc.apn" else c for c in layout.columns)
    bad = ingest(store, [path], layouts={name: replace(layout, columns=columns)}).rejected
    assert bad > 1
    report = retry(store, Selection(), by="anna")
    assert (report.recycled, report.indexed, report.suspended) == (bad, bad, 0)
    before = {hit["_id"] for hit in store.scan("cdr-epc")}
    assert ingest(store, [path]).duplicate == ingest(store, [path]).lines
    store.refresh("cdr-epc")
    assert {hit["_id"] for hit in store.scan("cdr-epc")} >= before


def test_retry_repeats_no_value_of_a_line_where_the_raw_line_may_not_be_kept(
    store: Store, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(store, [file], layouts=strict())
    monkeypatch.setattr(store, "settings", store.settings.with_values(pii_reject_raw="drop"))
    worse = replace(SMS, columns=tuple(replace(c, values={"x": "x"}) if c.name == "result" else c for c in SMS.columns))
    assert retry(store, Selection(), by="anna", layouts={SMS.name: worse}).suspended > 0
    assert all("detail" not in reject["reject"] for reject in rejects(store))
