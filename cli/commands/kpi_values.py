"""`busyhour kpi set|import|entries|export`: values that people enter, and all values as files."""

from __future__ import annotations

from pathlib import Path

import click

from cli.context import Context, examples, json_option, pass_context
from cli.kpi_options import entity_of, period_of, period_options, registry_of
from cli.moments import moment
from cli.output import emit_json, emit_pairs, emit_table
from contracts.clock import iso
from kpis import entering
from kpis.exporting import FORMATS, export_points

_RESOLUTIONS = {"5m": 300, "1h": 3600, "1d": 86400}


@click.command(
    "set",
    epilog=examples(
        'busyhour kpi set deployment.efficiency 0.93 --entity region:north --by anna --why "weekly meeting"',
        'busyhour kpi set deployment.efficiency 0.91 --entity region:north --at 2026-11-20 --by bo --why "site 12 failed"',
    ),
)
@click.argument("kpi")
@click.argument("value", type=float)
@click.option("--entity", help="TYPE:ID, such as region:north; network:all by default.")
@click.option("--at", "at", help="Any time in the bucket (UTC); now by default.")
@click.option("--by", required=True, help="Who says so.")
@click.option("--why", required=True, help="Why, for those who ask later.")
@json_option
@pass_context
def set_(
    context: Context, kpi: str, value: float, entity: str | None, at: str | None, by: str, why: str, as_json: bool
) -> None:
    """Enter a value, or correct one: what was there before stays in the history (`kpi entries`)."""
    one = registry_of(context).find(kpi)
    when = moment(at, context.store.clock())
    wanted = entering.Wanted(one, entity_of(entity, one), when, value)
    found = entering.enter(context.store, [wanted], by=by, why=why)[0]
    answer = found._asdict() | {"bucket": iso(found.bucket)}
    emit_json(answer) if as_json else emit_pairs(answer)


@click.command(
    "import",
    epilog=examples(
        "busyhour kpi import values.xlsx --preview",
        'busyhour kpi import values.csv --kpi deployment.efficiency --by anna --why "report of October" --json',
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kpi", help="All rows are of this KPI; else the column kpi says it.")
@click.option("--preview", is_flag=True, help="Only say what would be entered and what is wrong.")
@click.option("--skip-faulty", is_flag=True, help="Enter the good rows although others are wrong.")
@click.option("--by", help="Who says so; needed unless --preview.")
@click.option("--why", help="Why; needed unless --preview.")
@json_option
@pass_context
def import_(
    context: Context,
    file: Path,
    kpi: str | None,
    preview: bool,
    skip_faulty: bool,
    by: str | None,
    why: str | None,
    as_json: bool,
) -> None:
    """Enter the values of a CSV or XLSX file: columns kpi, entity, time and value. All rows are checked before any is entered.

    Formulas in cells are refused, never worked out. Importing a file again changes nothing.
    """
    found = entering.preview(registry_of(context), file, context.store.clock(), kpi)
    answer = {
        "file": str(file),
        "rows": found.rows,
        "good": len(found.wanted),
        "faulty": found.faulty,
        "faults": [{"row": each.row, "column": each.column, "what": each.what} for each in found.faults],
    }
    if not preview and (not found.faults or skip_faulty):
        if by is None or why is None:
            raise click.UsageError("--by and --why are needed to enter values")
        entered = entering.import_rows(context.store, found, by=by, why=why, skip_faulty=skip_faulty)
        answer |= {word: sum(each.status == word for each in entered) for word in ("new", "corrected", "unchanged")}
    if as_json:
        emit_json(answer)
    else:
        faults = answer.pop("faults")
        emit_pairs(answer)
        if faults:
            rows = [[each.row, each.column or "row", each.what] for each in found.faults[:50]]
            emit_table(("row", "column", "what is wrong"), rows, title="\nFaults, the first 50")
    if found.faults:
        raise SystemExit(1)


@click.command(epilog=examples("busyhour kpi entries deployment.efficiency --entity region:north"))
@click.argument("kpi")
@click.option("--entity", help="TYPE:ID; all by default.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Newest entries shown.")
@json_option
@pass_context
def entries(context: Context, kpi: str, entity: str | None, limit: int, as_json: bool) -> None:
    """Show who entered and corrected which value, when and why; the newest first."""
    one = registry_of(context).find(kpi)
    found = entering.history(context.store, one, entity_of(entity, one) if entity else None, limit)
    rows = [
        {
            "at": iso(each.at),
            "entity": each.entity,
            "bucket": iso(each.bucket),
            "number": each.number,
            "value": each.value,
            "before": each.before,
            "by": each.by,
            "why": each.why,
            "from": each.origin,
        }
        for each in found
    ]
    if as_json:
        emit_json({"kpi": one.id, "entries": rows})
    else:
        emit_table(
            tuple(rows[0]) if rows else (), [list(row.values()) for row in rows], title=one.id, empty="no entries"
        )


@click.command(
    epilog=examples(
        "busyhour kpi export --period month --format xlsx --out kpis.xlsx",
        "busyhour kpi export --kpi voip.ner --entity trunk_group:TG2 --resolution 1h --format csv --out ner.csv --json",
    )
)
@click.option("--kpi", "names", multiple=True, help="Only this KPI (id or alias); may be repeated.")
@click.option("--entity", help="Only this entity, TYPE:ID.")
@click.option("--resolution", type=click.Choice(tuple(_RESOLUTIONS)), default="1d", show_default=True, help="Buckets.")
@period_options
@click.option("--format", "form", type=click.Choice(FORMATS), default="csv", show_default=True, help="Of the file.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="File to write; appears whole or not at all."
)
@json_option
@pass_context
def export(
    context: Context,
    names: tuple[str, ...],
    entity: str | None,
    resolution: str,
    period: str,
    since: str | None,
    until: str | None,
    form: str,
    out: Path,
    as_json: bool,
) -> None:
    """Write values to a file: every KPI and entity, or some."""
    registry = registry_of(context)
    chosen = [registry.find(name) for name in names] or registry.active()
    start, end = period_of(context, period, since, until)
    who = entity_of(entity, chosen[0]) if entity else ""
    rows = export_points(context.store, chosen, start, end, _RESOLUTIONS[resolution], out, form, entity=who)
    answer = {"file": str(out), "format": form, "rows": rows, "from": iso(start), "to": iso(end)}
    emit_json(answer) if as_json else emit_pairs(answer)
