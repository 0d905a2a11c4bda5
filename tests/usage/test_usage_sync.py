"""CDRs into the usage store and out again: files are mediated, synced, exported and mediated once more; every count balances."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from infrastructure.secrets import pii_key
from mediation import ingest
from servicedesk import load_customers
from tests.usage.usage_samples import NOW, call, days, logged, message, session
from usage import schema
from usage.engine import UsageStore
from usage.export import _HEADERS, export_cdr
from usage.records.customers import add_customer
from usage.records.facts import differences
from usage.sync import pipeline, sync

if TYPE_CHECKING:
    from infrastructure.store import Store

NUMBERS = [f"+99955000000000{number}" for number in range(1, 6)]
STRANGER = "+999559999999999"
DAY = days("2026-11-01", "2026-11-02")


@pytest.fixture
def traffic(store: Store, tmp_path: Path) -> Callable[[int], Path]:
    """Writes files of CDRs of one minute and ingests them: 3 calls of 4 legs, 3 SMS, 3 data records, 3 mobile calls."""

    def put(minute: int) -> Path:
        folder = tmp_path / f"cdr{minute}"
        folder.mkdir()
        at = f"2026-11-01T10:{minute:02d}"
        _write(folder, "call", _calls(at, minute))
        _write(folder, "sms", _messages(at, minute))
        _write(folder, "data", _sessions(at, minute))
        lines = ["MSIDN;IMSI;IMEI;PLAN;CALL_TYPE;CORRESP_TYPE;CORRESP_ISDN;DURATION;TIME;DATE "]
        for kind, number in (("MOC", NUMBERS[0]), ("MTC", NUMBERS[1]), ("MOC", STRANGER)):
            lines.append(f"{number};1;1;PLAN9;{kind};;{NUMBERS[2]};61;10:{minute:02d}:30;01/11/2026 ")
        (folder / "mobile.csv").write_text("\n".join(lines) + "\n")
        report = ingest(store, [folder])
        assert (report.rejected, report.errors, report.indexed) == (0, [], 13)
        return folder

    return put


def _write(folder: Path, kind: str, rows: Sequence[dict[str, Any]]) -> None:
    with (folder / f"{kind}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, _HEADERS[kind])
        writer.writeheader()
        writer.writerows(rows)


def _calls(at: str, minute: int) -> list[dict[str, Any]]:
    """Between two customers, with two legs; from a customer to a stranger; between strangers, not answered."""
    answered = {
        "start_time": f"{at}:01Z",
        "answer_time": f"{at}:05Z",
        "end_time": f"{at}:45Z",
        "disposition": "answered",
    }
    ringing = {"start_time": f"{at}:01Z", "end_time": f"{at}:20Z", "disposition": "ringing"}
    pairs = ((NUMBERS[0], NUMBERS[1]), (NUMBERS[0], NUMBERS[1]), (NUMBERS[0], STRANGER), (STRANGER, STRANGER + "1"))
    rows = [{"calling_number": one, "called_number": other} for one, other in pairs]
    rows[0] |= answered | {"call_id": f"a{minute}", "record": "1"}
    rows[1] |= answered | {"call_id": f"a{minute}", "record": "2", "start_time": f"{at}:02Z"}
    rows[2] |= ringing | {"call_id": f"b{minute}", "record": "1"}
    rows[3] |= ringing | {"call_id": f"c{minute}", "record": "1"}
    return rows


def _messages(at: str, minute: int) -> list[dict[str, Any]]:
    shared = {
        "submit_time": f"{at}:00Z",
        "delivery_time": f"{at}:02Z",
        "result": "delivered",
        "peer_number": NUMBERS[4],
    }
    return [
        shared | {"message_id": f"m{minute}{at_}", "call_type": kind, "msisdn": number}
        for at_, (kind, number) in enumerate((("SMS-MO", NUMBERS[0]), ("SMS-MT", NUMBERS[1]), ("SMS-MO", STRANGER)))
    ]


def _sessions(at: str, minute: int) -> list[dict[str, Any]]:
    shared = {"duration_sec": 30, "imsi": "1", "apn": "internet", "uplink_bytes": 100, "downlink_bytes": 900}
    shared |= {"record_opening_time": f"{at}:00Z", "pgw_address": "10.0.0.1", "charging_id": minute}
    causes = ((NUMBERS[0], 1, "time_limit"), (NUMBERS[0], 2, "normal_release"), (STRANGER, 3, "normal_release"))
    return [
        shared | {"msisdn": who, "record_sequence": place, "cause_for_closing": cause} for who, place, cause in causes
    ]


def people(store: Store, folder: Path, numbers: Sequence[str], first: int = 1) -> None:
    file = folder / "customers.ndjson"
    rows = [
        {"customer_id": f"C{place}", "name": f"N {place}", "plan": "PLAN1", "msisdns": [number]}
        for place, number in enumerate(numbers, first)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    load_customers(store, file)


def counts(usage: UsageStore) -> dict[str, int]:
    def work(connection: Any) -> dict[str, int]:
        return {
            kind: connection.scalar(select(func.count()).select_from(table))
            for kind, table in schema.RECORD_TABLES.items()
        }

    return usage.read(work)


def test_sync_brings_every_cdr_once_and_sets_aside_what_is_nobodys(
    store: Store,
    usage_store: UsageStore,
    traffic: Callable[[int], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipeline, "CHUNK", 2)  # a leg of a call in each chunk
    people(store, tmp_path, NUMBERS[:3])
    traffic(1)
    first = sync(store, usage_store)
    assert first.balanced, first.as_dict()
    assert first.customers == 3
    # Call a has a side of each of two customers, however many legs; b has one. Two mobile calls.
    assert counts(usage_store) == {"call": 2 + 1 + 2, "sms": 2, "data": 2}
    voip, mobile, sms, epc = first.sources
    assert (voip.documents, voip.stored, voip.aside) == (4, 2, {"other_leg": 1, "unknown_customer": 1})
    assert (mobile.documents, mobile.stored, mobile.aside) == (3, 2, {"unknown_customer": 1})
    assert (sms.aside, epc.aside) == ({"unknown_customer": 1}, {"unknown_customer": 1})
    assert usage_store.read(differences) == 0

    again = sync(store, usage_store)
    assert again.balanced
    assert sum(each.inserted for each in again.sources) == 0

    traffic(2)
    people(store, tmp_path, [STRANGER], first=9)  # those set aside are somebody's now
    later = sync(store, usage_store)
    assert later.balanced, later.as_dict()
    assert [each.aside for each in later.sources] == [{"other_leg": 2}, {}, {}, {}]
    table = schema.calls
    made = select(func.count()).select_from(table).where(table.c.customer_id == "C9", table.c.direction == "made")
    assert usage_store.read(lambda connection: connection.scalar(made)) == 2 + 2  # mobile calls, and call c
    assert usage_store.read(differences) == 0


def test_sync_killed_before_a_chunk_is_committed_goes_on_without_loss(
    store: Store,
    usage_store: UsageStore,
    traffic: Callable[[int], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Killed(BaseException):
        """As kill -9: nothing after it runs."""

    people(store, tmp_path, NUMBERS[:3])
    traffic(1)
    monkeypatch.setattr(pipeline, "CHUNK", 2)
    usual, left = pipeline.replacing, [3]

    def dies(*arguments: Any) -> Any:
        left[0] -= arguments[0] is schema.checkpoints
        if left[0] <= 0:
            raise Killed
        return usual(*arguments)

    monkeypatch.setattr(pipeline, "replacing", dies)
    with pytest.raises(Killed):
        sync(store, usage_store)
    monkeypatch.setattr(pipeline, "replacing", usual)
    assert sync(store, usage_store).balanced
    assert counts(usage_store) == {"call": 5, "sms": 2, "data": 2}
    assert usage_store.read(differences) == 0


def test_exported_cdrs_are_mediated_whole_and_known_again_by_sync(
    store: Store, usage_store: UsageStore, tmp_path: Path
) -> None:
    key = pii_key(store.settings)
    for place, number in enumerate(NUMBERS[:2], 1):
        add_customer(usage_store, {"id": f"C{place}", "name": "n", "plan": "PLAN1", "msisdns": number}, key)
    add_customer(usage_store, {"id": "C3", "name": "has no number", "plan": "PLAN1"}, key)
    logged(usage_store, "call", *(call(f"C{who}", "2026-11-01 10:00", "61.5", outcome="answered") for who in (1, 2, 3)))
    logged(usage_store, "call", call("C1", "2026-11-01 11:00", "0", outcome="unanswered", direction="received"))
    logged(
        usage_store, "sms", message("C1", "2026-11-01 12:00", peer="Bank, 'the'"[:4]), message("C2", "2026-11-01 12:00")
    )
    logged(usage_store, "data", session("C1", "2026-11-01 13:00"), session("C2", "2026-11-01 13:00", final="no"))
    logged(usage_store, "sms", message("C1", "2026-11-02 00:00"))  # the day after

    files = export_cdr(usage_store, DAY, tmp_path / "out")
    assert [(each.kind, each.lines, each.without_number) for each in files] == [
        ("call", 3, 1),
        ("sms", 2, 0),
        ("data", 2, 0),
    ]
    report = ingest(store, [tmp_path / "out"])
    assert (report.lines, report.indexed, report.rejected, report.errors) == (7, 7, 0, [])
    assert {Path(each.path).name: each.layout for each in report.files} == {
        Path(each.path).name: each.layout for each in files
    }
    assert ingest(store, [tmp_path / "out"]).counts.duplicate == 7

    before = counts(usage_store)
    synced = sync(store, usage_store)
    assert synced.balanced, synced.as_dict()
    assert counts(usage_store) == before
    assert sum(each.aside.get("own_record", 0) for each in synced.sources) == 7
    assert DAY.end < NOW


def test_cdrs_that_were_synced_are_not_exported(
    store: Store, usage_store: UsageStore, traffic: Callable[[int], Path], tmp_path: Path
) -> None:
    people(store, tmp_path, NUMBERS[:3])
    traffic(1)
    sync(store, usage_store, numbers=True)
    stored_number = usage_store.read(lambda c: c.scalar(select(func.min(schema.numbers.c.number))))
    assert stored_number == NUMBERS[0]
    assert [each.lines for each in export_cdr(usage_store, DAY, tmp_path / "out")] == [0, 0, 0]
