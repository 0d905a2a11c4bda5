"""How long an agent waits: search as one types among many customers, and a diagnosis among many records."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from datagen.network import Network, read_network
from datagen.people import Customers
from datagen.pipeline import generate
from datagen.request import plan
from datagen.sink import StoreSink
from detectors import train
from infrastructure.store import Store
from kpis.pipeline import rollup
from servicedesk.customers import load_rows
from servicedesk.diagnosis import Diagnosis, diagnose
from servicedesk.profiles import search_customers

START = date(2026, 10, 5)  # a Monday; the records end before any clock that runs this
_SHARES = {"voip": 0.54, "sms": 0.26, "epc": 0.20}
_WARM = 20  # questions that are not counted: connections, caches and code are warm when an agent works
Say = Callable[[str], None]


def bench_desk(
    store: Store,
    folder: Path,
    *,
    customers: int = 1_000_000,
    cdrs: int = 100_000,
    days: int = 14,
    questions: int = 300,
    seed: int = 1,
    say: Say = lambda text: None,
) -> dict[str, Any]:
    """Fills an empty store with `customers` of the generator's own base and about `cdrs` of their records, then asks.

    Returns customers, cdrs, search_p50_ms, search_p95_ms, diagnose_p50_ms, diagnose_p95_ms, load_customers_per_s, and
    causes (how often each was the probable one). One question after the other, by one asker; times are those of the library,
    over HTTP to the node. `folder`: for files that are made on the way.
    """
    network = _network(customers)
    base = plan(start=START, days=days, seed=seed, network=network).model.customers
    say(f"writing {customers:,} customers")
    began = time.perf_counter()
    load_rows(store, base.records())
    rate = customers / (time.perf_counter() - began)
    until = datetime(START.year, START.month, START.day, tzinfo=UTC) + timedelta(days=days)
    written = _records(store, folder, network, cdrs, days, seed, until, say) if cdrs else 0
    store.exchange.ask("POST", "/customer-1,subscriber-1/_forcemerge", params={"max_num_segments": "5"})
    rng = random.Random(seed)
    say(f"searching {questions} times")
    searches = _timed(lambda text: search_customers(store, text), _typed(base, rng, questions))
    figures: dict[str, Any] = {"customers": customers, "cdrs": written, "load_customers_per_s": round(rate)}
    figures |= _percentiles("search", searches)
    if written:
        say(f"diagnosing {questions} customers")
        found: list[Diagnosis] = []
        asked = (base.identity(n) if n % 2 else _number(base, n) for n in _active(base, rng, questions))
        times = _timed(lambda who: found.append(diagnose(store, store.settings, who, until)), asked)
        causes = [one.probable.kind for one in found]
        figures |= _percentiles("diagnose", times)
        figures |= {"causes": {name: causes.count(name) for name in sorted(set(causes))}}
        figures |= {"sessions": sum(len(one.sessions) for one in found) / len(found)}
    return figures


def _network(customers: int) -> Network:
    """The shipped network with that many customers."""
    network = read_network()
    return replace(network, customers=replace(network.customers, count=customers))


def _records(
    store: Store, folder: Path, network: Network, cdrs: int, days: int, seed: int, until: datetime, say: Say
) -> int:
    """Records straight into the store, as ingesting their files would write them; KPI points and baselines of them."""
    say(f"writing about {cdrs:,} records of {days} days")
    rate = {service: max(1.0, share * cdrs / days) for service, share in _SHARES.items()}
    sink = StoreSink(store, folder)
    generate(
        folder, start=START, days=days, rate=rate, seed=seed, network=network, customers="none", rotate="1d", sink=sink
    )
    say("rolling up and learning")
    rollup(store, until=until, now=until)
    train(store, until=until)
    store.refresh()
    return sink.report.counts.indexed


def _typed(base: Customers, rng: random.Random, count: int) -> Iterator[str]:
    """What agents type, in turn: the beginning of a name, of two words, of an id, of a number; two to all its characters."""
    for turn in range(count):
        n = rng.randrange(base.count)
        row = next(base.described(np.array([n])))
        first, *more = row["name"].split()
        text = (
            first[: rng.randint(2, len(first))],
            f"{first} {more[0][: rng.randint(1, 4)]}",
            row["customer_id"][: rng.randint(3, 8)],
            row["msisdns"][0][: rng.randint(4, len(row["msisdns"][0]))],
        )
        yield text[turn % len(text)]


def _active(base: Customers, rng: random.Random, count: int) -> list[int]:
    """Customers who call a service desk: half of them any, half those who use most."""
    busy = base.consumer_at(np.arange(max(1, base.consumers // 50))).tolist()
    return [rng.randrange(base.count) if turn % 2 else int(rng.choice(busy)) for turn in range(count)]


def _number(base: Customers, n: int) -> str:
    return str(next(base.described(np.array([n])))["msisdns"][0])


def _timed(ask: Callable[[str], object], texts: Iterator[str]) -> list[float]:
    """Seconds of each question but the first few."""
    seconds = []
    for text in texts:
        began = time.perf_counter()
        ask(text)
        seconds.append(time.perf_counter() - began)
    return seconds[_WARM:]


def _percentiles(name: str, seconds: list[float]) -> dict[str, float]:
    half, most = np.percentile(np.array(seconds) * 1000, (50, 95))
    return {f"{name}_p50_ms": round(float(half), 1), f"{name}_p95_ms": round(float(most), 1)}
