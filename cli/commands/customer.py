"""`busyhour customer`: who the customers are."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cli.commands.ticket import by_option
from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_pairs, emit_table
from contracts.clock import iso
from contracts.errors import UserError
from servicedesk import load_customers
from servicedesk.accounts import CONSENTS, change_account
from servicedesk.billing import balance, entries, owed_words
from servicedesk.contacts import Contact, contact, keep_contact, remove_contact
from servicedesk.profiles import Customer, find_customer, search_customers
from servicedesk.subscriptions import kpis_of, subscriptions_of
from servicedesk.sync import TABLES, SyncReport, rows_of_file, rows_of_sql, synchronise


@click.group(
    epilog=examples("busyhour customer load traffic/customers.ndjson", "busyhour customer list --name harbour")
)
def customer() -> None:
    """Customers, tied to their numbers (kept as keyed hashes) and to the trunk groups that serve them."""


@customer.command(epilog=examples("busyhour customer load traffic/customers.ndjson --json"))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@pass_context
def load(context: Context, file: Path, as_json: bool) -> None:
    """Load customers from a file, one JSON object a line. Safe to repeat."""
    report = load_customers(context.store, file)
    if as_json:
        emit_json(asdict(report))
    else:
        click.echo(
            f"{report.customers:,} customers with {report.subscribers:,} numbers; "
            f"{report.conflicts:,} numbers are another customer's already"
        )


@customer.command("list", epilog=examples("busyhour customer list --name harbour --limit 10"))
@click.option("--name", help="Words of the name.")
@click.option("--trunk-group", help="Served by this trunk group.")
@click.option("--limit", type=click.IntRange(1, 10000), default=20, show_default=True, help="At most so many.")
@json_option
@pass_context
def list_(context: Context, name: str | None, trunk_group: str | None, limit: int, as_json: bool) -> None:
    """List customers."""
    must: list[dict[str, Any]] = [{"match": {"customer.name": {"query": name, "operator": "and"}}}] if name else []
    if trunk_group:
        must.append({"term": {"customer.trunk_groups": trunk_group}})
    found = context.store.search("customer", query={"bool": {"must": must}}, size=limit, sort=[{"customer.id": "asc"}])
    rows = [hit["_source"]["customer"] for hit in found["hits"]["hits"]]
    if as_json:
        emit_json({"customers": rows})
        return
    emit_table(
        ("customer", "name", "kind", "plan", "services", "trunk groups"),
        [
            [row["id"], row["name"], row["kind"], row.get("plan"), row.get("services"), row.get("trunk_groups")]
            for row in rows
        ],
        empty="no customers",
    )


@customer.command(epilog=examples("busyhour customer show C0000001", "busyhour customer show +441632960001 --json"))
@click.argument("customer_id", metavar="CUSTOMER")
@json_option
@pass_context
def show(context: Context, customer_id: str, as_json: bool) -> None:
    """Show one customer, what they have, the newest figures of what serves it, their contacts and the account's history."""
    found, _ = find_customer(context.store, customer_id)
    subscriptions = subscriptions_of(context.store, found)
    figures = {one.id: kpis_of(context.store, one) for one in subscriptions}
    if as_json:
        rows = [{**asdict(one), "kpis": figures[one.id]} for one in subscriptions]
        emit_json({**asdict(found), "subscriptions": rows})
        return
    hidden = ("keys", "contacts", "history")
    emit_pairs({name: value for name, value in asdict(found).items() if name not in hidden and value not in ("", ())})
    rows_shown = [
        [one.id, one.kind, one.status, one.plan, one.trunk_group or one.cell or one.apn] for one in subscriptions
    ]
    emit_table(("subscription", "kind", "status", "plan", "served by"), rows_shown, empty="no subscriptions")
    latest = [
        [name, each["kpi"], each["entity"], each["at"][:16], each["value"]]
        for name in figures
        for each in figures[name]
    ]
    emit_table(("subscription", "KPI", "of", "at", "value"), latest, empty="no figures of what serves them")
    _people(found)
    _history(found)


def _people(found: Customer) -> None:
    rows = [[each.get(name, "") for name in Contact._fields] for each in found.contacts]
    emit_table(Contact._fields, rows, title="contacts", empty="no further contacts")


def _history(found: Customer) -> None:
    rows = [
        [entry["at"][:16], entry["by"], entry["what"], entry.get("from"), entry.get("to")] for entry in found.history
    ]
    emit_table(("at", "by", "what", "from", "to"), rows, title="changes of the account", empty="nothing was changed")


@customer.command(
    "contact",
    epilog=examples(
        "busyhour customer contact C0000001 email=ann@example.org name='Ann Alder' role=billing",
        "busyhour customer contact C0000001 --remove ann@example.org",
    ),
)
@click.argument("customer_id", metavar="CUSTOMER")
@click.argument("values", nargs=-1, metavar="[name|role|email|phone=VALUE]...")
@click.option("--remove", metavar="ADDRESS", help="Take away who is reached by this address or number.")
@by_option
@json_option
@pass_context
def contact_(
    context: Context, customer_id: str, values: tuple[str, ...], remove: str | None, by: str, as_json: bool
) -> None:
    """Add or change a further person of a customer; who has the same address or number is changed.

    What they write and from where they call is known as the customer's from then on.
    """
    if bool(values) == (remove is not None) or any("=" not in text for text in values):
        raise UserError("name the contact as email=… or phone=…, or --remove an address")
    if remove is not None:
        found = remove_contact(context.store, customer_id, remove, by=by)
    else:
        try:
            person = contact(dict(text.split("=", 1) for text in values))
        except ValueError as error:
            raise UserError(f"the contact {error}") from None
        found = keep_contact(context.store, customer_id, person, by=by)
    if as_json:
        emit_json(asdict(found))
    else:
        _people(found)


