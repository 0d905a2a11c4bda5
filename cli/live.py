"""`busyhour generate --live` and `--sink`: what stands around the library's loop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from cli.context import Context, say
from cli.output import emit_json
from contracts.clock import parse_iso
from contracts.errors import DefinitionError
from datagen.live import began, run_live
from datagen.request import plan
from datagen.sink import StoreSink

_ENDLESS = 36_500  # days


def sink_of(options: dict[str, Any]) -> StoreSink | None:
    """The store, where records go straight into it."""
    if options["sink"] == "files":
        return None
    context = click.get_current_context().ensure_object(Context)
    return StoreSink(context.store, options["out"])


def generate_live(
    asked: dict[str, Any], start: str | None, days: int | None, options: dict[str, Any], as_json: bool
) -> None:
    """Until SIGINT, SIGTERM or the last of `days`."""
    if options["workers"] != 1:
        raise DefinitionError("--workers goes without --live")
    speed = 1.0 if options["speed"] is None else options["speed"]
    out: Path = options["out"]
    begin = _begin(start, speed)
    first = datetime.fromtimestamp(begin / 1000, UTC).date()
    run = plan(**asked, start=_first_day(out, first), days=_ENDLESS if days is None else days)
    with stop_on_signals() as stop:
        if not as_json:
            say(
                f"delivering to {out} from {datetime.fromtimestamp(begin / 1000, UTC):%Y-%m-%d %H:%M} UTC on; Ctrl-C stops"
            )
        sink = sink_of(options)
        report = run_live(
            out,
            run,
            speed=speed,
            begin=begin,
            stop=stop,
            append=options["append"],
            customers=options["customers"],
            sink=sink,
        )
    if as_json:
        emit_json(asdict(report) | ({} if sink is None else {"ingested": sink.report.as_dict()}))
        return
    click.echo(
        f"{report.rows:,} records in {report.files:,} files, complete up to {report.through}; run it again to go on"
    )


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Set by the first SIGINT or SIGTERM; files under way are dropped or become whole."""
    stop = threading.Event()
    before = {each: signal.signal(each, lambda *_: stop.set()) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _begin(start: str | None, speed: float) -> int:
    """Record time to begin at: now; a day ago where traffic runs faster than the clock, which it catches up with."""
    if start is None:
        return int(1000 * (time.time() - (86_400 if speed > 1 else 0)))
    try:
        moment = parse_iso(start if "T" in start else f"{start}T00:00:00Z")
    except ValueError:
        remedy = "write it as 2026-11-02 or 2026-11-02T10:00:00Z"
        raise DefinitionError(f"{start!r} is no time", where="--start", remedy=remedy) from None
    if moment > datetime.now(UTC):
        raise DefinitionError(f"{start} is yet to come", where="--start")
    return int(moment.timestamp() * 1000)


def _first_day(out: Path, day: date) -> date:
    """Days begin with the one that the folder's run began with."""
    return min(day, began(out) or day)
