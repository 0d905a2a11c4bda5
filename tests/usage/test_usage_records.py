"""Records and customers: stored once, refused with a reason, changed and removed with the sums; on both databases."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import func, select

from contracts.errors import ConflictError, UserError
from tests.usage.usage_samples import KEY, call, logged, message, people, session, terms
from usage import schema
from usage.engine import UsageStore
from usage.records.check import Refusal, check
from usage.records.customers import add_customer, change_customer, list_customers, remove_customer, show_customer
from usage.records.facts import SERVICES, differences, rebuild
from usage.records.kinds import CALL_DURATION, COLUMNS, KINDS, ORIGIN, REF, SMS_PARTS, STARTED
from usage.records.write import change_record, log_record, remove_record, show_record, write

INJECTIONS = (
    "'; DROP TABLE calls; --",
    '" OR 1=1 #',
    "Robert'); DELETE FROM customers;--",
    "%_\\",
    "{0.__class__}",
    "${x}",
)


def count(store: UsageStore, kind: str) -> int:
    return (
        store.read(lambda connection: connection.scalar(select(func.count()).select_from(schema.RECORD_TABLES[kind])))
        or 0
    )


def test_positions_of_a_row_are_those_of_the_tables() -> None:
    assert [COLUMNS["call"][at] for at in (STARTED, CALL_DURATION, ORIGIN, REF)] == [
        "started",
        "duration_ms",
        "origin",
        "ref",
    ]
    assert COLUMNS["sms"][SMS_PARTS] == "parts"
    assert set(KINDS) == set(schema.RECORD_TABLES) == set(SERVICES)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("call", call("C1", "2026-11-20 10:00", "1:02:03")),
        ("sms", message("C1", "2026-11-20 10:00")),
        ("data", session("C1", "2026-11-20 10:00")),
    ],
)
def test_record_is_stored_once_however_often_it_is_logged(
    usage_store: UsageStore, kind: str, given: dict[str, str]
) -> None:
    people(usage_store)
    row = check(kind, given, terms(usage_store))
    assert not isinstance(row, Refusal)
    assert log_record(usage_store, kind, row) == (1, 0)
    assert log_record(usage_store, kind, row) == (0, 1)
    stored = show_record(usage_store, kind, row[0])
    assert tuple(stored.values()) == row
    assert count(usage_store, kind) == 1
    assert usage_store.read(differences) == 0


def test_two_records_that_differ_in_reference_only_are_two(usage_store: UsageStore) -> None:
    people(usage_store)
    ids = logged(usage_store, "call", *(call("C1", "2026-11-20 10:00", ref=ref) for ref in ("a", "b", "a")))
    assert ids[0] == ids[2] != ids[1]
    assert count(usage_store, "call") == 2


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        ("call", {"duration": "-5"}, "negative_duration"),
        ("call", {"duration": "−5"}, "negative_duration"),
        ("call", {"duration": "soon"}, "bad_duration"),
        ("call", {"duration": "", "ended": ""}, "missing"),
        ("call", {"duration": "", "ended": "2026-11-20 09:59"}, "end_before_start"),
        ("call", {"duration": "60", "ended": "2026-11-20 10:05"}, "contradiction"),
        ("call", {"started": "2026-11-21 12:06"}, "future_time"),
        ("call", {"started": "2026-02-30 10:00"}, "bad_time"),
        ("call", {"started": "1969-07-20 20:17"}, "bad_time"),
        ("call", {"started": ""}, "missing"),
        ("call", {"customer": "C9"}, "unknown_customer"),
        ("call", {"customer": "", "msisdn": "+99955000009999"}, "unknown_customer"),
        ("call", {"customer": "", "msisdn": "12"}, "bad_number"),
        ("call", {"customer": ""}, "missing"),
        ("call", {"direction": "sideways"}, "bad_choice"),
        ("call", {"zone": "mars"}, "bad_choice"),
        ("call", {"outcome": "unanswered"}, "unanswered_with_duration"),
        ("call", {"peer": "+44 x'; --"}, "bad_number"),
        ("call", {"ref": "x" * 101}, "too_long"),
        ("call", {"plan": "x" * 65}, "too_long"),
        ("call", {"customer": "x" * 65}, "too_long"),
        ("call", {"ref": "a\x1b[2Jb"}, "control_characters"),
        ("call", {"ref": "a\x00b"}, "control_characters"),
        ("sms", {"parts": "0"}, "bad_number"),
        ("sms", {"parts": "256"}, "bad_number"),
        ("sms", {"parts": "٣"}, "bad_number"),
        ("sms", {"result": "lost"}, "bad_choice"),
        ("data", {"uplink": "-1"}, "negative_volume"),
        ("data", {"uplink": "a lot"}, "bad_volume"),
        ("data", {"downlink": "2 EB"}, "bad_volume"),
        ("data", {"apn": "x" * 101}, "too_long"),
    ],
)
def test_record_is_refused_with_its_reason(
    kind: str, change: dict[str, str], reason: str, one_store: UsageStore
) -> None:
    make: Any = {"call": call, "sms": message, "data": session}[kind]
    refused = check(kind, make("C1", "2026-11-20 10:00") | change, terms(one_store, "C1", "C9"))
    assert isinstance(refused, Refusal)
    assert refused.reason == reason
    assert refused.detail


def test_injection_strings_are_refused_or_stored_as_they_are(usage_store: UsageStore) -> None:
    people(usage_store)
    by = terms(usage_store)
    for kind, given in (
        ("call", call("C1", "2026-11-20")),
        ("sms", message("C1", "2026-11-20")),
        ("data", session("C1", "2026-11-20")),
    ):
        for field in (name for name in KINDS[kind].given if name != "msisdn"):  # not looked at beside a customer
            for text in INJECTIONS:
                row = check(kind, given | {"ref": f"{field} {text}"} | {field: text}, by)
                if not isinstance(row, Refusal):
                    assert field in ("plan", "ref", "apn")
                    assert log_record(usage_store, kind, row) == (1, 0)
                    assert text in show_record(usage_store, kind, row[0]).values()
    for number, text in enumerate(INJECTIONS):
        made = add_customer(usage_store, {"id": f"X{number}{text}", "name": text, "plan": text}, KEY)
        assert (made["name"], made["plan"]) == (text, text)
        assert [row["id"] for row in list_customers(usage_store, text)] == [f"X{number}{text}"]
    assert usage_store.read(differences) == 0


def test_bulk_rows_arrive_as_single_ones_do_whatever_they_hold(usage_store: UsageStore) -> None:
    people(usage_store)
    by = terms(usage_store)
    odd = ["\\N", "\\", "a\\tb", "ünï ☎ 漢 𝄞", "'quote'", "%s %(x)s", "NULL", ""]
    given = [
        session("C1", f"2026-11-20 10:{at // 60:02d}:{at % 60:02d}", apn=odd[at % 8], ref=odd[-at % 8])
        for at in range(400)
    ]
    rows = [check("data", each, by) for each in given]
    good = [row for row in rows if not isinstance(row, Refusal)]
    assert len(good) == 400
    assert usage_store.write(lambda connection: write(connection, "data", good, fresh=True)) == (400, 0)
    assert usage_store.write(lambda connection: write(connection, "data", good, fresh=True)) == (0, 400)
    assert {tuple(show_record(usage_store, "data", row[0]).values()) for row in good[:16]} == set(good[:16])
    assert usage_store.read(differences) == 0


def test_record_that_is_changed_or_removed_leaves_the_sums_right(usage_store: UsageStore) -> None:
    people(usage_store)
    first, second = logged(usage_store, "call", call("C1", "2026-11-20 10:00"), call("C2", "2026-11-20 11:00"))
    new = check("call", call("C1", "2026-11-20 10:00", "5 min"), terms(usage_store))
    assert not isinstance(new, Refusal)
    moved = change_record(usage_store, "call", first, new)
    assert show_record(usage_store, "call", moved)["duration_ms"] == 300_000
    with pytest.raises(UserError, match="there is no call"):
        show_record(usage_store, "call", first)
    remove_record(usage_store, "call", second)
    with pytest.raises(UserError, match="there is no call"):
        remove_record(usage_store, "call", second)
    assert (count(usage_store, "call"), usage_store.read(differences)) == (1, 0)


def test_change_into_a_record_that_is_there_is_a_conflict_and_changes_nothing(usage_store: UsageStore) -> None:
    people(usage_store)
    first, second = logged(usage_store, "call", call("C1", "2026-11-20 10:00"), call("C1", "2026-11-20 11:00"))
    same = check("call", call("C1", "2026-11-20 11:00"), terms(usage_store))
    assert not isinstance(same, Refusal)
    with pytest.raises(ConflictError, match="there already"):
        change_record(usage_store, "call", first, same)
    assert (count(usage_store, "call"), usage_store.read(differences)) == (2, 0)
    assert second == same[0]


def test_sums_are_worked_out_anew_when_they_were_damaged(usage_store: UsageStore) -> None:
    people(usage_store)
    logged(usage_store, "sms", message("C1", "2026-11-20 10:00"), message("C2", "2026-11-20 23:59:59.999"))
    usage_store.write(lambda connection: connection.execute(schema.network_quarters.update().values(events=7)))
    assert usage_store.read(differences) > 0
    usage_store.write(rebuild)
    assert usage_store.read(differences) == 0


def test_customer_is_made_read_changed_and_removed(usage_store: UsageStore) -> None:
    given = {"id": "C1", "name": "Ann", "plan": "PLAN1", "since": "2020-02-29", "msisdns": "+999 550 000 000 001"}
    made = add_customer(usage_store, given, KEY)
    assert add_customer(usage_store, given, KEY) == made
    assert (made["msisdns"], made["state"], str(made["since"])) == (["+999550000000001"], "active", "2020-02-29")
    changed = change_customer(usage_store, "C1", {"plan": "PLAN2", "msisdns": "+999550000000002"}, KEY)
    assert (changed["plan"], changed["name"], len(changed["msisdns"])) == ("PLAN2", "Ann", 2)
    with pytest.raises(ConflictError, match="is of customer C1"):
        add_customer(usage_store, {"id": "C2", "name": "Bob", "plan": "PLAN1", "msisdns": "+999550000000002"}, KEY)
    assert list_customers(usage_store, "bob") == []
    logged(usage_store, "sms", message("C1", "2026-11-20"))
    with pytest.raises(ConflictError, match="has records"):
        remove_customer(usage_store, "C1")
    remove_record(usage_store, "sms", usage_store.read(lambda c: c.scalar(select(schema.sms.c.id))) or "")
    remove_customer(usage_store, "C1")
    with pytest.raises(UserError, match="there is no customer"):
        show_customer(usage_store, "C1")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"id": ""}, "id is missing"),
        ({"name": "x" * 201}, "201 characters"),
        ({"kind": "alien"}, "is not one of consumer"),
        ({"since": "yesterday"}, "is not a date"),
        ({"msisdns": "+44,+1"}, "digits"),
        ({"name": "a\nb"}, "cannot be printed"),
    ],
)
def test_customer_is_refused_with_the_reason(one_store: UsageStore, given: dict[str, str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        add_customer(one_store, {"id": "N1", "name": "Ann", "plan": "PLAN1"} | given, KEY)


def test_many_writers_and_readers_at_once_lose_nothing(usage_store: UsageStore) -> None:
    people(usage_store)
    by = terms(usage_store)
    failures: list[BaseException] = []
    written = [0] * 4

    def writes(worker: int) -> None:
        try:
            for at in range(25):
                shared = call("C1", f"2026-11-20 10:00:{at:02d}")  # every writer has this one
                own = call("C2", f"2026-11-20 11:0{worker}:{at:02d}")
                for given in (shared, own):
                    row = check("call", given, by)
                    assert not isinstance(row, Refusal)
                    written[worker] += log_record(usage_store, "call", row).inserted
                usage_store.read(lambda connection: connection.scalar(select(func.count()).select_from(schema.calls)))
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    threads = [threading.Thread(target=writes, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(written) == count(usage_store, "call") == 25 + 4 * 25
    assert usage_store.read(differences) == 0
