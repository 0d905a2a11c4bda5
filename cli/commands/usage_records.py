"""`busyhour usage customer|log|record|change|search|import`: what the usage store holds, one by one or by the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_pairs, emit_table, progress
from cli.usage_options import open_usage, period_of, period_options, zone_of
from contracts.errors import UserError
from infrastructure.secrets import pii_key
from usage.importing.customers import import_customers
from usage.importing.records import import_records
from usage.logging import change, log, search
from usage.records.customers import add_customer, change_customer, list_customers, remove_customer, show_customer
from usage.records.kinds import KINDS
from usage.records.write import remove_record, show_record
from usage.render import record_table
from usage.schema import KINDS_OF_CUSTOMER, STATES

_KIND = click.Choice(tuple(KINDS))
_zone_option = click.option("--timezone", metavar="ZONE", help="IANA zone of times; default: network.timezone.")
_FIELD_HELP = {
    "customer": "Customer id; or give --msisdn.",
    "msisdn": "The customer's number, such as +44 20 7946 0958.",
    "started": "Start, such as 2026-11-21 10:05, yesterday 10:05, now.",
    "ended": "End; or give --duration.",
    "duration": "Length, such as 1:02:03, 62 min or seconds.",
    "direction": "made or received.",
    "peer": "The other party: a number or a sender's name.",
    "outcome": "answered (default) or unanswered.",
    "result": "delivered, failed, pending or unknown.",
    "parts": "Parts of a long message.",
    "apn": "Access point name.",
    "uplink": "Bytes sent, such as 1.5 MB.",
    "downlink": "Bytes received, such as 2 GiB.",
    "final": "yes: the session ended with it (default); no: an interval of a session that goes on.",
    "plan": "Tariff plan; default: the customer's.",
    "zone": "national (default), international or roaming.",
    "ref": "Your own reference: tells equal records apart.",
}


def _fields(names: tuple[str, ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option for each field."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            command = click.option(f"--{name}", metavar="TEXT", help=_FIELD_HELP[name])(command)
        return command

    return add


def _answer(figures: dict[str, Any], as_json: bool) -> None:
    emit_json(figures) if as_json else emit_pairs(figures)


@click.group(epilog=examples("busyhour usage customer list", "busyhour usage customer add C1 --name Ann --plan PLAN1"))
def customer() -> None:
    """Customers of the usage store."""


def _customer_fields(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--msisdns", help="Numbers, separated by commas."),
        click.option("--since", help="Customer since, such as 2020-02-29."),
        click.option("--kind", type=click.Choice(KINDS_OF_CUSTOMER), help="What they are; default: consumer."),
        click.option("--plan", help="Tariff plan."),
        click.option("--name", help="Name."),
    ):
        command = option(command)
    return command


def _given(fields: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value is not None}


@customer.command(
    epilog=examples("busyhour usage customer add C1 --name Ann --plan PLAN1 --msisdns '+44 20 7946 0958'")
)
@click.argument("customer_id", metavar="CUSTOMER")
@_customer_fields
@json_option
@pass_context
def add(context: Context, /, customer_id: str, as_json: bool, **fields: Any) -> None:
    """Add a customer."""
    with open_usage(context) as store:
        _answer(add_customer(store, _given(fields) | {"id": customer_id}, pii_key(context.settings)), as_json)


@customer.command("change", epilog=examples("busyhour usage customer change C1 --plan PLAN2"))
@click.argument("customer_id", metavar="CUSTOMER")
@_customer_fields
@click.option("--state", type=click.Choice(STATES), help="active or closed.")
@json_option
@pass_context
def change_one(context: Context, /, customer_id: str, as_json: bool, **fields: Any) -> None:
    """Change a customer, or add numbers. Records keep the plan of their time."""
    with open_usage(context) as store:
        _answer(change_customer(store, customer_id, _given(fields), pii_key(context.settings)), as_json)


@customer.command(epilog=examples("busyhour usage customer show C1"))
@click.argument("customer_id", metavar="CUSTOMER")
@json_option
@pass_context
def show(context: Context, customer_id: str, as_json: bool) -> None:
    """Show one customer, their numbers, and how many records they have."""
    with open_usage(context) as store:
        _answer(show_customer(store, customer_id), as_json)


@customer.command("list", epilog=examples("busyhour usage customer list --search ann"))
@click.option("--search", "wanted", default="", help="Part of id, name or number.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="So many at most.")
@json_option
@pass_context
def list_(context: Context, wanted: str, limit: int, as_json: bool) -> None:
    """List customers."""
    with open_usage(context) as store:
        rows = list_customers(store, wanted, limit)
    if as_json:
        emit_json({"customers": rows})
        return
    names = ("id", "name", "kind", "plan", "since", "state")
    emit_table(names, [[row[name] for name in names] for row in rows], empty="no customers")


@customer.command(epilog=examples("busyhour usage customer remove C1"))
@click.argument("customer_id", metavar="CUSTOMER")
@json_option
@pass_context
def remove(context: Context, customer_id: str, as_json: bool) -> None:
    """Remove a customer who has no records; close one who has (`change --state closed`)."""
    with open_usage(context) as store:
        remove_customer(store, customer_id)
    _answer({"removed": customer_id}, as_json)


@click.group("log", epilog=examples("busyhour usage log sms --customer C1 --started now --direction made --peer +441"))
def log_() -> None:
    """Log one call, SMS or data session; checked, and stored once however often it is logged."""


def _logging(kind: str, example: str) -> click.Command:
    @click.command(kind, epilog=examples(example), help=f"Log a {KINDS[kind].title}.")
    @_fields(KINDS[kind].given)
    @_zone_option
    @json_option
    @pass_context
    def command(context: Context, /, timezone: str | None, as_json: bool, **fields: Any) -> None:
        with open_usage(context) as store:
            found = log(store, kind, _given(fields), zone_of(context, timezone), pii_key(context.settings))
        _answer({"id": found.id, "new": found.new}, as_json)

    return command


log_.add_command(_logging("call", "busyhour usage log call --customer C1 --started now --duration 90 --direction made"))
log_.add_command(_logging("sms", "busyhour usage log sms --customer C1 --started now --direction received --peer Bank"))
log_.add_command(
    _logging("data", "busyhour usage log data --customer C1 --started now --duration 60 --uplink 1MB --downlink 9MB")
)


@click.group("record", epilog=examples("busyhour usage record show call 01a1f833b2608c53c822ed3130ba49e2"))
def records() -> None:
    """Single records, by kind and id."""


@records.command("show", epilog=examples("busyhour usage record show call 01a1f833b2608c53c822ed3130ba49e2"))
@click.argument("kind", type=_KIND)
@click.argument("record_id", metavar="ID")
@json_option
@pass_context
def show_record_(context: Context, kind: str, record_id: str, as_json: bool) -> None:
    """Show a record."""
    with open_usage(context) as store:
        _answer(show_record(store, kind, record_id), as_json)


@records.command("remove", epilog=examples("busyhour usage record remove sms 01a1f833b2608c53c822ed3130ba49e2"))
@click.argument("kind", type=_KIND)
@click.argument("record_id", metavar="ID")
@json_option
@pass_context
def remove_record_(context: Context, kind: str, record_id: str, as_json: bool) -> None:
    """Remove a record, and take it out of the sums."""
    with open_usage(context) as store:
        remove_record(store, kind, record_id)
    _answer({"removed": record_id}, as_json)


@click.command(
    "change", epilog=examples("busyhour usage change call 01a1f833b2608c53c822ed3130ba49e2 duration='5 min'")
)
@click.argument("kind", type=_KIND)
@click.argument("record_id", metavar="ID")
@click.argument("changes", metavar="FIELD=VALUE…", nargs=-1, required=True)
@_zone_option
@json_option
@pass_context
def change_(
    context: Context, kind: str, record_id: str, changes: tuple[str, ...], timezone: str | None, as_json: bool
) -> None:
    """Change fields of a record. The answer is its id, a new one where what identifies it changed."""
    given = {}
    for text in changes:
        name, sign, value = text.partition("=")
        if not sign or name not in KINDS[kind].given:
            raise UserError(
                f"{text[:60]!r} is no change", remedy=f"FIELD=VALUE, a field of {', '.join(KINDS[kind].given)}"
            )
        given[name] = value
    with open_usage(context) as store:
        new = change(store, kind, record_id, given, zone_of(context, timezone), pii_key(context.settings))
    _answer({"id": new}, as_json)


@click.command("search", epilog=examples("busyhour usage search call --customer C1 --from 2026-11-01 --peer +44"))
@click.argument("kind", type=_KIND)
@click.option("--customer", default="", metavar="CUSTOMER", help="Of this customer.")
@click.option("--peer", default="", help="Part of the other party, or of the access point name.")
@click.option("--ref", default="", help="Your own reference, whole.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="So many at most.")
@period_options
@json_option
@pass_context
def search_(
    context: Context,
    kind: str,
    customer: str,
    peer: str,
    ref: str,
    limit: int,
    since: str | None,
    until: str | None,
    timezone: str | None,
    as_json: bool,
) -> None:
    """Find records of a period, newest first."""
    zone = zone_of(context, timezone)
    with open_usage(context) as store:
        period = period_of(store, zone, since, until)
        rows = search(store, kind, period, customer=customer, peer=peer, ref=ref, limit=limit)
    if as_json:
        emit_json({"records": rows})
    else:
        emit_table(*record_table(KINDS[kind], rows, zone), empty="nothing was found")


@click.command(
    "import",
    epilog=examples(
        "busyhour usage import calls.csv --kind call", "busyhour usage import customers.ndjson --kind customer"
    ),
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--kind", type=click.Choice((*KINDS, "customer")), required=True, help="What the lines are.")
@click.option(
    "--rejects", type=click.Path(path_type=Path, dir_okay=False), help="Refused lines with the reason go there."
)
@_zone_option
@json_option
@pass_context
def import_(context: Context, file: Path, kind: str, rejects: Path | None, timezone: str | None, as_json: bool) -> int:
    """Import CSV of calls, SMS, data sessions or customers. Importing it again doubles nothing. Exit 1 on refused lines."""
    key = pii_key(context.settings)
    with open_usage(context) as store:
        if kind == "customer":
            found = import_customers(store, file, key)
            figures: dict[str, Any] = {
                "customers": found.customers,
                "rejected": found.rejected,
                "refused": found.refused,
            }
        else:
            zone = zone_of(context, timezone)
            with progress(f"importing {file.name}", quiet=as_json) as advance:
                done = import_records(
                    store, file, kind, zone=zone, key=key, rejects=rejects, progress=lambda lines: advance(lines, 0)
                )
            figures = done.as_dict()
    if as_json:
        emit_json(figures)
    else:
        emit_pairs({name: value for name, value in figures.items() if name != "refused"})
        for each in figures["refused"] or ():
            click.echo(f"refused: {each if isinstance(each, str) else 'line {line}: {detail}'.format(**each)}")
    return 1 if figures["rejected"] else 0
