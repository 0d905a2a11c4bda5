"""Writing in bulk: one result per operation, nothing lost, nothing doubled, nothing guessed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.clock import iso
from contracts.errors import InternalError, StoreRefused
from infrastructure import bulk
from infrastructure.setup import tear_down
from infrastructure.store import Operation, Store

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def call(store: Store, key: str, **voip: object) -> Operation:
    return Operation("create", store.place("cdr-voip", NOON), key, {"@timestamp": iso(NOON), "voip": voip})


def test_bulk_answers_each_operation_in_order_when_some_are_bad(store: Store) -> None:
    results = store.bulk(
        [
            call(store, "good"),
            call(store, "unknown-field", colour="red"),
            call(store, "text-in-number", pdd={"ms": "505"}),
            call(store, "fraction-in-whole-number", release={"q850": 16.5}),
            call(store, "too-large-for-integer", release={"q850": 3_000_000_000}),
            call(store, "also-good", pdd={"ms": 505}),
        ]
    )
    assert [result.created for result in results] == [True, False, False, False, False, True]
    assert [result.refused for result in results] == [False, True, True, True, True, False]
    assert "colour" in results[1].error
    assert "voip.pdd.ms" in results[2].error
    assert "voip.release.q850" in results[3].error


def test_bulk_says_exists_and_keeps_the_first_when_created_again(store: Store) -> None:
    first = store.bulk([call(store, "a", codec="G711")])
    second = store.bulk([call(store, "a", codec="G729"), call(store, "b")])
    assert [first[0].created, second[0].exists, second[0].refused, second[1].created] == [True, True, False, True]
    kept = store.read_back([(store.place("cdr-voip", NOON), "a")], ["voip.codec"])[0]
    assert kept is not None
    assert kept.source == {"voip": {"codec": "G711"}}


def test_bulk_overwrites_when_the_action_is_index(store: Store) -> None:
    for name in ("first", "second"):
        store.bulk([Operation("index", store.place("job"), "j", {"job": {"name": name}})])
    document = store.get("job", "j")
    assert document is not None
    assert document.source == {"job": {"name": "second"}}


def test_bulk_sends_bytes_as_they_are_when_source_is_serialised(store: Store) -> None:
    source = b'{"@timestamp":"2026-11-21T12:00:00.000Z","cdr":{"record":"1"}  }'
    index = store.place("cdr-voip", NOON)
    assert store.bulk([Operation("create", index, "raw", source)])[0].created
    document = store.read_back([(index, "raw")])[0]
    assert document is not None
    assert document.source == orjson.loads(source)


def test_bulk_refuses_a_source_that_would_break_the_request(store: Store) -> None:
    with pytest.raises(InternalError, match="line break"):
        store.bulk([Operation("create", store.place("job"), "j", b'{"job":\n{}}')])


def test_bulk_keeps_odd_ids_apart_when_they_need_escaping(store: Store) -> None:
    keys = ['quote"', "slash/", "line\nbreak", "ä|ö", "%2F", "comma,star*", " "]
    assert store.write_all(call(store, key) for key in keys) == len(keys)
    index = store.place("cdr-voip", NOON)
    assert [document and document.id for document in store.read_back([(index, key) for key in keys])] == keys
    store.refresh()
    assert all(store.get("cdr-voip", key) is not None for key in keys)


def test_bulk_stops_the_job_when_the_refusal_is_not_about_a_document(store: Store) -> None:
    with pytest.raises(StoreRefused, match="takes no documents"):
        store.bulk([Operation("create", "Not-An-Index-Name", "a", {})])


def test_bulk_refuses_to_write_when_elasticsearch_is_not_set_up(store: Store) -> None:
    operation = call(store, "a")
    tear_down(store)
    with pytest.raises(StoreRefused, match="busyhour setup"):
        store.bulk([operation])
    with pytest.raises(StoreRefused, match="busyhour setup"):
        store.place("cdr-voip", NOON)


def test_bulk_writes_everything_once_when_threads_share_the_store(store: Store) -> None:
    def write(thread: int) -> int:
        return store.write_all((call(store, f"{n}") for n in range(thread, 3000, 2)), chunk=100)

    with ThreadPoolExecutor(4) as pool:
        written = sum(pool.map(write, [0, 1, 0, 1]))
    store.refresh("cdr-voip")
    assert written == store.count("cdr-voip") == 3000


def test_write_all_names_the_document_when_one_is_refused(store: Store) -> None:
    with pytest.raises(StoreRefused, match=r"cdr-voip-2026\.11/bad"):
        store.write_all([call(store, "good"), call(store, "bad", colour="red")])


def test_bulk_takes_an_empty_list_when_there_is_nothing_to_do(store: Store) -> None:
    assert store.bulk([]) == []
    assert store.write_all([]) == 0


@given(st.lists(st.binary(min_size=1, max_size=40)), st.integers(min_value=1, max_value=100))
def test_requests_hold_every_line_once_in_order_within_the_limit(lines: list[bytes], most: int) -> None:
    parts = list(bulk.requests(lines, most))
    assert [position for part in parts for position in part] == list(range(len(lines)))
    for part in parts:
        assert len(part) == 1 or sum(len(lines[position]) for position in part) <= most


@given(st.text(min_size=1, max_size=30))
def test_encoded_is_two_json_lines_whatever_the_id(key: str) -> None:
    try:
        key.encode()
    except UnicodeEncodeError:
        return
    action, source, end = bulk.encoded(Operation("create", "cdr-voip-2026.11", key, {"a": "\n"})).split(b"\n")
    assert orjson.loads(action) == {"create": {"_index": "cdr-voip-2026.11", "_id": key}}
    assert (orjson.loads(source), end) == ({"a": "\n"}, b"")


def test_large_documents_are_split_into_requests_elasticsearch_takes(store: Store) -> None:
    index = store.place("cdr-reject")
    big = "x" * 1_000_000
    operations = [Operation("create", index, f"r{n}", {"reject": {"raw": big}}) for n in range(24)]
    assert all(result.created for result in store.bulk(operations))
    store.refresh("cdr-reject")
    lengths = store.esql("FROM cdr-reject | EVAL n = LENGTH(reject.raw) | KEEP n").column("n")
    assert lengths == [1_000_000] * 24
