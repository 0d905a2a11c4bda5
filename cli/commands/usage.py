"""`busyhour usage`: the usage store of customers, calls, SMS and data sessions; reports, the menu, CDRs in and out."""

from __future__ import annotations

import sys

import click

from cli.commands.usage_records import change_, customer, import_, log_, records, search_
from cli.commands.usage_reports import report
from cli.commands.usage_sync import export_cdr, sync_
from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json, emit_pairs, emit_table
from cli.usage_options import open_usage, zone_of
from infrastructure.secrets import pii_key
from usage.books import list_loads
from usage.engine import UsageStore
from usage.menu import run_menu
from usage.migrate import set_up
from usage.records.facts import differences, rebuild
from usage.tariffs import load_tariffs


@click.group(epilog=examples("busyhour usage setup", "busyhour usage report network", "busyhour usage menu"))
def usage() -> None:
    """Usage analytics on MariaDB, MySQL or SQLite (setting usage.url): who called, wrote and surfed how much."""


@usage.command(
    epilog=examples("busyhour usage setup", "BUSYHOUR_USAGE_URL=mysql://usage@db/usage busyhour usage setup")
)
@json_option
@pass_context
def setup(context: Context, as_json: bool) -> None:
    """Make the tables, or bring them up to date. Safe to repeat; a run that was cut is gone on with."""
    store = UsageStore.open(context.settings, say=say)
    try:
        done = set_up(store)
    finally:
        store.close()
    if done.resumed:
        say(f"an earlier setup, begun {done.resumed}, was cut: it is finished now")
    figures = {"place": done.place, "before": done.before, "after": done.after, "resumed": done.resumed}
    emit_json(figures) if as_json else emit_pairs(figures)


@usage.command(epilog=examples("busyhour usage check", "busyhour usage check --rebuild --json"))
@click.option("--rebuild", "anew", is_flag=True, help="Work the sums out anew from the records.")
@json_option
@pass_context
def check(context: Context, anew: bool, as_json: bool) -> int:
    """Hold the sums that reports read against the records they are of. Exit 1 when they differ."""
    with open_usage(context) as store:
        found = store.read(differences)
        if anew:
            store.write(rebuild)
        left = store.read(differences) if anew else found
        figures = {"place": store.place, "differing": found, "rebuilt": anew, "left": left}
    emit_json(figures) if as_json else emit_pairs(figures)
    return 1 if left else 0


@usage.command(epilog=examples("busyhour usage loads", "busyhour usage loads --limit 5 --json"))
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="So many at most.")
@json_option
@pass_context
def loads(context: Context, limit: int, as_json: bool) -> None:
    """List what was imported: lines read = inserted + present + rejected. Without an end: cut, or under way."""
    with open_usage(context) as store:
        rows = list_loads(store, limit)
    if as_json:
        emit_json({"loads": rows})
        return
    names = ("started", "finished", "kind", "source", "read", "inserted", "present", "rejected")
    emit_table(names, [[row[name] for name in names] for row in rows], empty="nothing was imported yet")


@usage.command(epilog=examples("busyhour usage menu", "busyhour usage menu --timezone Europe/Berlin"))
@click.option("--timezone", metavar="ZONE", help="IANA zone of times; default: network.timezone.")
@pass_context
def menu(context: Context, timezone: str | None) -> None:
    """A console with menus: log data, reports, search, export. Back and quit everywhere."""
    zone, tariffs, key = zone_of(context, timezone), load_tariffs(context.settings), pii_key(context.settings)
    with open_usage(context) as store:
        run_menu(store, zone=zone, tariffs=tariffs, key=key, stdin=sys.stdin, stdout=sys.stdout)


for each in (customer, log_, records, change_, search_, import_, report, sync_, export_cdr):
    usage.add_command(each)
