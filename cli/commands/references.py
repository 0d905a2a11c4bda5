"""`busyhour references`: the tables that records are enriched from."""

from __future__ import annotations

from pathlib import Path

import click

from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_table
from contracts.errors import SettingError
from mediation.enrich.pulling import pull as pull_table
from mediation.enrich.references import Tables, fills, table_names


@click.group(epilog=examples("busyhour references check", "busyhour references pull network-trunks trunk_groups"))
def references() -> None:
    """Tables of trunk groups, SBCs, cells and plans (docs/enrichment.md)."""


def _folder(context: Context) -> Path:
    folder = context.settings.text("reference.folder")
    if not folder:
        raise SettingError("is empty", where="reference.folder", remedy="set BUSYHOUR_REFERENCE_FOLDER to a folder")
    return Path(folder)


@references.command(epilog=examples("BUSYHOUR_REFERENCE_FOLDER=references busyhour references check --json"))
@json_option
@pass_context
def check(context: Context, as_json: bool) -> None:
    """Read the tables and say what they fill, or what is wrong, by file, line and column."""
    rows = Tables(_folder(context)).check()
    if as_json:
        emit_json({"references": [{"table": name, "rows": rows.get(name)} for name in table_names()]})
        return
    emit_table(
        ("table", "rows", "looked up by", "fills"),
        [
            [each.table, str(rows.get(each.table, "not there")), each.by, ", ".join(each.fields.values())]
            for each in fills()
        ],
    )


@references.command(
    epilog=examples("BUSYHOUR_REFERENCE_FOLDER=references busyhour references pull network-trunks trunk_groups")
)
@click.argument("index")
@click.argument("table")
@json_option
@pass_context
def pull(context: Context, index: str, table: str, as_json: bool) -> None:
    """Write TABLE's file from INDEX, whose documents have fields of the columns' names."""
    folder = _folder(context)
    rows = pull_table(context.store, index, table, folder)
    if as_json:
        emit_json({"table": table, "rows": rows, "file": str(folder / f"{table}.csv")})
    else:
        click.echo(f"{rows} rows in {folder / f'{table}.csv'}")
