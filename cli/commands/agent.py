"""`busyhour agent`: who works at the service desk."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import click

from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_table
from servicedesk.agents import Agent, agents, keep_agent, loads_of


@click.group(epilog=examples("busyhour agent set ana --skill voip --language de --shift office", "busyhour agent list"))
def agent() -> None:
    """Who works at the service desk: skills, languages, shift, and how many tickets at once."""


@agent.command("list", epilog=examples("busyhour agent list --json"))
@json_option
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List agents with the tickets that they have in hand."""
    loads = loads_of(context.store)
    rows = [{**asdict(each), "tickets": loads.get(each.name, 0)} for each in agents(context.store)]
    if as_json:
        emit_json({"agents": rows})
        return
    names = ("name", "team", "skills", "languages", "shift", "tickets", "capacity", "away")
    emit_table(names, [[row[name] for name in names] for row in rows], empty="no agents")


@agent.command(
    "set",
    epilog=examples("busyhour agent set ana --team voice --skill voip --capacity 8", "busyhour agent set ana --away"),
)
@click.argument("name")
@click.option("--full-name", help="Name shown to others.")
@click.option("--team", help="Team.")
@click.option("--skill", "skills", multiple=True, help="Category or service; may be repeated. None: everything.")
@click.option("--language", "languages", multiple=True, help="ISO 639-1; may be repeated.")
@click.option("--shift", help="A calendar of sla.yml, such as office.")
@click.option("--capacity", type=click.IntRange(1, 10_000), help="Tickets at once.")
@click.option("--away/--here", default=None, help="Gets nothing assigned, or does again.")
@json_option
@pass_context
def set_(context: Context, /, name: str, as_json: bool, **values: Any) -> None:
    """Add an agent, or change what is given."""
    before = next((each for each in agents(context.store) if each.name == name), Agent(name))
    made = keep_agent(
        context.store, replace(before, **{key: value for key, value in values.items() if value not in (None, ())})
    )
    emit_json(asdict(made)) if as_json else click.echo(
        f"{made.name}: shift {made.shift}, {made.capacity} tickets at once"
    )
