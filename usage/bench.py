"""Figures of the usage store on a MariaDB of its own: the rate of an import beside LOAD DATA's, and how long reports take."""

from __future__ import annotations

import csv
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from contracts.settings import read
from usage.analytics.period import Period
from usage.analytics.pipeline import REPORTS, Wanted, report
from usage.engine import UsageStore
from usage.importing.records import import_records
from usage.mariadb import LocalMariaDB
from usage.migrate import set_up
from usage.records.customers import put_customers
from usage.records.facts import differences
from usage.records.kinds import COLUMNS, KINDS
from usage.schema import RECORD_TABLES
from usage.tariffs import load_tariffs

DAYS = 30
START = datetime(2026, 10, 1, tzinfo=UTC)
KEY = b"of the benchmark only"
BUFFER_MIB = 1024
_CUSTOMERS_AT_ONCE = 1000
_ZONE = ZoneInfo("Europe/Berlin")
# Calls by hour of day, busy at ten and at eighteen.
_HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 12, 10, 10, 11, 11, 11, 12, 13, 12, 10, 8, 5, 3)
Say = Callable[[str], None]


def bench_usage(folder: Path, *, rows: int, customers: int, rounds: int, seed: int, say: Say) -> dict[str, Any]:
    """`rows` calls, as many SMS and as many data sessions over 30 days, in a new server under `folder`.

    load_rows_per_s: from CSV through every check, with the sums; load_data_rows_per_s: LOAD DATA LOCAL of the same rows, as the
    server wrote them, into an empty table with the same indexes and foreign key; each kind in turn. Reports: milliseconds.
    """
    server = LocalMariaDB(folder, buffer_mib=BUFFER_MIB)
    server.start()
    try:
        store = UsageStore.open(read({"BUSYHOUR_USAGE_URL": server.database("bench")}))
        try:
            set_up(store)
            _customers(store, customers)
            figures = _loads(store, folder, rows, customers, seed, say)
            store.engine.dispose()  # the reports shall not profit from anything that a connection remembers
            figures |= _reports(store, customers, rounds, seed, say)
            figures["sums_differ"] = store.read(differences)
        finally:
            store.close()
    finally:
        server.stop()
    return figures


def _customers(store: UsageStore, count: int) -> None:
    given = [
        {"id": f"C{number:07d}", "name": f"Customer {number}", "plan": f"PLAN{number % 3 + 1}"}
        for number in range(count)
    ]
    for start in range(0, count, _CUSTOMERS_AT_ONCE):
        put_customers(store, given[start : start + _CUSTOMERS_AT_ONCE], KEY)


def _loads(store: UsageStore, folder: Path, rows: int, customers: int, seed: int, say: Say) -> dict[str, Any]:
    ours = theirs = 0.0
    for kind in KINDS:
        say(f"{kind}: writing {rows:,} lines")
        file = folder / f"{kind}.csv"
        write_sample(file, kind, rows, customers, seed)
        say(f"{kind}: importing, then LOAD DATA of the same rows")
        done = import_records(store, file, kind, zone=ZoneInfo("UTC"), key=KEY)
        if done.counts.inserted != rows:
            raise RuntimeError(f"{done.counts} of {rows} lines; {done.reasons}")
        ours += done.seconds
        theirs += _load_data(store, folder, kind, rows)
        file.unlink()
    total = rows * len(KINDS)
    return {
        "rows": total,
        "customers": customers,
        "load_rows_per_s": round(total / ours),
        "load_data_rows_per_s": round(total / theirs),
        "load_ratio": round(theirs / ours, 3),
    }


def _load_data(store: UsageStore, folder: Path, kind: str, rows: int) -> float:
    """Seconds of LOAD DATA of the rows that are in the store into an empty table that is made alike; removed again."""
    table, copy, columns = RECORD_TABLES[kind].name, f"{kind}_copy", ", ".join(COLUMNS[kind])
    file = folder / f"{kind}.tsv"
    with store.engine.connect() as connection:
        connection.execute(text(f"SELECT {columns} INTO OUTFILE '{file}' FROM {table}"))  # noqa: S608 - our own names
        connection.execute(text(f"CREATE TABLE {copy} LIKE {table}"))
        connection.execute(text(f"ALTER TABLE {copy} ADD FOREIGN KEY (customer_id) REFERENCES customers (id)"))
        connection.commit()
        began = time.monotonic()
        done = connection.execute(
            text(f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE {copy} CHARACTER SET utf8mb4 ({columns})")
        )
        connection.commit()
        seconds = time.monotonic() - began
        if done.rowcount != rows:
            raise RuntimeError(f"LOAD DATA took {done.rowcount} of {rows} rows")
        connection.execute(text(f"DROP TABLE {copy}"))
    file.unlink()
    return seconds


def write_sample(file: Path, kind: str, rows: int, customers: int, seed: int) -> None:
    """A CSV file of that kind in the order of time; few customers use much, as in real networks."""
    dice = random.Random(f"{seed} {kind}")
    make = {"call": _call, "sms": _sms, "data": _data}[kind]
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("customer", "started", "zone", "ref", *_SPECIFIC[kind]))
        for number, started in enumerate(_times(rows)):
            who = int(customers * dice.random() ** 2)
            zone = "national" if dice.random() < 0.93 else dice.choice(("international", "roaming"))
            writer.writerow((f"C{who:07d}", started, zone, f"{kind}-{number}", *make(dice)))


