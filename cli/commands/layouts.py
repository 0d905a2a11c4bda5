"""`busyhour layouts`: the CDR formats, and the Logstash pipelines rendered from them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_table
from contracts.errors import UserError
from mediation import known_layouts, layouts_in_use, load_layout
from mediation.explain import explain as explain_record
from mediation.load import nearest
from mediation.logstash import render as render_pipelines
from mediation.logstash import write_rendered


@click.group(epilog=examples("busyhour layouts list", "busyhour layouts check my-format.yml"))
def layouts() -> None:
    """CDR formats, each defined once in a layout file."""


@layouts.command("list", epilog=examples("busyhour layouts list --json"))
@json_option
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List the layouts that `ingest` recognises: the shipped ones and those of the setting layouts.folder."""
    known = layouts_in_use(context.settings).values()
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
@pass_context
def check(context: Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Check layout files (all that are in use unless named): what is wrong, where, and the nearest right name."""
    names = [load_layout(path).name for path in files] if files else list(layouts_in_use(context.settings))
    if as_json:
        emit_json({"checked": names, "ok": True})
    else:
        click.echo(f"{len(names)} layouts are right: {', '.join(names)}")


@layouts.command(
    epilog=examples("busyhour layouts explain cdr.csv --line 7", "busyhour layouts explain cdr.csv --json")
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--line", type=click.IntRange(min=1), help="Number of the line, from 1; the first record unless given.")
@click.option("--layout", help="The layout, where the file does not tell (`busyhour layouts list`).")
@json_option
@pass_context
def explain(context: Context, file: Path, line: int | None, layout: str | None, as_json: bool) -> None:
    """Show how one line of FILE becomes a document or a reject, step by step. Nothing is stored; hashes are examples."""
    known = layouts_in_use(context.settings)
    if layout is not None and layout not in known:
        what = f"unknown layout {layout!r}{nearest(layout, list(known))}"
        raise UserError(what, where="--layout", remedy="`busyhour layouts list`")
    told = explain_record(file, known, wanted=layout, line=line)
    if as_json:
        emit_json(asdict(told))
        return
    click.echo(f"layout {told.layout}, line {told.number}, byte {told.offset}\n{told.raw}\n")
    emit_table(
        ("step", "name", "text", "becomes"),
        [[step.step, step.name, step.text, step.value] for step in told.steps],
        empty="the line has no cells",
    )
    if told.reject is not None:
        column = f" in {told.reject.column}" if told.reject.column else ""
        click.echo(f"reject {told.reject.reason}{column}: {told.reject.detail}")
    else:
        click.echo(f"document {told.id} in {told.index}:")
        emit_json(told.document)


@layouts.command(epilog=examples("busyhour layouts render", "busyhour layouts render --check"))
@click.option(
    "--root", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Folder of the checkout."
)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 when a file is stale.")
@json_option
@pass_context
def render(context: Context, root: Path, only_check: bool, as_json: bool) -> None:
    """Write the Logstash pipelines under logstash/, and the inputs under filebeat/, from the layouts in use."""
    known = known_layouts(context.settings)
    if only_check:
        wanted = render_pipelines(known.values())
        stale = [name for name, text in wanted.items() if not _same(root / name, text)]
        if stale:
            raise UserError(f"stale: {', '.join(stale)}", where=str(root), remedy="`busyhour layouts render`")
        changed: list[str] = []
    else:
        changed = write_rendered(root, known)
    if as_json:
        emit_json({"changed": changed})
    else:
        click.echo("\n".join(changed) if changed else "nothing had to change")


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
