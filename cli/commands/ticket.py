"""`busyhour ticket`: who works on it."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import click

from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_pairs, emit_table
from contracts.clock import iso, utc_now
from servicedesk import IMPACTS, PRIORITIES, STATES, URGENCIES, NewTicket, Ticket, TicketDesk
from servicedesk.assignment import assign_best
from servicedesk.notes import add_note, notes_of
from servicedesk.profiles import find_customer
from servicedesk.tmf621 import resource


def by_option(command: Any) -> Any:
    return click.option("--by", default=getpass.getuser, help="Who does it; your login by default.")(command)


def ticket_argument(command: Any) -> Any:
    return click.argument("ticket_id", metavar="TICKET")(command)


def revision_option(command: Any) -> Any:
    return click.option(
        "--revision",
        type=click.IntRange(1),
        help="Only if nobody changed it since: the revision that `ticket show` gave. Exit 1 and who did otherwise.",
    )(command)


def seen(desk: TicketDesk, key: str, revision: int | None) -> Ticket | None:
    """The ticket as it was at that revision; None when none was named."""
    if revision is None:
        return None
    found = desk.get(key)
    return replace(found, history=found.history[:revision])


class _Group(click.Group):
    """The commands of this file, and those of ticket_relations.py."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from cli.commands.ticket_relations import MORE

        return sorted({*super().list_commands(ctx), *MORE})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        from cli.commands.ticket_relations import MORE

        return super().get_command(ctx, name) or MORE.get(name)


@click.group(cls=_Group, epilog=examples("busyhour ticket list", "busyhour ticket assign T-20261118-3f2a91 ana"))
def ticket() -> None:
    """Trouble tickets: opened by alerts, worked on by people, every change kept."""


@ticket.command("list", epilog=examples("busyhour ticket list --state open", "busyhour ticket list --text TG2 --json"))
@click.option(
    "--state", "states", multiple=True, type=click.Choice(STATES), help="Only in this state; may be repeated."
)
@click.option("--text", default="", help="Words in title, body or comments.")
@click.option("--assignee", default="", help="Only this person's.")
@click.option("--customer", default="", help="Only of this customer.")
@click.option("--team", default="", help="Only this team's.")
@click.option("--tag", default="", help="Only with this tag.")
@click.option(
    "--sla", type=click.Choice(["ok", "at_risk", "breached", "frozen", "met"]), help="Only as its promise stands."
)
@click.option("--limit", type=click.IntRange(1, 10000), default=50, show_default=True, help="At most so many.")
@json_option
@pass_context
def list_(context: Context, /, states: tuple[str, ...], limit: int, as_json: bool, **wanted: str | None) -> None:
    """List tickets, newest first; with --text, those that fit best first."""
    chosen: dict[str, Any] = {name: value for name, value in wanted.items() if value}
    found = TicketDesk(context.store).list(states=states, limit=limit, **chosen)
    if as_json:
        emit_json({"tickets": [asdict(each) for each in found]})
        return
    rows = [
        [
            each.id,
            each.status,
            each.priority,
            each.impacted_customers,
            each.assignee,
            iso(each.opened)[:16],
            str(each.sla.get("next", {}).get("due", ""))[:16],
            each.title,
        ]
        for each in found
    ]
    emit_table(
        ("ticket", "state", "priority", "customers", "assignee", "opened", "next due", "title"),
        rows,
        empty="no tickets",
    )


@ticket.command(epilog=examples("busyhour ticket show T-20261118-3f2a91"))
@ticket_argument
@click.option("--tmf621", is_flag=True, help="As a TroubleTicket of the TM Forum's API, in JSON.")
@json_option
@pass_context
def show(context: Context, ticket_id: str, tmf621: bool, as_json: bool) -> None:
    """Show one ticket with its whole history."""
    desk = TicketDesk(context.store)
    found = desk.get(ticket_id)
    if tmf621:
        emit_json(resource(found, desk.states))
        return
    if as_json:
        emit_json({**asdict(found), "revision": found.revision})
        return
    emit_pairs(
        {
            "ticket": found.id,
            "revision": found.revision,
            "title": found.title,
            "state": found.status,
            "priority": found.priority,
            "category": found.category,
            "assignee": found.assignee,
            "opened": iso(found.opened),
            "resolved": iso(found.resolved) if found.resolved else "",
            "impacted customers": found.impacted_customers,
            "incident": found.incident,
            "team": found.team,
            "tags": found.tags,
            "promise": f"{found.sla.get('policy', '')}: {found.sla.get('state', '')}",
            "next due": " ".join(str(found.sla.get("next", {}).get(name, "")) for name in ("due", "kind")).strip(),
            "belongs to": [*((f"parent:{found.parent}",) if found.parent else ()), *found.links],
            "files": [f"{each['name']} ({each['id']})" for each in found.attachments],
        }
    )
    click.echo(f"\n{found.body}\n")
    rows = [[entry["at"], entry["by"], _change(entry), entry.get("comment", "")] for entry in found.history]
    emit_table(("at", "by", "what", "comment"), rows)


