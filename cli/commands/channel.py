"""`busyhour channel`: how customers reach the desk."""

from __future__ import annotations

import getpass
import signal
import threading
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json, emit_pairs, emit_table
from infrastructure.store import Store
from servicedesk.channels import survey
from servicedesk.channels.book import INDEX
from servicedesk.channels.job import run_channels
from servicedesk.channels.linking import link
from servicedesk.channels.mail.places import imap_place, smtp_place
from servicedesk.channels.mail.poll import MOST, poll
from servicedesk.channels.mail.send import Smtp
from servicedesk.channels.message import FILED
from servicedesk.channels.pipeline import Channels
from servicedesk.channels.web import chat

_STATES = ("received", "filed", "ignored", "bounced", "refused", "pending", "sending", "sent", "failed", "ringing")
_WAIT_SEC = 10  # of a server's answer to another one; webhooks of Meta are given up after some twenty seconds


@click.group(epilog=examples("busyhour channel list --ticket T-20261118-3f2a91", "busyhour channel mail poll"))
def channel() -> None:
    """E-mail, web chat, telephone and messaging services: what customers and the desk say to each other."""


@channel.command("list", epilog=examples("busyhour channel list --customer C0000001", "busyhour channel list --json"))
@click.option("--channel", "name", default="", help="Only this one: email, chat, voice, survey, whatsapp …")
@click.option("--customer", default="", help="Only of this customer.")
@click.option("--ticket", default="", help="Only of this ticket.")
@click.option("--status", default="", type=click.Choice(["", *_STATES]), help="Only in this state.")
@click.option("--limit", type=click.IntRange(1, 10000), default=50, show_default=True, help="At most so many.")
@json_option
@pass_context
def list_(context: Context, name: str, customer: str, ticket: str, status: str, limit: int, as_json: bool) -> None:
    """List interactions, newest first."""
    book = Channels(context.store).book
    found = book.list(channel=name, customer=customer, ticket=ticket, status=status, limit=limit)
    if as_json:
        emit_json({"interactions": found})
        return
    headings = ("at", "channel", "direction", "status", "who", "ticket", "language", "text")
    emit_table(headings, [_row(each) for each in found], empty="no interactions")


def _row(document: dict[str, Any]) -> list[Any]:
    own = document[INDEX]
    who = document.get("customer", {}).get("id", "") or own.get("sender", "") or own.get("recipient", "")
    reason = own.get("reason", "") if own["status"] != FILED else ""
    told = reason or own.get("subject", "") or own.get("text", "")
    shown = (own["channel"], own["direction"], own["status"], who, own.get("ticket", ""), own.get("language", ""))
    return [document["@timestamp"][:16], *shown, str(told)[:60]]


@channel.command("counts", epilog=examples("busyhour channel counts --days 1"))
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="Of the last so many days.")
@json_option
@pass_context
def counts(context: Context, days: int, as_json: bool) -> None:
    """Count interactions by channel, direction and state: what was taken, bounced, refused, sent."""
    found = Channels(context.store).book.counts(context.store.clock() - timedelta(days=days))
    if as_json:
        emit_json({"counts": found})
        return
    rows = [[row["channel"], row["direction"], row["status"], row["count"]] for row in found]
    emit_table(("channel", "direction", "status", "count"), rows, empty="no interactions")


@channel.command(epilog=examples("busyhour channel run", "busyhour channel run --json"))
@json_option
@pass_context
def run(context: Context, as_json: bool) -> None:
    """One round: fetch mail, finish what was left behind, ask customers, send answers. Exit 1 when a server was away."""
    report = run_channels(context.store)
    if as_json:
        emit_json(report.as_dict())
    else:
        emit_pairs(report.as_dict())
    if report.problems:
        raise click.exceptions.Exit(1)


@channel.command("link", epilog=examples("busyhour channel link 3f2a91c04b… C0000001"))
@click.argument("interaction")
@click.argument("customer")
@click.option("--by", default=getpass.getuser, help="Who says so; your login by default.")
@json_option
@pass_context
def link_(context: Context, interaction: str, customer: str, by: str, as_json: bool) -> None:
    """Say which customer wrote or called (ids as `channel list --json` shows them): their messages and tickets follow.

    The address or number becomes a contact of the customer, by which the next message is known.
    """
    linked = link(Channels(context.store), interaction, customer, by=by)
    if as_json:
        emit_json({"customer": customer, "linked": linked})
    else:
        click.echo(f"{linked} messages are {customer}'s now")


