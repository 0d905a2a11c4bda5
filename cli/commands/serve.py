"""`busyhour serve`: the console and its API."""

from __future__ import annotations

from pathlib import Path

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json


@click.command(
    epilog=examples(
        "busyhour serve",
        "busyhour serve --port 8700",
        "busyhour serve --background",
        "busyhour serve --host 0.0.0.0 --certificate cert.pem --key key.pem --name noc.example.net",
        "busyhour serve --host 10.0.0.9 --behind-proxy 10.0.0.7 --name noc.example.net",
    )
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8600, show_default=True, help="Port to listen on.")
@click.option("--name", "names", multiple=True, help="Another host name under which browsers may ask; may be repeated.")
@click.option(
    "--certificate", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="PEM file, for https."
)
@click.option("--key", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="PEM file of its key.")
@click.option("--background", is_flag=True, help="Leave it running; `busyhour node stop` or --stop ends it.")
@click.option("--stop", is_flag=True, help="End the one in the background.")
@click.option(
    "--behind-proxy",
    "proxies",
    metavar="ADDRESS",
    multiple=True,
    help="Address or network of a proxy that ends https; its X-Forwarded-For and -Proto are believed. May be repeated.",
)
@json_option
@pass_context
def serve(
    context: Context,
    host: str,
    port: int,
    names: tuple[str, ...],
    certificate: Path | None,
    key: Path | None,
    background: bool,
    stop: bool,
    proxies: tuple[str, ...],
    as_json: bool,
) -> None:
    """Serve the web console and the REST API until Ctrl-C; staff sign in with their Elasticsearch account.

    The first time it prints a link that makes the first administrator, once. On the local node it sets everything up.
    """
    if stop or background:
        _in_background(context, port, stop=stop, as_json=as_json)
        return
    from console.server import Place
    from console.server import serve as run

    if (certificate is None) != (key is None):
        raise click.UsageError("--certificate and --key go together")

    def ready(url: str, first: str) -> None:
        if as_json:
            emit_json({"url": url, "first_run": first})
            return
        click.echo(f"console: {url}")
        if first:
            say(f"first administrator (this link works once, for an hour): {first}")

    run(context.settings, Place(host, port, certificate, key, names, proxies), ready)


def _in_background(context: Context, port: int, *, stop: bool, as_json: bool) -> None:
    from console import background

    if stop:
        stopped = background.stop(context.home)
        if as_json:
            emit_json({"stopped": stopped})
        else:
            click.echo("stopped" if stopped else "no console was running in the background")
        return
    found = background.start(context.home, context.environment, port)
    if as_json:
        emit_json({"url": found.url, "first_run": found.first_run, "pid": found.pid})
        return
    click.echo(f"console: {found.url}")
    if found.first_run:
        say(f"first administrator (this link works once, for an hour): {found.first_run}")
