"""`busyhour ingest --follow`: a worker of a followed folder, its signals and what it prints."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import orjson

from cli.context import Context, say
from infrastructure.store import Store
from mediation.follow import Event, FollowReport, Stop, follow

_TO_STDERR = ("problem", "waiting", "away")


def run_follower(
    context: Context, folders: Sequence[Path], *, layout: str | None, once: bool, done: Path | None, as_json: bool
) -> FollowReport:
    """Follows until SIGTERM or SIGINT, or until nothing is left to do. Prints a line for each event, and the sums at the end."""
    stop = Stop()
    store = Store.connect(context.settings, say=say, sleep=stop.sleep)
    with _signals(stop):
        report = follow(
            store, folders, layout=layout, once=once, done=done, stop=stop, tell=_machine if as_json else _person
        )
    if as_json:
        _line(report.as_dict())
    else:
        counts = report.counts
        click.echo(
            f"{report.closed:,} files closed, {counts.lines:,} lines = {counts.indexed:,} indexed + "
            f"{counts.duplicate:,} duplicate + {counts.rejected:,} rejected, in {report.seconds:.1f} s"
        )
    for error in report.problems.values():
        say(f"busyhour: {error.sentence()}")
    return report


@contextmanager
def _signals(stop: Stop) -> Iterator[None]:
    """The first SIGTERM or Ctrl-C lets the worker finish what it holds; the second one does what it always does."""

    def finish(number: int, frame: object) -> None:
        stop.set()
        signal.signal(number, before[number])

    before: dict[int, Any] = {number: signal.signal(number, finish) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _person(event: Event) -> None:
    click.echo(event.sentence(), err=event.what in _TO_STDERR)


def _machine(event: Event) -> None:
    _line(event.as_dict())


def _line(value: object) -> None:
    """One JSON object a line, sent off at once."""
    click.echo(orjson.dumps(value).decode())
