"""`busyhour layouts`: the CDR formats, and the Logstash pipelines rendered from them."""

from __future__ import annotations

from pathlib import Path

import click

from cli.context import examples, json_option
from cli.output import emit_json, emit_table
from contracts.errors import UserError
from mediation import load_layout, load_layouts
from mediation.logstash import render as render_pipelines
from mediation.logstash import write_rendered


@click.group(epilog=examples("busyhour layouts list", "busyhour layouts check my-format.yml"))
def layouts() -> None:
    """CDR formats, each defined once in a layout file."""


@layouts.command("list", epilog=examples("busyhour layouts list --json"))
@json_option
def list_(as_json: bool) -> None:
    """List the layouts that `ingest` recognises."""
    known = load_layouts().values()
    if as_json:
        rows = [
            {"layout": each.name, "title": each.title, "services": each.services, "header": each.header}
            for each in known
        ]
        emit_json({"layouts": rows})
        return
    emit_table(
        ("layout", "services", "columns", "runners", "what it is"),
        [[each.name, each.services, len(each.columns), each.runners, each.title] for each in known],
    )


@layouts.command(epilog=examples("busyhour layouts check", "busyhour layouts check my-format.yml"))
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Check layout files (the shipped ones unless named): what is wrong, where, and the nearest right name."""
    names = [load_layout(path).name for path in files] if files else list(load_layouts())
    if as_json:
        emit_json({"checked": names, "ok": True})
    else:
        click.echo(f"{len(names)} layouts are right: {', '.join(names)}")


@layouts.command(epilog=examples("busyhour layouts render", "busyhour layouts render --check"))
@click.option(
    "--root", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Folder of the checkout."
)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 when a file is stale.")
@json_option
def render(root: Path, only_check: bool, as_json: bool) -> None:
    """Write the Logstash pipelines under logstash/ from the layouts."""
    if only_check:
        wanted = render_pipelines(load_layouts().values())
        stale = [name for name, text in wanted.items() if not _same(root / name, text)]
        if stale:
            raise UserError(f"stale: {', '.join(stale)}", where=str(root), remedy="`busyhour layouts render`")
        changed: list[str] = []
    else:
        changed = write_rendered(root)
    if as_json:
        emit_json({"changed": changed})
    else:
        click.echo("\n".join(changed) if changed else "nothing had to change")


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
