"""More of `busyhour ticket`: what belongs together, tags, priority, macros, answers, files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from cli.commands.ticket import by_option, revision_option, say_ticket, seen, ticket_argument
from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json
from contracts.errors import UserError
from servicedesk import IMPACTS, URGENCIES, TicketDesk
from servicedesk.attachments import MIB, attach, read_attachment
from servicedesk.channels.pipeline import Channels
from servicedesk.macros import apply_macro
from servicedesk.relations import RELATIONS, link, merge, set_parent, split

_ONE = "T-20261118-3f2a91"
_OTHER = "T-20261118-77b0c2"


@click.command("link", epilog=examples(f"busyhour ticket link {_ONE} blocks {_OTHER}"))
@ticket_argument
@click.argument("relation", type=click.Choice(tuple(RELATIONS)))
@click.argument("other")
@by_option
@json_option
@pass_context
def link_(context: Context, ticket_id: str, relation: str, other: str, by: str, as_json: bool) -> None:
    """Note on two tickets how they belong together."""
    say_ticket(link(TicketDesk(context.store), ticket_id, relation, other, by=by), as_json)


@click.command("merge", epilog=examples(f"busyhour ticket merge {_ONE} {_OTHER}"))
@ticket_argument
@click.argument("into")
@by_option
@json_option
@pass_context
def merge_(context: Context, ticket_id: str, into: str, by: str, as_json: bool) -> None:
    """End a ticket in favour of another one, which takes over its customers and comments."""
    say_ticket(merge(TicketDesk(context.store), ticket_id, into, by=by), as_json)


@click.command("split", epilog=examples(f"busyhour ticket split {_ONE} 'The invoice is wrong, too'"))
@ticket_argument
@click.argument("title")
@click.option("--body", default="", help="What it is about.")
@by_option
@json_option
@pass_context
def split_(context: Context, ticket_id: str, title: str, body: str, by: str, as_json: bool) -> None:
    """Make a ticket of its own of a part of this one, for the same customers."""
    say_ticket(split(TicketDesk(context.store), ticket_id, title=title, body=body, by=by), as_json)


@click.command(
    "parent", epilog=examples(f"busyhour ticket parent {_ONE} {_OTHER}", f"busyhour ticket parent {_ONE} ''")
)
@ticket_argument
@click.argument("other")
@by_option
@json_option
@pass_context
def parent_(context: Context, ticket_id: str, other: str, by: str, as_json: bool) -> None:
    """Make a ticket a consequence of another one, with which it is resolved; '' takes that back."""
    say_ticket(set_parent(TicketDesk(context.store), ticket_id, other, by=by), as_json)


@click.command(
    "tag", epilog=examples(f"busyhour ticket tag {_ONE} reseller vip", f"busyhour ticket tag {_ONE} --remove vip")
)
@ticket_argument
@click.argument("tags", nargs=-1)
@click.option("--remove", multiple=True, help="Take this one away; may be repeated.")
@by_option
@json_option
@pass_context
def tag_(
    context: Context, ticket_id: str, tags: tuple[str, ...], remove: tuple[str, ...], by: str, as_json: bool
) -> None:
    """Add tags, or take them away."""
    say_ticket(TicketDesk(context.store).tag(ticket_id, tags, remove, by=by), as_json)


@click.command("priority", epilog=examples(f"busyhour ticket priority {_ONE} significant high --comment 'a hospital'"))
@ticket_argument
@click.argument("impact", type=click.Choice(IMPACTS))
@click.argument("urgency", type=click.Choice(URGENCIES))
@click.option("--comment", default="", help="Why.")
@revision_option
@by_option
@json_option
@pass_context
def priority_(
    context: Context,
    ticket_id: str,
    impact: str,
    urgency: str,
    comment: str,
    revision: int | None,
    by: str,
    as_json: bool,
) -> None:
    """Set how many feel it and how soon it has to end; the priority follows."""
    desk = TicketDesk(context.store)
    known = seen(desk, ticket_id, revision)
    say_ticket(desk.prioritise(ticket_id, impact, urgency, by=by, comment=comment, seen=known), as_json)


@click.command("macro", epilog=examples(f"busyhour ticket macro {_ONE} ask_customer"))
@ticket_argument
@click.argument("name")
@revision_option
@by_option
@json_option
@pass_context
def macro_(context: Context, ticket_id: str, name: str, revision: int | None, by: str, as_json: bool) -> None:
    """Make the changes of a macro (macros.yml), all of them or none."""
    desk = TicketDesk(context.store)
    say_ticket(apply_macro(desk, ticket_id, name, by=by, seen=seen(desk, ticket_id, revision)), as_json)


@click.command("reply", epilog=examples(f"busyhour ticket reply {_ONE} 'Please restart the router.'"))
@ticket_argument
@click.argument("text")
@by_option
@json_option
@pass_context
def reply_(context: Context, ticket_id: str, text: str, by: str, as_json: bool) -> None:
    """Answer the customer by the channel they used: mail, chat or messaging service; it is a comment of the ticket too."""
    key = Channels(context.store).reply(ticket_id, text, by=by)
    if as_json:
        emit_json({"interaction": key, "ticket": ticket_id})
    else:
        click.echo(f"{ticket_id}: written down; what is no chat leaves with `busyhour channel run`, or the next round")


@click.command("attach", epilog=examples(f"busyhour ticket attach {_ONE} trace.png"))
@ticket_argument
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@by_option
@json_option
@pass_context
def attach_(context: Context, ticket_id: str, file: Path, by: str, as_json: bool) -> None:
    """Attach a file: pictures, PDF, sound, office documents, text; checked by its content, 10 MiB at most by default."""
    most = context.settings.number("desk.attachment.mib")
    if file.stat().st_size > most * MIB:  # not read into memory to be refused
        raise UserError(f"is larger than {most} MiB", where=str(file), remedy="send a part of it (desk.attachment.mib)")
    made = attach(TicketDesk(context.store), ticket_id, file.name, file.read_bytes(), by=by)
    emit_json(asdict(made)) if as_json else click.echo(f"{made.name} is attached to {made.ticket} as {made.id}")


@click.command("file", epilog=examples("busyhour ticket file 0c9f… --out trace.png"))
@click.argument("attachment")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write; must not be there."
)
@json_option
@pass_context
def file_(context: Context, attachment: str, out: Path, as_json: bool) -> None:
    """Fetch an attached file."""
    made, content = read_attachment(context.store, attachment)
    try:
        with out.open("xb") as target:
            target.write(content)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", where=str(out)) from error
    emit_json(asdict(made)) if as_json else click.echo(f"{made.name} of {made.ticket} is in {out}")


MORE: dict[str, click.Command] = {
    str(each.name): each for each in (link_, merge_, split_, parent_, tag_, priority_, macro_, reply_, attach_, file_)
}
