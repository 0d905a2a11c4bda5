"""`generate --from`: its options, and what a learned model is in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import click

from cli.output import emit_json, progress
from contracts.errors import DefinitionError
from datagen.learn import LearnedModel, generate_from
from datagen.learn.columns import Names, Number, Words
from datagen.room import Confirm

# options of `generate` that have no meaning for learned records, with the value that says they were not given
_NOT_WITH: Mapping[str, Any] = {
    "late": None,
    "duplicate": None,
    "numbered": False,
    "gzip": False,
    "customers": None,
    "append": False,
    "speed": None,
    "sink": "files",
    "workers": 1,
}


def described(model: LearnedModel) -> dict[str, Any]:
    """A model for people and machines: its form, and what each column is."""
    kinds = {name: _kind(kind) for name, kind in zip(model.names, model.kinds, strict=True)}
    words = {"clock": "time", "counter": "running number", "span": "time between two others, s"}
    columns = [
        {"name": column.name, "kind": kinds[column.name] if column.role == "value" else words[column.role]}
        for column in model.form.columns
    ]
    return {"rows": model.rows, "layout": model.form.layout, "service": model.form.service, "columns": columns}


def _kind(kind: Words | Number | Names) -> str:
    if isinstance(kind, Words):
        return f"constant {kind.words[0]!r}" if len(kind.words) == 1 else f"category of {len(kind.words)}"
    if isinstance(kind, Names):
        return "identifier, made up"
    low, high = (each / 10**kind.places for each in (kind.origin, kind.origin + kind.top * kind.step))
    return f"number, {low:g} to {high:g} in steps of {kind.step / 10**kind.places:g}"


def refuse_others(options: Mapping[str, Any], **given: Any) -> None:
    """Raises DefinitionError on an option of `generate` that does not go with --from. `given`: those with their own names."""
    for name, value in given.items():
        if value:
            raise DefinitionError(f"--{name.replace('_', '-')} does not go with --from")
    for name, unset in _NOT_WITH.items():
        if options.get(name, unset) != unset:
            raise DefinitionError(f"--{name} does not go with --from")


def generate_learned(
    samples: tuple[Path, ...],
    options: Mapping[str, Any],
    *,
    first: date,
    days: int,
    incidents: Path | None,
    layout: str | None,
    profiles: Path | None,
    confirm: Confirm | None,
    as_json: bool,
) -> None:
    """Writes the files and says what was written."""
    more = {} if profiles is None else {"profiles": profiles}
    with progress("generating", quiet=as_json) as advance:
        report = generate_from(
            options["out"],
            samples,
            start=first,
            days=days,
            seed=options["seed"],
            rate=options["rate"],
            rotate=options["rotate"],
            profile=options["profile"],
            incidents=incidents,
            layout=layout,
            confirm=confirm,
            progress=lambda what, done, total: advance(done, total),
            **more,
        )
    if as_json:
        emit_json(asdict(report))
        return
    click.echo(f"{report.rows:,} records in {report.files:,} files under {options['out']}, in {report.seconds:.1f} s")
    form = f"layout {report.layout}" if report.layout else "the sample's own columns"
    click.echo(f"learned from {report.learned_rows:,} records; {form}, hours of the week by profile {report.profile}")
    click.echo(f"{report.incidents} labelled incidents: {report.truth}")
