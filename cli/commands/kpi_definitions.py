"""`busyhour kpi define|overlay|retire|explain`: KPIs of one's own, and what is laid over the shipped ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import yaml

from cli.context import Context, examples, json_option, pass_context
from cli.kpi_options import registry_of
from cli.output import emit_json, emit_pairs, emit_table, shown
from contracts.errors import UserError
from kpis.tracking import Limits, Tracked, editing

_LARGEST = 200_000


class _Plain(yaml.SafeLoader):
    """Without aliases: a few of them inside each other unfold to gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not taken")
        return super().compose_node(parent, index)


def _by(command: Any) -> Any:
    command = click.option("--why", required=True, help="Why, for those who ask later.")(command)
    return click.option("--by", required=True, help="Who says so.")(command)


_expect = click.option("--expect", type=int, help="Only if the KPI is at this revision (0: there is none yet).")


@click.command(
    epilog=examples(
        'busyhour kpi define effort.yml --by anna --why "asked for by the board"',
        "busyhour kpi define effort.yml --by anna --why corrected --expect 1 --json",
    )
)
@click.argument("file", type=click.Path(path_type=Path))
@_by
@_expect
@json_option
@pass_context
def define(context: Context, file: Path, by: str, why: str, expect: int | None, as_json: bool) -> None:
    """Create a KPI from a YAML or JSON file, or change one of your own: each change is a new revision (docs/kpis.md)."""
    _said(editing.define(context.store, _content(file), by=by, why=why, expect=expect), as_json)


@click.command(
    epilog=examples('busyhour kpi overlay voip.ner targets.yml --by anna --why "contract with TG2\'s carrier"')
)
@click.argument("kpi")
@click.argument("file", type=click.Path(path_type=Path))
@_by
@_expect
@json_option
@pass_context
def overlay(context: Context, kpi: str, file: Path, by: str, why: str, expect: int | None, as_json: bool) -> None:
    """Lay owner, target and thresholds, also of single entities, over a shipped KPI; {} takes them away again."""
    _said(editing.lay_over(context.store, kpi, _content(file), by=by, why=why, expect=expect), as_json)


@click.command(epilog=examples('busyhour kpi retire desk.effort --by anna --why "nobody reads it"'))
@click.argument("kpi")
@_by
@json_option
@pass_context
def retire(context: Context, kpi: str, by: str, why: str, as_json: bool) -> None:
    """Take a KPI out of use. Its values and revisions stay; defining it again brings it back."""
    _said(editing.retire(context.store, kpi, by=by, why=why), as_json)


@click.command(epilog=examples("busyhour kpi explain voip.network_failure_ratio", "busyhour kpi explain NER --json"))
@click.argument("kpi")
@json_option
@pass_context
def explain(context: Context, kpi: str, as_json: bool) -> None:
    """Show all about a KPI: what it is made of, its targets and owner, and every revision."""
    one = registry_of(context).find(kpi)
    found = editing.revisions(context.store, one.id)
    if as_json:
        revisions = [{"revision": each.number, **_row(each), "body": each.body} for each in found]
        emit_json({**described(one), "revisions": revisions})
        return
    emit_pairs(described(one))
    rows = [[each.number, each.at[:16], each.kind, each.state, each.by, each.why] for each in found]
    emit_table(("revision", "at (UTC)", "kind", "state", "by", "why"), rows, title="\nRevisions", empty="as shipped")


def alias_of(one: Tracked) -> str:
    """What engineers call it, where it has such a name."""
    return one.cdr.alias if one.cdr else ""


def described(one: Tracked) -> dict[str, Any]:
    """A KPI as a flat row."""
    return {
        "kpi": one.id,
        "alias": alias_of(one),
        "title": one.name,
        "group": one.group,
        "service": one.service,
        "unit": one.unit,
        "bad": one.bad,
        "target": limits_in_words(one.limits),
        "thresholds": ", ".join(f"{level} {shown(value)}" for level, value in one.limits.thresholds.items()),
        "entities with limits of their own": ", ".join(sorted(one.per_entity)),
        "owner": one.owner,
        "source": one.source,
        "made of": made_of(one),
        "standard": one.standard,
        "dimensions": list(one.dimensions),
        "buckets": [f"{seconds} s" for seconds in one.resolutions],
        "version": one.version,
        "revision": one.revision,
        "state": "active" if one.active else "retired",
    }


def made_of(one: Tracked) -> str:
    """Formula, index or connector, in a few words."""
    if one.formula is not None:
        return one.formula.text
    if one.measure is not None:
        return f"{one.measure.kind} over {one.measure.index} by {one.measure.time}"
    if one.cdr is not None:
        return f"{one.cdr.kind} over {one.cdr.source}"
    return ", ".join(f"{key} {value}" for key, value in one.details.items())


def limits_in_words(limits: Limits) -> str:
    return "" if limits.target is None else f"{limits.target.op} {shown(limits.target.value)}"


def _row(each: editing.Revision) -> dict[str, Any]:
    return {
        "at": each.at,
        "kind": each.kind,
        "state": each.state,
        "version": each.version,
        "by": each.by,
        "why": each.why,
    }


def _said(revision: editing.Revision, as_json: bool) -> None:
    if as_json:
        emit_json({"kpi": revision.kpi, "revision": revision.number, **_row(revision)})
    else:
        emit_pairs({"kpi": revision.kpi, "revision": revision.number, "state": revision.state, "by": revision.by})


def _content(file: Path) -> Any:
    try:
        if file.stat().st_size > _LARGEST:
            raise UserError(f"larger than {_LARGEST:,} bytes", where=str(file))
        return yaml.load(file.read_text(encoding="utf-8"), _Plain)  # noqa: S506 - a safe loader with less
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"not YAML: {error}", where=str(file)) from None
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(file)) from None
