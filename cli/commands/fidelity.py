"""`busyhour fidelity`: how like real records synthetic ones are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_pairs, emit_table
from contracts.errors import OperatorError, UserError
from datagen.fidelity import Fidelity, compare, page
from datagen.fidelity.reading import MOST_ROWS
from datagen.fidelity.scores import PairScore
from mediation import layouts_in_use
from mediation.load import check_known

_PAIRS_SHOWN = 8


@click.command(
    epilog=examples(
        "busyhour fidelity sample_data/voip-public.csv synthetic.csv",
        "busyhour fidelity real/ traffic/cdr/voip --html likeness.html --json",
    )
)
@click.argument("real", type=click.Path(path_type=Path))
@click.argument("synthetic", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--also-real", type=click.Path(path_type=Path), multiple=True, help="More real files; may be repeated.")
@click.option("--layout", help="The layout of REAL, where its header or shape does not tell.")
@click.option(
    "--rows",
    type=click.IntRange(100, 1_000_000),
    default=MOST_ROWS,
    show_default=True,
    help="Rows of a side that are held; more are sampled, the same ones every time.",
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with plots there.")
@json_option
@pass_context
def fidelity(
    context: Context,
    real: Path,
    synthetic: tuple[Path, ...],
    also_real: tuple[Path, ...],
    layout: str | None,
    rows: int,
    html: Path | None,
    as_json: bool,
) -> None:
    """How like REAL the SYNTHETIC records are: column shapes and pairs, new rows, bounds, and their rhythm in time.

    REAL and SYNTHETIC are files or folders of any layout, or CSV files with a header. What both have is compared; identifiers,
    parties and times are left out, and the output says which. Scores go from 0 to 1, high is alike (docs/fidelity.md).
    """
    layouts = layouts_in_use(context.settings)
    check_known(layout, layouts)
    found = compare([real, *also_real], synthetic, layouts=layouts, wanted=layout, most=rows)
    if html is not None:
        _write(html, page(found), (real, *also_real, *synthetic))
    if as_json:
        emit_json(found.as_dict())
    else:
        _show(found)
        if html is not None:
            click.echo(f"\npage: {html}")


def _write(path: Path, text: str, read: Sequence[Path]) -> None:
    """The page appears whole or not at all, and in place of nothing that was read."""
    if any(path.exists() and each.exists() and path.samefile(each) for each in read):
        raise UserError("is one of the files that were compared", where=str(path), remedy="name another file")
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise OperatorError(f"cannot be written: {error.strerror}", where=str(path)) from error


def _show(found: Fidelity) -> None:
    new, used = found.novelty, found.tables.used
    emit_pairs(
        {
            "quality": found.quality,
            "column shapes": found.column_shapes,
            "column pairs": found.column_pairs,
            f"new rows of {used}": new.new,
            "  reference: half of the real against the other": new.reference,
            "  against halves, as the reference is": new.like_for_like,
            f"copies of {used}": new.copies,
            "within the real bounds": found.boundaries,
        }
    )
    for side in (found.real, found.synthetic):
        held = f", {side.kept:,} of them compared" if side.kept < side.rows else ""
        lost = f"; {side.unreadable:,} lines could not be read" if side.unreadable else ""
        kind = ", ".join(side.layouts) or "CSV with a header"
        click.echo(f"{side.what}: {side.rows:,} rows of {side.files:,} files ({kind}){held}{lost}")
        for path, why in list(side.skipped.items())[:5]:
            click.echo(f"  left out: {path} {why}")
    emit_table(
        ("column", "as", "shape", "within bounds", "missing real", "missing synthetic"),
        [[c.name, c.kind, c.shape, c.boundary, c.missing_real, c.missing_synthetic] for c in found.columns],
        title="Columns",
    )
    emit_table(
        ("column", "column", "measure", "score", "strength in REAL"),
        [[p.first, p.second, p.measure, p.score, p.strength] for p in _worst(found)],
        title="Least alike of the pairs that count",
        empty="no pair of columns depends enough on one another to count",
    )
    if found.tables.left_out:
        emit_table(("column", "why it is left out"), list(map(list, found.tables.left_out.items())), title="Left out")
    _show_time(found)


def _worst(found: Fidelity) -> list[PairScore]:
    counted = [pair for pair in found.pairs if pair.counts and pair.score is not None]
    return sorted(counted, key=lambda pair: pair.score or 0.0)[:_PAIRS_SHOWN]


def _show_time(found: Fidelity) -> None:
    scores = found.time
    if scores is None:
        click.echo(f"time: not compared, {found.timeless}")
        return
    rows = [
        ["hour of week, distance of the profiles", None, None, scores.hour_of_week, scores.hour_of_week_noise],
        ["hour of day, distance of the profiles", None, None, scores.hour_of_day, scores.hour_of_day_noise],
        [f"dispersion, {scores.slot_minutes} minutes", scores.real.dispersion, scores.synthetic.dispersion, None, None],
        *(
            [name, getattr(scores.real, key), getattr(scores.synthetic, key), None, None]
            for name, key in (
                ("dispersion around the weekly rhythm", "dispersion_around_profile"),
                ("excess over Poisson, at any rate", "excess"),
                ("excess around the weekly rhythm", "excess_around_profile"),
            )
        ),
        *(
            [f"autocorrelation, {hours} h", scores.real.lag(hours), scores.synthetic.lag(hours), None, None]
            for hours in (1, 24, 168)
        ),
    ]
    emit_table(("time", "real", "synthetic", "distance", "by chance alone"), rows, title="Time")
