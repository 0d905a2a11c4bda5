"""`busyhour demo`: everything once."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from cli import demo as story
from cli.context import Context, examples, json_option, pass_context, say
from cli.demo_page import show
from cli.output import emit_json, progress
from contracts.errors import OperatorError

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


@click.command(epilog=examples("busyhour demo", "busyhour demo --json", "BUSYHOUR_HOME=/tmp/demo busyhour demo"))
@json_option
@pass_context
def demo(context: Context, as_json: bool) -> None:
    """Generate four weeks of traffic with incidents, mediate it, find them, alert and open tickets.

    Runs on the local node, or on ES_URL. Exit 1 unless every labelled incident was found, alerted and ticketed.
    """
    node = None if context.settings.text("es.url") else context.node
    done = story.run(context.home, node, lambda: context.store, partial(progress, quiet=as_json), SAMPLES)
    if as_json:
        emit_json(done.as_dict())
    else:
        show(done)
        _show_console(context)
    if not done.complete:
        say("busyhour: an incident of the truth was not found, alerted or ticketed")
        raise SystemExit(1)


def _show_console(context: Context) -> None:
    """The last lines: where to look. Not for machines, who would leave it running."""
    from console import background

    try:
        found = background.start(context.home, context.environment)
    except OperatorError as error:
        say(f"busyhour: {error.sentence()}")
        return
    click.echo("\nThe same in a browser (it goes on running; `make down` stops it, too):")
    if found.first_run:
        click.echo(f"  first choose a name and a password, once: {found.first_run}")
    click.echo(f"  {found.url}")
