"""`busyhour listen`: Filebeat straight into the store."""

from __future__ import annotations

import ipaddress
import signal
import threading
import time
from pathlib import Path

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json
from contracts.errors import StoreUnavailable, UserError
from infrastructure.store import Store
from mediation.listen import Limits, Server, tls_context

_AGAIN_SEC = 1.0  # between two looks for a local node that is not there
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    epilog=examples(
        "busyhour listen",
        "busyhour listen --host 0.0.0.0 --tls-cert listen.crt --tls-key listen.key --client-ca ca.crt",
    )
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=5044, show_default=True, type=click.IntRange(0, 65535), help="Port; 0: a free one.")
@click.option("--tls-cert", type=_FILE, help="Certificate of this server (PEM, with what it was signed by).")
@click.option("--tls-key", type=_FILE, help="Its key (PEM, not encrypted).")
@click.option("--client-ca", type=_FILE, help="Only clients with a certificate of this authority may send (PEM).")
@click.option("--anybody", is_flag=True, help="Beyond this machine, take lines of anybody who can connect.")
@click.option("--connections", default=64, show_default=True, type=click.IntRange(1, 1000), help="Open at once.")
@json_option
@pass_context
def listen(
    context: Context,
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    client_ca: Path | None,
    anybody: bool,
    connections: int,
    as_json: bool,
) -> None:
    """Take lines from Filebeat (the Beats protocol) and mediate them into the store, until SIGTERM or Ctrl-C.

    A line is acknowledged when Elasticsearch has it; while it is away, Filebeat waits. Sending lines again changes nothing.
    docs/filebeat.md has the configuration of Filebeat. Exit 3 when the stop left lines that Filebeat will send again.
    """
    if (tls_cert is None) != (tls_key is None) or (client_ca is not None and tls_cert is None):
        raise click.UsageError("--tls-cert and --tls-key belong together, and --client-ca needs both")
    if client_ca is None and not anybody and not _loopback(host):
        raise UserError(
            "would take lines from anybody who can connect",
            where=f"--host {host}",
            remedy="give --tls-cert, --tls-key and --client-ca, or --anybody where the network keeps others out",
        )
    tls = tls_context(tls_cert, tls_key, client_ca) if tls_cert and tls_key else None
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, frame: ending.set())
    store = _connected(context, ending)
    limits = Limits.of(context.settings.number("ingest.line.bytes"), connections=connections)
    server = Server(store, limits, host=host, port=port, tls=tls, say=say)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, frame: server.stop())
    if ending.is_set():  # told so in between
        server.stop()
    say(f"listening on {server.address[0]}:{server.address[1]}, {_how(tls_cert, client_ca)}")
    whole = server.serve()
    ending.set()
    counts = server.counts
    if as_json:
        emit_json(
            {
                "lines": counts.lines,
                "indexed": counts.indexed,
                "duplicate": counts.duplicate,
                "rejected": counts.rejected,
            }
        )
    else:
        click.echo(
            f"{counts.lines:,} lines = {counts.indexed:,} indexed + {counts.duplicate:,} duplicate + {counts.rejected:,} rejected"
        )
    if not whole:
        say("busyhour: stopped before Elasticsearch had everything; Filebeat will send the rest again")
        raise SystemExit(3)


def _connected(context: Context, ending: threading.Event) -> Store:
    """The store; waits for an Elasticsearch that is not there yet as it waits for one that goes away later.

    Raises StoreUnavailable after es.wait.sec, or when it is told to end.
    """
    end, told = time.monotonic() + context.settings.number("es.wait.sec"), False
    while True:
        try:
            return Store.connect(context.settings, say=say, sleep=lambda seconds: _wait(ending, seconds))
        except StoreUnavailable as error:
            if ending.is_set() or time.monotonic() > end:
                raise
            if not told:
                say(f"busyhour: {error.sentence()}\n  waiting for it; Filebeat keeps its lines meanwhile")
            told = True
            ending.wait(_AGAIN_SEC)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _how(certificate: Path | None, client_ca: Path | None) -> str:
    if certificate is None:
        return "not encrypted"
    return "TLS, for holders of a certificate" if client_ca else "TLS, for anybody"


def _wait(ending: threading.Event, seconds: float) -> None:
    """Sleeps while the store is away; the end of the server ends the waiting."""
    if ending.wait(seconds):
        raise StoreUnavailable("stopped while Elasticsearch was away")
