"""`busyhour generate`: synthetic CDR files with labelled incidents."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from cli.context import examples, json_option
from cli.learned import generate_learned, refuse_others
from cli.live import generate_live, sink_of
from cli.output import emit_json, progress
from cli.scenario_option import ALL, ScenarioType, scenario_of
from contracts.errors import DefinitionError
from datagen import default_incidents
from datagen import generate as write_files
from datagen.network import NETWORK, PROFILES, read_network
from datagen.people.writing import CHOICES
from datagen.request import layouts_by_service
from datagen.room import Confirm

SERVICES = ("voip", "sms", "epc")
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(
    epilog=examples(
        "busyhour generate --days 7 --out traffic/",
        "busyhour generate --service voip --days 2 --rate 50000 --seed 7 --out traffic/",
        "busyhour generate --days 28 --demo-incidents --out traffic/ && busyhour ingest traffic/cdr",
        "busyhour generate --layout cucm-cdr --rotate 10MB --gzip --late 2%:45m --duplicate 1% --out traffic/",
        "busyhour generate --from sample_data/voip-public-undated.csv --days 7 --rate 50000 --out traffic/",
        "busyhour generate --live --speed 60 --rotate 15m --out /var/spool/cdr",
    )
)
@click.option("--service", "services", type=click.Choice(SERVICES), multiple=True, help="Only these; all by default.")
@click.option("--days", type=int, help="Whole days; 7 unless given, with --live without end.")
@click.option("--start", help="First day, such as 2026-11-02; by default the last day is yesterday.")
@click.option("--rate", type=float, help="Records per service on an average day; the network file's own by default.")
@click.option("--network", type=_FILE, help="Network, customers and traffic (YAML) instead of datagen/network.yml.")
@click.option("--profiles", type=_FILE, help="Traffic over the week (YAML) instead of datagen/profiles.yml.")
@click.option(
    "--customers",
    type=click.Choice(CHOICES),
    help="Customers to write: all, those with records, none; beyond 100,000 those with records by default.",
)
@click.option(
    "--incidents",
    type=ScenarioType(),
    metavar="FILE|all",
    help="Scenario file (YAML), or `all`: every type of `busyhour scenario list` once.",
)
@click.option("--demo-incidents", is_flag=True, help="The demo's incidents: one of each type in the last three days.")
@click.option(
    "--layout", "layouts", multiple=True, help="Format (`busyhour layouts list`); its services follow from it."
)
@click.option(
    "--rotate", default="1h", show_default=True, help="A new file every 15m, 1h or 1d, each 10MB, or 50000lines."
)
@click.option("--gzip", is_flag=True, help="Pack every file.")
@click.option("--late", metavar="SHARE:DELAY", help="Files that are delivered late, such as 2%:45m.")
@click.option("--duplicate", metavar="SHARE", help="Files that are delivered twice, such as 1%.")
@click.option("--numbered", is_flag=True, help="Running numbers in file names, as 3GPP TS 32.297 has them.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes.")
@click.option("--yes", is_flag=True, help="Take much of the disk without asking.")
@click.option("--live", is_flag=True, help="From now on, in real time, until it is stopped; resumes where it was.")
@click.option("--speed", type=float, help="With --live: so many times as fast, until it is now.")
@click.option("--append", is_flag=True, help="With --live: lines as they come, in place of whole files.")
@click.option(
    "--sink", type=click.Choice(("files", "elasticsearch")), default="files", show_default=True, help="Where to."
)
@click.option(
    "--from",
    "samples",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Records like those of a CSV sample, or of a model (`busyhour learn`), in their own format.",
)
@click.option(
    "--profile", help="With --from: hours of the week, by name in the profiles file; `sample`: the sample's own."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed writes the same bytes.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the files.")
@json_option
def generate(
    services: tuple[str, ...],
    days: int | None,
    start: str | None,
    network: Path | None,
    profiles: Path | None,
    incidents: Path | str | None,
    demo_incidents: bool,
    layouts: tuple[str, ...],
    live: bool,
    samples: tuple[Path, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Write believable CDR files, the customers they belong to, and the truth about every incident in them."""
    if demo_incidents and (incidents or live):
        raise DefinitionError("--demo-incidents goes with neither --incidents nor --live")
    if samples:
        refuse_others(options, service=services, network=network, demo_incidents=demo_incidents, live=live)
        if isinstance(incidents, str) or len(layouts) > 1:
            raise DefinitionError("--from takes a scenario file and one --layout", remedy="name one file, one layout")
        span = 7 if days is None else days
        generate_learned(
            samples, options, first=_first_day(start, span), days=span, incidents=incidents, profiles=profiles,
            layout=next(iter(layouts), None), confirm=_agreement(yes=options["yes"]), as_json=as_json,
        )  # fmt: skip
        return
    if options["profile"]:
        raise DefinitionError(
            "--profile goes with --from", remedy="profiles of a network are in its own file: --network"
        )
    by_service = layouts_by_service(layouts, services)
    asked = {
        "services": services or tuple(by_service) or SERVICES,
        "layouts": by_service,
        "incidents": incidents,
        "network": read_network(network or NETWORK, profiles or PROFILES),
        **{name: options[name] for name in ("rate", "seed", "rotate", "gzip", "late", "duplicate", "numbered")},
    }
    if live and incidents == ALL:
        raise DefinitionError("--incidents all needs a run of whole days", remedy="name a scenario file with --live")
    if live:
        generate_live(asked, start, days, options, as_json)
        return
    if options["append"] or options["speed"] is not None:
        raise DefinitionError("--append and --speed go with --live")
    span = 7 if days is None else days
    first = _first_day(start, span)
    if demo_incidents:
        end = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(days=max(span, 1))
        asked["incidents"] = default_incidents(end)
    elif incidents == ALL:
        net, every = asked["network"], asked["services"]
        asked["incidents"] = scenario_of(incidents, services=every, first=first, days=span, network=net)
    _generate(asked | {"start": first, "days": span}, options, as_json)


