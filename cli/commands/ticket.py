"""`busyhour ticket`: who works on it."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_pairs, emit_table
from contracts.clock import iso
from servicedesk import STATES, Ticket, TicketDesk


def _by_option(command: Any) -> Any:
    return click.option("--by", default=getpass.getuser, help="Who does it; your login by default.")(command)


@click.group(epilog=examples("busyhour ticket list", "busyhour ticket assign T-20261118-3f2a91 ana"))
def ticket() -> None:
    """Trouble tickets: opened by alerts, worked on by people, every change kept."""


@ticket.command("list", epilog=examples("busyhour ticket list --state open", "busyhour ticket list --text TG2 --json"))
@click.option(
    "--state", "states", multiple=True, type=click.Choice(STATES), help="Only in this state; may be repeated."
)
@click.option("--text", default="", help="Words in title or body.")
@click.option("--assignee", default="", help="Only this person's.")
@click.option("--limit", type=click.IntRange(1, 10000), default=50, show_default=True, help="At most so many.")
@json_option
@pass_context
def list_(context: Context, states: tuple[str, ...], text: str, assignee: str, limit: int, as_json: bool) -> None:
    """List tickets, newest first."""
    found = TicketDesk(context.store).list(states=states, text=text, assignee=assignee, limit=limit)
    if as_json:
        emit_json({"tickets": [asdict(each) for each in found]})
        return
    rows = [
        [each.id, each.state, each.priority, each.impacted_customers, each.assignee, iso(each.opened)[:16], each.title]
        for each in found
    ]
    emit_table(("ticket", "state", "priority", "customers", "assignee", "opened", "title"), rows, empty="no tickets")


@ticket.command(epilog=examples("busyhour ticket show T-20261118-3f2a91"))
@click.argument("ticket_id", metavar="TICKET")
@json_option
@pass_context
def show(context: Context, ticket_id: str, as_json: bool) -> None:
    """Show one ticket with its whole history."""
    found = TicketDesk(context.store).get(ticket_id)
    if as_json:
        emit_json(asdict(found))
        return
    emit_pairs(
        {
            "ticket": found.id,
            "title": found.title,
            "state": found.state,
            "priority": found.priority,
            "category": found.category,
            "assignee": found.assignee,
            "opened": iso(found.opened),
            "resolved": iso(found.resolved) if found.resolved else "",
            "impacted customers": found.impacted_customers,
            "incident": found.incident,
        }
    )
    click.echo(f"\n{found.body}\n")
    rows = [[entry["at"], entry["by"], _change(entry), entry.get("comment", "")] for entry in found.history]
    emit_table(("at", "by", "what", "comment"), rows)


@ticket.command(epilog=examples("busyhour ticket assign T-20261118-3f2a91 ana --comment 'has the router'"))
@click.argument("ticket_id", metavar="TICKET")
@click.argument("person")
@click.option("--comment", default="", help="Why.")
@_by_option
@json_option
@pass_context
def assign(context: Context, ticket_id: str, person: str, comment: str, by: str, as_json: bool) -> None:
    """Give a ticket to somebody."""
    _say(TicketDesk(context.store).assign(ticket_id, person, by=by, comment=comment), as_json)


@ticket.command(epilog=examples("busyhour ticket comment T-20261118-3f2a91 'carrier called, 30 minutes'"))
@click.argument("ticket_id", metavar="TICKET")
@click.argument("text")
@_by_option
@json_option
@pass_context
def comment(context: Context, ticket_id: str, text: str, by: str, as_json: bool) -> None:
    """Add a comment."""
    _say(TicketDesk(context.store).comment(ticket_id, text, by=by), as_json)


@ticket.command(epilog=examples("busyhour ticket move T-20261118-3f2a91 pending --comment 'waits for the carrier'"))
@click.argument("ticket_id", metavar="TICKET")
@click.argument("state", type=click.Choice(STATES))
@click.option("--comment", "text", default="", help="Why.")
@_by_option
@json_option
@pass_context
def move(context: Context, ticket_id: str, state: str, text: str, by: str, as_json: bool) -> None:
    """Move a ticket to another state; steps that the life cycle does not have are refused."""
    _say(TicketDesk(context.store).transition(ticket_id, state, by=by, comment=text), as_json)


def _say(found: Ticket, as_json: bool) -> None:
    if as_json:
        emit_json(asdict(found))
    else:
        click.echo(f"{found.id} is {found.state}, assigned to {found.assignee or 'nobody'}")


def _change(entry: Mapping[str, Any]) -> str:
    if "to" in entry:
        return f"{entry['what']}: {entry.get('from', '')} → {entry['to']}"
    return str(entry["what"])
