"""`busyhour calendar`: holidays, maintenance and events, as learning and judging see them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from cli.context import Context, examples, json_option, pass_context
from cli.moments import moment
from cli.output import emit_json, emit_table
from contracts.clock import epoch_ms, from_epoch_ms, iso
from contracts.errors import UserError
from detectors.calendars import Planned, calendar_of, read_ics

_AHEAD = timedelta(days=90)
_LONGEST = timedelta(days=800)


@click.group(epilog=examples("busyhour calendar list", "busyhour calendar check maintenance.ics"))
def calendar() -> None:
    """Holidays, maintenance and events (network.country, network.calendars). Needs no node."""


def _span(command: Any) -> Any:
    command = click.option("--until", help="Up to this time (UTC); 90 days later by default.")(command)
    return click.option("--since", help="From this time (UTC); now by default.")(command)


@calendar.command(
    "list",
    epilog=examples("busyhour calendar list", "busyhour calendar list --since 2026-01-01 --until 2027-01-01 --json"),
)
@_span
@json_option
@pass_context
def list_planned(context: Context, since: str | None, until: str | None, as_json: bool) -> None:
    """What is planned: holidays are judged as Sundays, maintenance is not judged, the traffic of an event is not."""
    begin, end = _times(since, until)
    found = calendar_of(context.settings, begin, end).during(epoch_ms(begin), epoch_ms(end))
    _show(list(found), ZoneInfo(context.settings.text("network.timezone")), as_json, {})


@calendar.command(
    epilog=examples(
        "busyhour calendar check maintenance.ics", "busyhour calendar check changes.ics holidays.ics --json"
    )
)
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@_span
@json_option
@pass_context
def check(context: Context, files: tuple[Path, ...], since: str | None, until: str | None, as_json: bool) -> None:
    """Read .ics FILES as the jobs would, and show what they plan. Exit 1 where one cannot be used."""
    begin, end = _times(since, until)
    zone = ZoneInfo(context.settings.text("network.timezone"))
    found = [one for path in files for one in read_ics(path, zone, begin, end)]
    _show(sorted(found, key=lambda one: (one.start, one.end)), zone, as_json, {"files": len(files)})


def _times(since: str | None, until: str | None) -> tuple[datetime, datetime]:
    begin = moment(since, datetime.now(UTC))
    end = moment(until, begin + _AHEAD)
    if not begin < end <= begin + _LONGEST:
        raise UserError("is no span of time that can be shown", where="--since, --until", remedy="at most 800 days")
    return begin, end


def _show(found: list[Planned], zone: ZoneInfo, as_json: bool, more: dict[str, Any]) -> None:
    if as_json:
        rows = [
            {
                "kind": one.kind,
                "title": one.title,
                "start": iso(from_epoch_ms(one.start)),
                "end": iso(from_epoch_ms(one.end)),
                "entities": [str(entity) for entity in one.entities],
            }
            for one in found
        ]
        emit_json({"planned": rows, "count": len(rows)} | more)
        return
    lines = [
        [
            _local(one.start, zone),
            _local(one.end, zone),
            one.kind,
            ", ".join(map(str, one.entities)) or "all",
            one.title,
        ]
        for one in found
    ]
    emit_table(["from", "until", "kind", "for", "title"], lines, empty="nothing is planned")


def _local(at: int, zone: ZoneInfo) -> str:
    return f"{from_epoch_ms(at).astimezone(zone):%a %Y-%m-%d %H:%M}"
