"""Sources on a real store: late files, gaps, and the alerts that come and go with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from alerting import load_watches, run_watches
from contracts.clock import iso
from contracts.errors import DefinitionError, UserError
from contracts.ids import joined
from contracts.indices import concrete
from infrastructure.store import Operation
from mediation.sources import Table, load_table, read_table, retire, unretire, watch_sources

if TYPE_CHECKING:
    from infrastructure.store import Store

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SBC = "/in/lon-sbc-1"
COUNTED = """
sources:
  - folder: "/in*"
    file: '(?P<source>.+)_(?P<sequence>[0-9]+)[.]csv'
    last: 9999
"""


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    path = tmp_path / "sources.yml"
    path.write_text(COUNTED)
    return read_table(path)


def deliver(store: Store, path: str, moment: datetime, fingerprint: str = "", **more: Any) -> None:
    """A row of the ledger, as ingest or the audit leaves it."""
    file = {
        "source": path.rpartition("/")[0],
        "state": "closed",
        "layout": "voip-busyhour",
        "mtime": iso(moment),
        **more,
    }
    log = {"file": {"path": path, "fingerprint": fingerprint or path}}
    row = {"event": {"ingested": iso(store.clock())}, "log": log, "file": file, "service": {"name": "voip"}}
    store.write_all([Operation("index", concrete("cdr-file"), joined((path, fingerprint or path)), row)])


def regular(store: Store, count: int, step: float = 5, start: datetime = NOON, skip: tuple[int, ...] = ()) -> datetime:
    """Files lon-sbc-1_<n>.csv every `step` minutes; when the last came."""
    for number in range(count):
        if number not in skip:
            deliver(store, f"{SBC}/lon-sbc-1_{number:04d}.csv", start + minutes(step * number))
    return start + minutes(step * (count - 1))


def source(store: Store) -> dict[str, Any]:
    (hit,) = store.scan("cdr-source")
    return dict(hit["_source"]["feed"])


def found(store: Store, kind: str) -> list[dict[str, Any]]:
    store.refresh("cdr-gap")
    hits = store.scan("cdr-gap", {"term": {"gap.kind": kind}}, sort=[{"event.start": "asc"}])
    return [{**hit["_source"]["gap"], "end": hit["_source"]["event"].get("end")} for hit in hits]


def alerts(store: Store, at: datetime) -> list[tuple[str, str, str]]:
    watches = [watch for watch in load_watches() if watch.name in ("files-late", "files-missing")]
    run_watches(store, since=at, until=at, watches=watches, clock=lambda: at)
    store.refresh("alert")
    rows = (hit["_source"]["alert"] for hit in store.scan("alert"))
    return sorted((row["name"], row["status"], row["reason"]) for row in rows)


def test_source_that_falls_silent_is_told_of_and_resolved_when_files_come_again(store: Store, table: Table) -> None:
    last = regular(store, 12)
    assert watch_sources(store, now=last + minutes(10), table=table).late == 0
    assert source(store)["state"] == "on_time"
    assert source(store)["interval"] == {"sec": 300.0}
    report = watch_sources(store, now=last + minutes(23), table=table)
    assert (report.sources, report.late) == (1, 1)
    (finding,) = found(store, "silence")
    assert finding["reason"] == "source lon-sbc-1 sends every 5 minutes, silent for 23 minutes"
    told = "files-late", "firing", finding["reason"]
    assert alerts(store, last + minutes(23)) == [told]
    deliver(store, f"{SBC}/lon-sbc-1_0012.csv", last + minutes(25))
    assert watch_sources(store, now=last + minutes(26), table=table).late == 0
    assert found(store, "silence")[0]["status"] == "closed"
    assert found(store, "silence")[0]["end"] == iso(last + minutes(25))
    assert alerts(store, last + minutes(26))[0][:2] == ("files-late", "resolved")


def test_looking_again_changes_nothing(store: Store, table: Table) -> None:
    last = regular(store, 12, skip=(4,))
    watch_sources(store, now=last + minutes(23), table=table)
    before = [*store.scan("cdr-source"), *store.scan("cdr-gap")]
    assert watch_sources(store, now=last + minutes(23), table=table).changed == 0
    assert [*store.scan("cdr-source"), *store.scan("cdr-gap")] == before


def test_missing_number_is_told_of_once_it_is_overtaken_and_resolved_when_it_comes(store: Store, table: Table) -> None:
    last = regular(store, 12, skip=(10,))
    watch_sources(store, now=last + minutes(1), table=table)
    assert found(store, "missing") == []  # it may be on its way
    watch_sources(store, now=last + minutes(6), table=table)
    (gap,) = found(store, "missing")
    assert (gap["first"], gap["last"], gap["count"], gap["status"]) == (10, 10, 1, "open")
    assert "between lon-sbc-1_0009.csv and lon-sbc-1_0011.csv" in gap["reason"]
    assert alerts(store, last + minutes(10))[0][:2] == ("files-missing", "firing")
    deliver(store, f"{SBC}/lon-sbc-1_0010.csv", last + minutes(11))
    watch_sources(store, now=last + minutes(12), table=table)
    assert found(store, "missing")[0]["status"] == "closed"
    assert alerts(store, last + minutes(15))[0][:2] == ("files-missing", "resolved")


def test_gap_that_is_filled_in_part_leaves_the_rest(store: Store, table: Table) -> None:
    last = regular(store, 20, skip=(8, 9, 10, 11, 12))
    watch_sources(store, now=last + minutes(6), table=table)
    assert [(gap["first"], gap["last"]) for gap in found(store, "missing")] == [(8, 12)]
    deliver(store, f"{SBC}/lon-sbc-1_0010.csv", last + minutes(7))
    watch_sources(store, now=last + minutes(13), table=table)
    gaps = {(gap["first"], gap["last"]) for gap in found(store, "missing") if gap["status"] == "open"}
    assert gaps == {(8, 9), (11, 12)}


def test_gap_expires_when_it_leaves_the_window(store: Store, table: Table) -> None:
    last = regular(store, 12, skip=(4,))
    watch_sources(store, now=last + minutes(6), table=table)
    later = last + timedelta(days=8)
    deliver(store, f"{SBC}/lon-sbc-1_0012.csv", later)
    watch_sources(store, now=later, table=table)
    assert [gap["status"] for gap in found(store, "missing")] == ["expired"]


def test_number_given_to_two_contents_is_told_of_and_a_second_delivery_is_not(store: Store, table: Table) -> None:
    last = regular(store, 12)
    deliver(store, f"{SBC}/copy/lon-sbc-1_0005.csv", last, "elsewhere")  # another folder: another source
    deliver(store, f"{SBC}/lon-sbc-1_00006.csv", last, f"{SBC}/lon-sbc-1_0006.csv")
    watch_sources(store, now=last + minutes(6), table=table)
    assert found(store, "repeated") == []
    deliver(store, f"{SBC}/lon-sbc-1_00007.csv", last, "other content")
    watch_sources(store, now=last + minutes(7), table=table)
    (repeat,) = found(store, "repeated")
    assert (repeat["first"], repeat["count"]) == (7, 2)


def test_retired_source_wakes_nobody_until_it_delivers_again(store: Store, table: Table) -> None:
    last = regular(store, 12)
    watch_sources(store, now=last + minutes(30), table=table)
    with pytest.raises(UserError, match="reason"):
        retire(store, "lon-sbc-1", by="anna", why="")
    with pytest.raises(UserError, match="no source is called"):
        retire(store, "lon-sbc-9", by="anna", why="gone")
    assert retire(store, "lon-sbc-1", by="anna", why="replaced by lon-sbc-2") == ["lon-sbc-1"]
    report = watch_sources(store, now=last + minutes(60), table=table)
    assert (report.late, report.retired) == (0, 1)
    assert found(store, "silence")[0]["status"] == "expired"
    deliver(store, f"{SBC}/lon-sbc-1_0012.csv", store.clock() + timedelta(hours=1))
    watch_sources(store, now=store.clock() + timedelta(hours=2), table=table)
    assert source(store)["state"] != "retired"
    retire(store, SBC, by="anna", why="again")
    assert unretire(store, SBC, by="anna") == ["lon-sbc-1"]
    assert source(store)["state"] == "on_time"
    store.refresh("audit")
    assert store.count("audit") == 3


def test_source_retires_by_itself_only_where_the_setting_says_so(
    store: Store, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = regular(store, 12)
    assert watch_sources(store, now=last + timedelta(days=6), table=table).late == 1
    monkeypatch.setattr(store, "settings", store.settings.with_values(source_retire_intervals=100))
    report = watch_sources(store, now=last + timedelta(days=6), table=table)
    assert (report.late, report.retired) == (0, 1)
    assert source(store)["by"] == "source.retire.intervals"


def test_folder_filled_at_once_is_never_late(store: Store) -> None:
    for number in range(30):
        deliver(store, f"/backlog/voip-{number}.csv", NOON + timedelta(seconds=number / 10))
    report = watch_sources(store, now=NOON + timedelta(days=3))
    assert (report.sources, report.late) == (1, 0)
    assert source(store)["state"] == "learning"


def test_sources_that_share_a_folder_are_told_apart_by_name_and_by_node(store: Store, table: Table) -> None:
    for number in range(10):
        deliver(store, f"/in/a_{number:04d}.csv", NOON + minutes(5 * number))
        deliver(store, f"/in/b_{number + 500:04d}.csv", NOON + minutes(5 * number))
        deliver(store, f"/ber/{number}.dat", NOON + minutes(5 * number), sequence=number * 2, node="192.0.2.7")
    report = watch_sources(store, now=NOON + minutes(56), table=table)
    assert report.sources == 3
    names = {hit["_source"]["feed"]["name"] for hit in store.scan("cdr-source")}
    assert names == {"a", "b", "192.0.2.7"}
    assert {gap["count"] for gap in found(store, "missing")} == {1}
    assert len(found(store, "missing")) == 9


def test_shipped_table_reads_names_of_3gpp(store: Store) -> None:
    row = {"log": {"file": {"path": "/cgf/PGW01_-_4711.20261120_-_1205+0100.cdr"}}, "file": {"source": "/cgf"}}
    named = load_table(store.settings).named(row)
    assert (named.sender.name, named.sequence) == ("PGW01", 4711)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sources: 7", "sources"),
        ("sources: [{folder: x, evry: 5m}]", "evry"),
        ("sources: [{every: soon}]", "soon"),
        ("sources: [{file: '('}]", "no pattern"),
        ("sources: [{first: 9, last: 3}]", "not above first"),
        ("sources: [", "sources.yml"),
    ],
)
def test_table_is_refused_with_place_and_value_when(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "sources.yml"
    path.write_text(text)
    with pytest.raises(DefinitionError) as caught:
        read_table(path)
    assert words in caught.value.sentence()
    assert str(path) in caught.value.sentence()