@customer.command(epilog=examples("busyhour customer search 'alder br'", "busyhour customer search +44163 --json"))
@click.argument("typed")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="At most so many.")
@json_option
@pass_context
def search(context: Context, typed: str, limit: int, as_json: bool) -> None:
    """Find customers by the beginning of name, number, e-mail address or id."""
    found = search_customers(context.store, typed, limit=limit)
    if as_json:
        emit_json({"customers": [asdict(each) for each in found]})
        return
    rows = [[each.id, each.name, each.kind, each.status, each.plan, each.email] for each in found]
    emit_table(("customer", "name", "kind", "status", "plan", "e-mail"), rows, empty="no customers")


@customer.command(
    epilog=examples(
        "busyhour customer sync crm.csv --source crm --column KUNDE=customer_id",
        "busyhour customer sync --table clients --source crm --json",
        "busyhour customer sync traffic/invoices.ndjson --what billing --source billing",
    )
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option(
    "--what", type=click.Choice(tuple(TABLES)), default="customers", show_default=True, help="What the rows are."
)
@click.option("--source", required=True, help="Name of the legacy system; its rows belong to it.")
@click.option("--table", help="Table or view of the database at crm.url (BUSYHOUR_CRM_URL), in place of a file.")
@click.option(
    "--column", "columns", multiple=True, metavar="THEIRS=OURS", help="Another name of a column; may be repeated."
)
@click.option("--delimiter", default=",", show_default=True, help="Between the cells of a CSV file.")
@json_option
@pass_context
def sync(
    context: Context,
    file: Path | None,
    what: str,
    source: str,
    table: str | None,
    columns: tuple[str, ...],
    delimiter: str,
    as_json: bool,
) -> None:
    """Bring customers, subscriptions or billing in from a legacy system: CSV, JSON lines (.ndjson) or an SQL database.

    Keyed and safe to repeat. What was changed on both sides is reported and stays as it is here. Exit 1 when rows were
    refused or conflicts are left.
    """
    if (file is None) == (table is None) or len(delimiter) != 1:
        raise UserError("name a file or --table, and a --delimiter of one character")
    names = dict(_pair(text) for text in columns)
    url = context.settings.text("crm.url")
    rows = rows_of_file(file, delimiter) if file is not None else rows_of_sql(url, str(table))
    report = synchronise(context.store, what, rows, source=source, columns=names)
    if as_json:
        emit_json(report.as_dict())
    else:
        _tell_sync(report)
    if report.refused or report.conflicted:
        raise SystemExit(1)


def _pair(text: str) -> tuple[str, str]:
    theirs, equals, ours = text.partition("=")
    if not (theirs and equals and ours):
        raise UserError(f"--column {text[:60]!r} is not THEIRS=OURS")
    return theirs, ours


def _tell_sync(report: SyncReport) -> None:
    names = ("rows", "created", "updated", "unchanged", "refused", "conflicted")
    emit_pairs({name: getattr(report, name) for name in names})
    if report.ignored_columns:
        click.echo(f"columns that were not taken: {', '.join(report.ignored_columns)}")
    if report.conflicts:
        emit_table(("customer", "column", "theirs", "ours, kept"), [list(each[1:]) for each in report.conflicts])
    if report.refusals:
        emit_table(("row", "why it was refused"), [list(each) for each in report.refusals])


@customer.command("billing", epilog=examples("busyhour customer billing C0000001"))
@click.argument("customer_id", metavar="CUSTOMER")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@json_option
@pass_context
def billing_(context: Context, customer_id: str, limit: int, as_json: bool) -> None:
    """Show invoices, payments, credits and refunds, newest first, and what is owed."""
    found, _ = find_customer(context.store, customer_id)
    rows = entries(context.store, found.id, limit=limit)
    owed = balance(context.store, found.id)
    if as_json:
        emit_json(
            {"balance": {name: str(amount) for name, amount in owed.items()}, "entries": [asdict(row) for row in rows]}
        )
        return
    emit_pairs({"customer": f"{found.name} ({found.id})", "owed": owed_words(owed) or "nothing"})
    shown = [[row.id, row.kind, iso(row.at)[:10], f"{row.amount} {row.currency}", row.state] for row in rows]
    emit_table(("number", "kind", "date", "amount", "state"), shown, empty="nothing was billed")


@customer.command(
    "set",
    epilog=examples(
        "busyhour customer set C0000001 language=de email=ann@example.org --consent survey",
        "busyhour customer set C0000001 status=suspended --withdraw marketing",
    ),
)
@click.argument("customer_id", metavar="CUSTOMER")
@click.argument("values", nargs=-1, metavar="COLUMN=VALUE...")
@click.option("--consent", "give", multiple=True, type=click.Choice(CONSENTS), help="Given; may be repeated.")
@click.option("--withdraw", multiple=True, type=click.Choice(CONSENTS), help="Withdrawn; may be repeated.")
@by_option
@json_option
@pass_context
def set_(
    context: Context,
    customer_id: str,
    values: tuple[str, ...],
    give: tuple[str, ...],
    withdraw: tuple[str, ...],
    by: str,
    as_json: bool,
) -> None:
    """Change a customer's account; every change is kept in its history. COLUMN= clears one."""
    if any("=" not in text for text in values):
        raise UserError("each value is written COLUMN=VALUE", remedy="such as language=de")
    wanted = dict(text.split("=", 1) for text in values)
    changed = change_account(context.store, customer_id, wanted, by=by, give=give, withdraw=withdraw)
    if as_json:
        emit_json(asdict(changed))
        return
    _history(changed)