@ticket.command("open", epilog=examples("busyhour ticket open 'No sound on TG2' --customer C0000001 --urgency high"))
@click.argument("title")
@click.option("--body", default="", help="What happened.")
@click.option(
    "--customer", "customers", multiple=True, help="Customer who feels it, by id, number or address; may be repeated."
)
@click.option("--impact", type=click.Choice(IMPACTS), default="moderate", show_default=True, help="How many feel it.")
@click.option(
    "--urgency", type=click.Choice(URGENCIES), default="medium", show_default=True, help="How soon it has to end."
)
@click.option("--priority", type=click.Choice(PRIORITIES), help="Instead of impact × urgency.")
@click.option("--category", default="customer", show_default=True, help="Such as network, customer or billing.")
@click.option("--language", default="", help="In which the customer writes (ISO 639-1).")
@click.option("--channel", default="", help="How it came, such as phone.")
@click.option("--skill", "skills", multiple=True, help="That who works on it needs; may be repeated.")
@click.option("--tag", "tags", multiple=True, help="May be repeated.")
@click.option(
    "--sla", default="", help="Promise that applies; that of the customer's contract, else of the category, by default."
)
@by_option
@json_option
@pass_context
def open_(
    context: Context,
    /,
    title: str,
    body: str,
    customers: tuple[str, ...],
    priority: str | None,
    category: str,
    by: str,
    as_json: bool,
    **more: Any,
) -> None:
    """Open a ticket. Its priority is impact × urgency."""
    customers = tuple(dict.fromkeys(find_customer(context.store, who)[0].id for who in customers))
    made = TicketDesk(context.store).create(
        "cli",
        by,
        iso(utc_now()),
        title,
        title=title,
        body=body,
        priority=priority or "",
        by=by,
        category=category,
        customers=customers,
        impacted=len(customers),
        more=NewTicket(**more),
    )
    say_ticket(made, as_json)


@ticket.command(
    epilog=examples(
        "busyhour ticket assign T-20261118-3f2a91 ana --comment 'has the router'",
        "busyhour ticket assign T-20261118-3f2a91",
    )
)
@ticket_argument
@click.argument("person", required=False)
@click.option("--comment", default="", help="Why.")
@revision_option
@by_option
@json_option
@pass_context
def assign(
    context: Context, ticket_id: str, person: str | None, comment: str, revision: int | None, by: str, as_json: bool
) -> None:
    """Give a ticket to somebody; without a name, to the agent who fits best by skill, language, shift and load."""
    desk = TicketDesk(context.store)
    if person is None:
        found, chosen = assign_best(desk, ticket_id, by=by)
        say_ticket(found, as_json, chosen.why)
    else:
        known = seen(desk, ticket_id, revision)
        say_ticket(desk.assign(ticket_id, person, by=by, comment=comment, seen=known), as_json)


@ticket.command(epilog=examples("busyhour ticket note T-20261118-3f2a91 'the customer is a reseller'"))
@ticket_argument
@click.argument("text", required=False)
@by_option
@json_option
@pass_context
def note(context: Context, ticket_id: str, text: str | None, by: str, as_json: bool) -> None:
    """Add a private note, which only the desk may read; without a text, show those there are."""
    if text is not None:
        add_note(context.store, ticket_id, text, by=by)
    found = notes_of(context.store, ticket_id)
    if as_json:
        emit_json({"notes": [asdict(each) for each in found]})
        return
    emit_table(("at", "by", "note"), [[iso(each.at)[:16], each.by, each.text] for each in found], empty="no notes")


@ticket.command(epilog=examples("busyhour ticket resolve T-20261118-3f2a91 'card changed'"))
@ticket_argument
@click.argument("comment")
@revision_option
@by_option
@json_option
@pass_context
def resolve(context: Context, ticket_id: str, comment: str, revision: int | None, by: str, as_json: bool) -> None:
    """Resolve a ticket, and the tickets that are a consequence of it."""
    desk = TicketDesk(context.store)
    known = seen(desk, ticket_id, revision)
    say_ticket(desk.resolve(ticket_id, by=by, comment=comment, seen=known), as_json)


@ticket.command(epilog=examples("busyhour ticket close T-20261118-3f2a91"))
@ticket_argument
@click.option("--comment", default="", help="Why.")
@revision_option
@by_option
@json_option
@pass_context
def close(context: Context, ticket_id: str, comment: str, revision: int | None, by: str, as_json: bool) -> None:
    """Close a resolved ticket for good."""
    desk = TicketDesk(context.store)
    known = seen(desk, ticket_id, revision)
    say_ticket(desk.close(ticket_id, by=by, comment=comment, seen=known), as_json)


@ticket.command(epilog=examples("busyhour ticket comment T-20261118-3f2a91 'carrier called, 30 minutes'"))
@ticket_argument
@click.argument("text")
@by_option
@json_option
@pass_context
def comment(context: Context, ticket_id: str, text: str, by: str, as_json: bool) -> None:
    """Add a comment."""
    say_ticket(TicketDesk(context.store).comment(ticket_id, text, by=by), as_json)


@ticket.command(epilog=examples("busyhour ticket move T-20261118-3f2a91 pending --comment 'waits for the carrier'"))
@ticket_argument
@click.argument("state")
@click.option("--comment", "text", default="", help="Why.")
@revision_option
@by_option
@json_option
@pass_context
def move(context: Context, ticket_id: str, state: str, text: str, revision: int | None, by: str, as_json: bool) -> None:
    """Move a ticket to another state, by its key or name (states.yml); forbidden steps are refused."""
    desk = TicketDesk(context.store)
    known = seen(desk, ticket_id, revision)
    say_ticket(desk.transition(ticket_id, state, by=by, comment=text, seen=known), as_json)


def say_ticket(found: Ticket, as_json: bool, why: str = "") -> None:
    if as_json:
        emit_json({**asdict(found), **({"why": why} if why else {})})
    else:
        click.echo(
            f"{found.id} is {found.status}, assigned to {found.assignee or 'nobody'}" + (f" ({why})" if why else "")
        )


def _change(entry: Mapping[str, Any]) -> str:
    if "to" in entry:
        return f"{entry['what']}: {entry.get('from', '')} → {entry['to']}"
    return str(entry["what"])
