"""Single documents, guarded changes, searches and scans."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.clock import iso
from contracts.errors import ConflictError, InternalError, StoreRefused, UserError
from infrastructure.store import Operation, Store

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def write_job(store: Store, key: str, name: str) -> None:
    store.write_all([Operation("index", store.place("job"), key, {"job": {"name": name}})])


def write_calls(store: Store, count: int) -> None:
    """One call a day, back from noon: several partitions."""
    moments = [NOON - timedelta(days=n) for n in range(count)]
    store.write_all(
        Operation(
            "create", store.place("cdr-voip", at), f"c{n:05}", {"@timestamp": iso(at), "voip": {"pdd": {"ms": n}}}
        )
        for n, at in enumerate(moments)
    )
    store.refresh("cdr-voip")


def test_get_finds_a_document_at_once_when_the_index_is_fixed(store: Store) -> None:
    assert store.get("job", "j") is None
    write_job(store, "j", "rollup")
    document = store.get("job", "j")
    assert document is not None
    assert (document.id, document.index, document.source) == ("j", "job-1", {"job": {"name": "rollup"}})


def test_get_finds_the_partition_by_itself_when_the_index_grows(store: Store) -> None:
    assert store.get("cdr-voip", "c00040") is None
    write_calls(store, 50)
    document = store.get("cdr-voip", "c00040")
    assert document is not None
    assert document.index == "cdr-voip-2026.10"


def test_get_many_returns_those_that_exist(store: Store) -> None:
    write_job(store, "a", "one")
    write_calls(store, 40)
    assert set(store.get_many("job", ["a", "b"])) == {"a"}
    found = store.get_many("cdr-voip", ["c00000", "c00039", "none"])
    assert {key: document.source["voip"]["pdd"]["ms"] for key, document in found.items()} == {"c00000": 0, "c00039": 39}
    assert store.get_many("cdr-sms", ["a"]) == {}
    assert store.get_many("job", []) == {}


def test_replace_refuses_when_somebody_changed_the_document_meanwhile(store: Store) -> None:
    write_job(store, "j", "first")
    document = store.get("job", "j")
    assert document is not None
    newer = store.replace(document, {"job": {"name": "second"}})
    with pytest.raises(ConflictError):
        store.replace(document, {"job": {"name": "lost"}})
    assert store.replace(newer, {"job": {"name": "third"}}).seq_no > newer.seq_no


def test_modify_loses_no_change_when_many_change_one_document(store: Store) -> None:
    def add(current: dict[str, Any]) -> dict[str, Any]:
        return {"job": {**current["job"], "detail": current["job"]["detail"] + "x"}}

    def one(_: int) -> None:
        store.modify("job", "j", add, create=lambda: {"job": {"name": "counter", "detail": "x"}}, tries=100)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(40)))
    document = store.get("job", "j")
    assert document is not None
    assert document.source["job"]["detail"] == "x" * 40


def test_modify_leaves_the_document_when_there_is_nothing_to_change(store: Store) -> None:
    write_job(store, "j", "same")
    before = store.get("job", "j")
    assert store.modify("job", "j", lambda source: None) == {"job": {"name": "same"}}
    assert store.get("job", "j") == before


def test_modify_gives_the_change_a_fresh_copy_on_every_try(store: Store) -> None:
    write_job(store, "j", "a")

    def spoiling(current: dict[str, Any]) -> None:
        current["job"]["name"] = "spoiled"

    assert store.modify("job", "j", spoiling) == {"job": {"name": "a"}}


def test_modify_gives_up_when_it_always_loses(store: Store) -> None:
    write_job(store, "j", "a")

    def overtaken(current: dict[str, Any]) -> dict[str, Any]:
        write_job(store, "j", "b")
        return current

    with pytest.raises(ConflictError, match="3 tries"):
        store.modify("job", "j", overtaken, tries=3)


def test_modify_says_which_document_is_not_there(store: Store) -> None:
    with pytest.raises(UserError, match="there is no ticket T-1"):
        store.modify("ticket", "T-1", lambda source: source)


def test_modify_changes_a_document_of_a_growing_index(store: Store) -> None:
    write_calls(store, 3)
    for n in range(3):
        store.modify("cdr-voip", "c00001", lambda source, n=n: {**source, "cdr": {"record": str(n)}})  # type: ignore[misc]
    document = store.get("cdr-voip", "c00001")
    assert document is not None
    assert document.source["cdr"] == {"record": "2"}


def test_search_finds_nothing_when_nothing_was_written_yet(store: Store) -> None:
    assert store.search("cdr-voip,cdr-sms", size=1)["hits"]["hits"] == []
    assert store.count("cdr-voip") == 0
    assert list(store.scan("cdr-voip")) == []
    store.refresh()


def test_scan_returns_every_hit_once_when_there_are_many_pages(store: Store) -> None:
    write_calls(store, 400)
    index = store.place("cdr-voip", NOON)
    store.write_all(Operation("create", index, f"m{n}", {"@timestamp": iso(NOON)}) for n in range(4600))
    store.refresh("cdr-voip")
    keys = [hit["_id"] for hit in store.scan("cdr-voip")]
    assert len(keys) == len(set(keys)) == store.count("cdr-voip") == 5000


def test_scan_keeps_order_query_and_fields(store: Store) -> None:
    write_calls(store, 60)
    hits = list(
        store.scan(
            "cdr-voip",
            {"range": {"voip.pdd.ms": {"gte": 10}}},
            fields=["voip.pdd.ms"],
            sort=[{"voip.pdd.ms": "desc"}],
        )
    )
    assert [hit["_source"] for hit in hits] == [{"voip": {"pdd": {"ms": n}}} for n in range(59, 9, -1)]


def test_scan_sees_the_moment_it_was_started_when_documents_are_added(store: Store) -> None:
    write_calls(store, 10)
    scan = store.scan("cdr-voip")
    first = next(scan)
    store.write_all([Operation("create", store.place("cdr-voip", NOON), "late", {"@timestamp": iso(NOON)})])
    store.refresh()
    assert "late" not in [first["_id"], *(hit["_id"] for hit in scan)]


def test_reading_refuses_a_name_that_is_no_index(store: Store) -> None:
    for read in (store.search, store.count, store.refresh, lambda name: list(store.scan(name)), store.place):
        with pytest.raises(InternalError, match="no index is called cdr-viop"):
            read("cdr-viop")


def test_search_says_what_is_wrong_when_the_query_is_bad(store: Store) -> None:
    with pytest.raises(StoreRefused, match="unknown query"):
        store.search("job", query={"mach_all": {}})