def _generate(asked: dict[str, Any], options: dict[str, Any], as_json: bool) -> None:
    sink = sink_of(options)
    with progress("generating", quiet=as_json) as advance:
        report = write_files(
            options["out"],
            customers=options["customers"],
            workers=options["workers"],
            confirm=_agreement(yes=options["yes"]),
            sink=sink,
            progress=lambda what, done, total: advance(done, total),
            **asked,
        )
    if as_json:
        emit_json(asdict(report) | ({} if sink is None else {"ingested": sink.report.as_dict()}))
        return
    where = f"in {report.files:,} files under {options['out']}" if sink is None else "mediated into Elasticsearch"
    click.echo(f"{report.rows:,} records {where}, in {report.seconds:.1f} s")
    if report.resumed:
        click.echo(f"{report.resumed:,} days of a service were complete already")
    if report.late or report.duplicates:
        click.echo(f"{report.late:,} files late, {report.duplicates:,} twice: {report.deliveries}")
    click.echo(f"{report.incidents} labelled incidents: {report.truth}\ncustomers: {report.customers}")
    for name in report.outside:
        click.echo(f"incident {name} lies outside these days or services and was left out")


def _agreement(*, yes: bool) -> Confirm | None:
    """Who is asked before much of the disk is taken: nobody without a terminal."""
    if yes:
        return lambda question: True
    if not sys.stdin.isatty():
        return None
    return lambda question: click.confirm(question, err=True)


def _first_day(start: str | None, days: int) -> date:
    if start is None:
        return datetime.now(UTC).date() - timedelta(days=max(days, 1))
    try:
        return date.fromisoformat(start)
    except ValueError:
        raise DefinitionError(f"{start!r} is not a day", where="--start", remedy="write it as 2026-11-02") from None