@channel.command("token", epilog=examples("busyhour channel token C0000001"))
@click.argument("customer")
@json_option
@pass_context
def token(context: Context, customer: str, as_json: bool) -> None:
    """Make a token with which a page of your own site opens the chat as a customer it knows."""
    made = chat.token_for(Channels(context.store), customer)
    if as_json:
        emit_json({"customer": customer, "token": made})
    else:
        click.echo(made)


@channel.command("survey", epilog=examples("busyhour channel survey"))
@json_option
@pass_context
def survey_(context: Context, as_json: bool) -> None:
    """Ask customers whose tickets were resolved in the last week how satisfied they are; each ticket once."""
    asked = survey.invite(Channels(context.store))
    if as_json:
        emit_json({"asked": asked})
    else:
        click.echo(f"{asked} invitations written; they leave with `busyhour channel mail send`")


@channel.command(epilog=examples("busyhour channel serve", "busyhour channel serve --port 8700"))
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; put a proxy with https before it."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8610, show_default=True, help="Port; 0: a free one.")
@json_option
@pass_context
def serve(context: Context, host: str, port: int, as_json: bool) -> None:
    """Serve web chat, webhooks (telephone, messaging services) and the survey until Ctrl-C."""
    from servicedesk.channels.web.server import serve as serve_web

    def ready(url: str) -> None:
        if as_json:
            emit_json({"url": url})
        else:
            click.echo(f"chat, webhooks and survey: {url}")

    serve_web(Channels(_prompt(context)), host, port, ready)


def _prompt(context: Context) -> Store:
    """A store that says soon that Elasticsearch is away: who waits at the other end sends again, and gives up in a minute."""
    settings = context.settings
    wait, timeout = (min(settings.number(name), _WAIT_SEC) for name in ("es.wait.sec", "es.timeout.sec"))
    return Store.connect(settings.with_values(es_wait_sec=wait, es_timeout_sec=timeout), say=say)


@channel.group(epilog=examples("busyhour channel mail poll", "busyhour channel mail send"))
def mail() -> None:
    """E-mail: fetched from a mailbox or taken by SMTP, and sent."""


@mail.command("poll", epilog=examples("busyhour channel mail poll", "busyhour channel mail poll --json"))
@click.option("--most", type=click.IntRange(1, 100_000), default=MOST, show_default=True, help="At most so many mails.")
@json_option
@pass_context
def poll_(context: Context, most: int, as_json: bool) -> None:
    """Fetch new mails by IMAP and file them as tickets; the mailbox is left as it is."""
    found = poll(Channels(context.store), imap_place(context.settings), most)
    if as_json:
        emit_json(found.as_dict())
    else:
        emit_pairs(found.as_dict())


@mail.command(epilog=examples("busyhour channel mail send"))
@json_option
@pass_context
def send(context: Context, as_json: bool) -> None:
    """Send the mails that are due. Exit 1 when one was given up, 3 when the server is away."""
    channels = Channels(context.store)
    with Smtp(smtp_place(context.settings), channels.address) as smtp:
        tally = channels.outbox.run(smtp)
    if as_json:
        emit_json(asdict(tally))
    else:
        emit_pairs(asdict(tally))
    if tally.failed or tally.pending:
        raise click.exceptions.Exit(1 if tally.failed else 3)


@mail.command("serve", epilog=examples("busyhour channel mail serve --port 2525"))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=2525, show_default=True, help="Port to listen on.")
@json_option
@pass_context
def mail_serve(context: Context, host: str, port: int, as_json: bool) -> None:
    """Take mail by SMTP until Ctrl-C; it is filed before it is acknowledged."""
    from servicedesk.channels.mail.receive import MailServer

    server = MailServer(Channels(_prompt(context)), host, port)
    server.begin()
    if as_json:
        emit_json({"host": host, "port": port})
    else:
        click.echo(f"mail to {server.receiver.address}: {host}:{port}")
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    over.wait()
    server.end()
