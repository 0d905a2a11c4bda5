"""`busyhour node`: the local Elasticsearch."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json, emit_pairs


@click.group(epilog=examples("busyhour node start", "busyhour node status --json", "busyhour node stop"))
def node() -> None:
    """The local Elasticsearch: a real node, resolved by Maven, data and logs under BUSYHOUR_HOME."""


@node.command(epilog=examples("busyhour node start", "busyhour node start --port 9200"))
@click.option("--port", type=click.IntRange(1, 65535), help="HTTP port on loopback; a free one unless given.")
@json_option
@pass_context
def start(context: Context, port: int | None, as_json: bool) -> None:
    """Start the node and wait until it answers. Refuses to start twice on one data directory."""
    _show(context.node.start(port=port, progress=say), as_json)


@node.command(epilog=examples("busyhour node stop"))
@json_option
@pass_context
def stop(context: Context, as_json: bool) -> None:
    """Stop the node in good order, and a console in the background with it. Nothing to stop is not an error."""
    from console import background

    background.stop(context.home)
    stopped = context.node.stop()
    if as_json:
        emit_json({"stopped": stopped})
    else:
        click.echo("stopped" if stopped else "no node was running")


@node.command(epilog=examples("busyhour node status"))
@json_option
@pass_context
def status(context: Context, as_json: bool) -> None:
    """Say whether the node runs, where, and how it is. Exit 3 when it does not run."""
    found = context.node.status()
    _show(found, as_json)
    if not found.running:
        raise SystemExit(3)


def _show(status: Any, as_json: bool) -> None:
    values = asdict(status)
    if as_json:
        emit_json(values)
    else:
        emit_pairs({name.replace("_", " "): value for name, value in values.items()})
