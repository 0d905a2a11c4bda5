"""`busyhour diagnose`: what is wrong with one customer's service."""

from __future__ import annotations

from datetime import datetime

import click

from cli.context import Context, examples, json_option, pass_context
from cli.moments import moment
from cli.output import emit_json, emit_table, shown
from contracts.clock import iso
from servicedesk.diagnosis import Diagnosis, Session
from servicedesk.diagnosis import diagnose as diagnose_customer

_SESSIONS = 10


@click.command(epilog=examples("busyhour diagnose C0000001", "busyhour diagnose +441632960001 --json"))
@click.argument("who", metavar="CUSTOMER|MSISDN")
@click.option("--at", help="As of this time (UTC); now by default.")
@json_option
@pass_context
def diagnose(context: Context, who: str, at: str | None, as_json: bool) -> None:
    """Say what is wrong with a customer's service: the probable cause, its evidence, and what to do next."""
    store = context.store
    now: datetime = moment(at, store.clock())
    found = diagnose_customer(store, context.settings, who, now)
    if as_json:
        emit_json(found.as_dict())
        return
    _tell(found)


def _tell(found: Diagnosis) -> None:
    click.echo(f"{found.name} ({found.customer_id}), as of {iso(found.at)[:16]}")
    click.echo(f"\nProbable cause: {found.probable.title}")
    _points("Evidence", found.probable.evidence)
    _points("What to do", found.probable.next_steps)
    _points("It may also be", tuple(cause.title for cause in found.causes[1:]))
    _points("May not be read by you", found.missing)
    _points("Tickets about it", found.tickets)
    _points("Owed", (found.account.owed,) if found.account.owed else ())
    click.echo("")
    rows = [[iso(one.at)[:16], one.service, one.verdict, one.what, _quality(one)] for one in found.sessions[:_SESSIONS]]
    emit_table(("at", "service", "went", "what", "quality"), rows, title="Last sessions", empty="none")
    places = [
        [one.text, {True: "normal", False: "not normal", None: "too few"}[one.normal]] for one in found.comparisons
    ]
    emit_table(("figure", "is"), places[:_SESSIONS], title="Where they went", empty="no figures of that hour")


def _points(heading: str, points: tuple[str, ...]) -> None:
    if points:
        click.echo(f"\n{heading}:")
        for point in points:
            click.echo(f"  - {point}")


def _quality(one: Session) -> str:
    return ", ".join(f"{name} {shown(value)}" for name, value in one.quality.items())
