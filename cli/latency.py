"""How long a bucket that is final waits for its anomaly document: rounds of the jobs as `busyhour run` makes them.

Eight days of calls are mediated, the last hour of them by itself, and learned; then files come in every five minutes, an outage
begins, a round follows each. The clock stands at the end of each bucket, so that the round does just what it would do then.
During the second half of the rounds baselines are learned anew in a process of their own, over and over, as `busyhour run` does
once a day. A bucket is final when its file's books are written; `busyhour run` begins the round LOOK_SEC later, or after
LEAST_SEC of rest, at worst after a round that was under way. So a document is there after at most two rounds and the rest
between them.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cli.waking import LEAST_SEC, LOOK_SEC
from contracts.clock import iso, parse_iso
from datagen import generate
from detectors import BaselinesInUse, detect, train
from infrastructure.store import Store
from kpis.pipeline import rollup
from mediation import ingest
from mediation.correlate import correlate

_FIRST = datetime(2026, 9, 7, tzinfo=UTC)
_DAYS = 9
_OUTAGE = "incidents:\n  - {type: trunk_outage, place: TG2, start: 2026-09-15T10:10:00Z, duration: 2h}\n"


def bench_latency(store: Store, folder: Path, *, rounds: int, rate: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds of a round, by step, and from a final bucket to the document; which round found the outage."""
    say(f"making and mediating {_DAYS} days of {rate:,} calls")
    (folder / "outage.yml").write_text(_OUTAGE)
    made = folder / "traffic"
    generate(
        made,
        services=("voip",),
        start=_FIRST,
        days=_DAYS,
        rate=rate,
        seed=5,
        incidents=folder / "outage.yml",
        rotate="5m",
    )
    begin, files = datetime(2026, 9, 15, 10, tzinfo=UTC), _delivered(made)
    since = _FIRST
    for moment in (
        begin - timedelta(hours=1),
        begin,
    ):  # what came in just before the roll-up is looked at by the next one again
        store.clock = lambda now=moment: now  # type: ignore[misc]
        ingest(store, [_joined([path for end, path in files if since < end <= moment], folder / f"{moment:%H}.csv")])
        correlate(store)
        rollup(store)
        since = moment
    say("learning")
    train(store, until=begin)
    detect(store)
    return _rounds(store, [(end, path) for end, path in files if end > begin][:rounds], say) | {"calls_per_day": rate}


def _rounds(store: Store, coming: list[tuple[datetime, Path]], say: Callable[[str], None]) -> dict[str, Any]:
    took: dict[str, list[float]] = {"correlate": [], "rollup": [], "detect": []}
    in_use, found, learned = BaselinesInUse(), None, _Learning(store)
    steps: dict[str, Callable[[Store], Any]] = {
        "correlate": correlate, "rollup": rollup, "detect": partial(detect, in_use=in_use),
    }  # fmt: skip
    with learned:
        for number, (end, path) in enumerate(coming):
            store.clock = lambda now=end: now  # type: ignore[misc]
            ingest(store, [path])
            if 2 * number >= len(coming):
                learned.go_on(end)
            for name, step in steps.items():
                began = time.monotonic()
                report = step(store)
                took[name].append(time.monotonic() - began)
            if found is None and report.anomalies.new:
                found = number
            say(f"{end:%H:%M} round of {sum(part[-1] for part in took.values()):.1f} s")
    whole = [sum(parts) for parts in zip(*took.values(), strict=True)]
    beside = whole[len(whole) - len(whole) // 2 :]
    return {
        "rounds": len(whole), "round_s": round(statistics.median(whole), 2), "longest_round_s": round(max(whole), 2),
        **{f"{name}_s": round(statistics.median(parts), 2) for name, parts in took.items()},
        "document_s": round(LOOK_SEC + statistics.median(whole), 2),
        "document_at_worst_s": round(2 * max(whole) + max(LEAST_SEC, LOOK_SEC) + LOOK_SEC, 2),
        "found_in_round": found, "round_while_learning_s": round(max(beside), 2), "learned": learned.done,
    }  # fmt: skip


class _Learning:
    """`busyhour train` in a process of its own, begun again when it is over. `done`: how many ended well."""

    def __init__(self, store: Store) -> None:
        self._environment = {**os.environ, "BUSYHOUR_HOME": store.settings.text("home"), "ES_URL": ""}
        self._child: subprocess.Popen[bytes] | None = None
        self.done = 0

    def go_on(self, until: datetime) -> None:
        if self._child is None or self._child.poll() is not None:
            self._over()
            command = [sys.executable, "-m", "cli.main", "train", "--json", "--until", iso(until)]
            self._child = subprocess.Popen(  # noqa: S603  our own command
                command, stdout=subprocess.DEVNULL, env=self._environment
            )

    def _over(self) -> None:
        if self._child is not None:
            self.done += self._child.wait() == 0

    def __enter__(self) -> None:
        """Nothing is begun yet."""

    def __exit__(self, *error: object) -> None:
        self._over()


def _delivered(made: Path) -> list[tuple[datetime, Path]]:
    """Files with the moment at which they are delivered, in order of it."""
    rows = [json.loads(line) for line in (made / "deliveries.ndjson").read_text().splitlines()]
    return sorted((parse_iso(row["delivered"]), made / "cdr" / row["file"]) for row in rows)


def _joined(files: list[Path], out: Path) -> Path:
    """One file of the lines of many, under one header: thousands of small files would take minutes to mediate."""
    with out.open("wb") as whole:
        for number, path in enumerate(files):
            header, _, lines = path.read_bytes().partition(b"\n")
            whole.write(lines if number else header + b"\n" + lines)
    return out
