"""`busyhour bench series`: our detector of any series beside public ones."""

from __future__ import annotations

from pathlib import Path

import click

from cli.context import examples, json_option, say
from cli.output import emit_json, emit_table
from contracts.errors import UserError

_COLUMNS = (
    "detector",
    "standard",
    "low_fp",
    "low_fn",
    "found",
    "windows",
    "false_alarms",
    "f1",
    "precision",
    "recall",
    "seconds",
)


@click.command(
    epilog=examples(
        "busyhour bench series",
        "busyhour bench series --folder NAB/data --labels NAB/labels/combined_windows.json --only busyhour --json",
    )
)
@click.option(
    "--folder", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Labelled series of your own."
)
@click.option(
    "--labels", type=click.Path(path_type=Path, dir_okay=False), help="Their windows; FOLDER/labels.json by default."
)
@click.option(
    "--half",
    "part",
    type=click.Choice(("first", "second")),
    help="Only this half, in the order of the SHA-256 of the files' names; the second was never tuned on (docs/series.md).",
)
@click.option("--only", multiple=True, help="Only this detector; may be repeated.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the made series.")
@click.option("--rows", type=click.IntRange(1000, 20_000), default=2400, show_default=True, help="Of each made series.")
@json_option
def series(
    folder: Path | None,
    labels: Path | None,
    part: str | None,
    only: tuple[str, ...],
    seed: int,
    rows: int,
    as_json: bool,
) -> None:
    """Score made series with labelled events, or those of a folder, by ours and every public detector that is installed.

    Standard, low_fp, low_fn: NAB-like scores, 0 for silence, 100 for the perfect detector, at one threshold for all series.
    F1 counts windows found and stretches of 50 rows with false alarms. Needs no node; some minutes with all detectors.
    """
    from detectors.peers import missing
    from detectors.series.comparing import compare, contenders, half, read_labelled
    from detectors.series.made import made_series

    known = contenders()
    unknown = sorted(set(only) - set(known))
    if unknown:
        why = missing().get(unknown[0], f"one of {', '.join(known)}")
        raise UserError(f"no detector {unknown[0]}", where="--only", remedy=why)
    labelled = read_labelled(folder, labels or folder / "labels.json") if folder else made_series(seed, rows)
    if part:
        labelled = half(labelled, part == "second")
    found = compare(labelled, [name for name in known if not only or name in only], say)
    if as_json:
        emit_json({"series": [one.name for one in labelled], "detectors": found, "missing": missing()})
        return
    emit_table(_COLUMNS, [[row[column] for column in _COLUMNS] for row in found], title=f"{len(labelled)} series")
    for name, what in missing().items():
        click.echo(f"{name}: {what}")