def _times(rows: int) -> Any:
    """ISO times, spread over 30 days by the hour's weight."""
    weight = sum(_HOURS) * DAYS
    number, passed = 0, 0
    for hour in range(DAYS * 24):
        begin = passed * rows // weight
        passed += _HOURS[hour % 24]
        count = passed * rows // weight - begin
        first = START + timedelta(hours=hour)
        for at in range(count):
            yield f"{first + timedelta(milliseconds=at * 3_600_000 // count):%Y-%m-%dT%H:%M:%S}.{number % 1000:03d}+00:00"
            number += 1


_SPECIFIC = {
    "call": ("direction", "peer", "outcome", "duration"),
    "sms": ("direction", "peer", "result", "parts"),
    "data": ("apn", "duration", "uplink", "downlink"),
}


def _call(dice: random.Random) -> tuple[Any, ...]:
    answered = dice.random() < 0.7
    seconds = int(dice.expovariate(1 / 120)) if answered else 0
    return dice.choice(("made", "received")), _peer(dice), "answered" if answered else "unanswered", seconds


def _sms(dice: random.Random) -> tuple[Any, ...]:
    return dice.choice(("made", "received")), _peer(dice), "delivered" if dice.random() < 0.98 else "failed", 1


def _data(dice: random.Random) -> tuple[Any, ...]:
    down = int(dice.expovariate(1 / 5e6))
    return "internet", int(dice.expovariate(1 / 600)), down // 10, down


def _peer(dice: random.Random) -> str:
    return f"+99955{dice.randrange(10**8):08d}"


def _reports(store: UsageStore, customers: int, rounds: int, seed: int, say: Say) -> dict[str, Any]:
    """Each report over periods that begin and end at odd moments, the whole month among them."""
    dice, tariffs = random.Random(seed), load_tariffs(read({}))
    took: dict[str, list[float]] = {name: [] for name in REPORTS}
    took["all-customers"] = []
    say(f"{rounds} rounds of {len(took)} reports")
    for number in range(rounds):
        for name, times in took.items():
            wanted = _wanted(name, dice, customers)
            began = time.monotonic()
            report(store, "customer" if name == "all-customers" else name, _period(dice, number), tariffs, wanted)
            times.append((time.monotonic() - began) * 1000)
    figures = {
        name: {"p50_ms": _percentile(times, 0.5), "p95_ms": _percentile(times, 0.95)} for name, times in took.items()
    }
    return {"reports": figures, "slowest_p95_ms": max(each["p95_ms"] for each in figures.values())}


def _period(dice: random.Random, number: int) -> Period:
    end = START + timedelta(days=DAYS)
    if number % 2 == 0:
        return Period.of(START, end, _ZONE)
    start = START + timedelta(seconds=dice.randrange(DAYS * 43_200))
    return Period.of(start, start + timedelta(seconds=dice.randrange(86_400, DAYS * 43_200)), _ZONE)


def _wanted(name: str, dice: random.Random, customers: int) -> Wanted:
    if name == "customer":
        return Wanted(customer=f"C{int(customers * dice.random() ** 2):07d}")
    if name == "peak-hours":
        return Wanted(by=dice.choice(("hour", "weekday", "hour-of-week")))
    if name == "top":
        return Wanted(by=dice.choice(("calls", "minutes", "sms", "data")))
    return Wanted(by=dice.choice(("day", "week", "month"))) if name == "trend" else Wanted()


def _percentile(times: list[float], share: float) -> float:
    """The value that so many of them do not exceed (nearest rank)."""
    ordered = sorted(times)
    return round(ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)], 1)
