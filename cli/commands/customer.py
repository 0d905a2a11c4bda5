"""`busyhour customer`: who the customers are."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_pairs, emit_table
from contracts.errors import UserError
from servicedesk import load_customers


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


@customer.command(epilog=examples("busyhour customer show C0000001"))
@click.argument("customer_id", metavar="CUSTOMER")
@json_option
@pass_context
def show(context: Context, customer_id: str, as_json: bool) -> None:
    """Show one customer."""
    found = context.store.search("customer", query={"term": {"customer.id": customer_id}}, size=1)["hits"]["hits"]
    if not found:
        raise UserError(f"there is no customer {customer_id}", remedy="`busyhour customer list`")
    row = found[0]["_source"]["customer"]
    if as_json:
        emit_json(row)
    else:
        emit_pairs(row)
