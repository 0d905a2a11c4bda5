"""`busyhour user`: staff accounts of the console and Kibana."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_table
from infrastructure import users
from infrastructure.roles import staff_roles
from infrastructure.users import StaffUser


@click.group(epilog=examples("busyhour user list", "busyhour user create ana --role busyhour_noc"))
def user() -> None:
    """Staff: Elasticsearch users with our roles, who open the console and Kibana."""


@user.command(epilog=examples("busyhour user create ana --role busyhour_noc --name 'Ana Lima'"))
@click.argument("username")
@click.option("--role", "roles", multiple=True, required=True, help="One of `busyhour user roles`; may be repeated.")
@click.option("--name", default="", help="Name shown to others.")
@json_option
@pass_context
def create(context: Context, username: str, roles: tuple[str, ...], name: str, as_json: bool) -> None:
    """Make an account. The password is asked for, or read from standard input when that is no terminal."""
    users.check_roles(roles)
    _say(users.create_user(context.store, username, _password(), roles, name=name), as_json)


@user.command("list", epilog=examples("busyhour user list --json"))
@json_option
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List everybody who has a role of ours."""
    found = users.list_users(context.store)
    if as_json:
        emit_json({"users": [asdict(each) for each in found]})
        return
    rows = [[each.username, each.name, ", ".join(each.roles), each.enabled] for each in found]
    emit_table(
        ("user", "name", "roles", "enabled"), rows, empty="nobody yet; `busyhour serve` prints a link for the first"
    )


@user.command(epilog=examples("busyhour user roles", "busyhour user roles ana --role busyhour_supervisor"))
@click.argument("username", required=False)
@click.option("--role", "roles", multiple=True, help="Give exactly these of our roles to USERNAME.")
@json_option
@pass_context
def roles(context: Context, username: str | None, roles: tuple[str, ...], as_json: bool) -> None:
    """Show the roles and what they may do; with USERNAME and --role, change what somebody has."""
    if (username is None) != (not roles):
        raise click.UsageError("USERNAME and --role go together")
    if username is not None:
        _say(users.set_roles(context.store, username, roles), as_json)
        return
    known = staff_roles().values()
    if as_json:
        shown = [
            {"role": each.name, "title": each.title, "reads": sorted(each.reads), "writes": sorted(each.writes)}
            for each in known
        ]
        emit_json({"roles": shown})
        return
    emit_table(("role", "title", "what"), [[each.name, each.title, each.description] for each in known])


@user.command(epilog=examples("busyhour user disable ana", "busyhour user disable ana --undo"))
@click.argument("username")
@click.option("--undo", is_flag=True, help="Enable the account again.")
@json_option
@pass_context
def disable(context: Context, username: str, undo: bool, as_json: bool) -> None:
    """Disable an account: it can do nothing from that moment on. What it did keeps its name."""
    _say(users.set_enabled(context.store, username, undo), as_json)


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


def _say(found: StaffUser, as_json: bool) -> None:
    if as_json:
        emit_json(asdict(found))
    else:
        click.echo(f"{found.username}: {', '.join(found.roles)}; {'enabled' if found.enabled else 'disabled'}")
