"""`busyhour setup`: templates, indices and aliases."""

from __future__ import annotations

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json
from infrastructure.setup import set_up


@click.command(epilog=examples("busyhour setup", "ES_URL=https://es:9200 ES_API_KEY=… ES_CA=ca.pem busyhour setup"))
@json_option
@pass_context
def setup(context: Context, as_json: bool) -> None:
    """Install index templates with strict mappings, the fixed indices and their aliases. Safe to repeat."""
    done = set_up(context.store, say=say)
    if as_json:
        emit_json({"done": done})
        return
    for line in done:
        click.echo(line)
