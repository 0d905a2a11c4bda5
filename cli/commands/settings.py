"""`busyhour settings`: the one table of settings, with the values in force."""

from __future__ import annotations

import click

from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_table
from contracts.settings import TABLE


@click.command(epilog=examples("busyhour settings", "BUSYHOUR_NODE_HEAP_MIB=2048 busyhour settings --json"))
@json_option
@pass_context
def settings(context: Context, as_json: bool) -> None:
    """Show every setting: value in force, default, unit, meaning and the variable that changes it."""
    rows = [
        {
            "name": row.name,
            "value": _hidden(context.settings[row.name]) if row.secret else context.settings[row.name],
            "default": row.default,
            "unit": row.unit,
            "variable": row.variable,
            "meaning": row.meaning,
        }
        for row in TABLE
    ]
    if as_json:
        emit_json({"settings": rows})
        return
    emit_table(
        ("setting", "value", "unit", "variable", "meaning"),
        [[str(row[key]) for key in ("name", "value", "unit", "variable", "meaning")] for row in rows],
    )


def _hidden(value: object) -> str:
    return "(set)" if value else ""
