"""`busyhour learn`: a model of a sample's records, to generate more of them."""

from __future__ import annotations

from pathlib import Path

import click

from cli.context import examples, json_option
from cli.learned import described
from cli.output import emit_json
from datagen.learn import learn as learn_sample
from datagen.learn.store import save


@click.command(
    epilog=examples(
        "busyhour learn sample_data/voip-public-undated.csv --out voip.npz",
        "busyhour learn january/*.csv --out january.yml && busyhour generate --from january.yml --days 28 --out traffic/",
    )
)
@click.argument("samples", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SAMPLE…")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Model: .npz, or .yml as text."
)
@click.option("--layout", help="The samples' format, where their header does not tell (`busyhour layouts list`).")
@click.option("--seed", type=int, default=1, show_default=True, help="The same samples and seed give the same bytes.")
@json_option
def learn(samples: tuple[Path, ...], out: Path, layout: str | None, seed: int, as_json: bool) -> None:
    """Learn how the columns of CDR samples hang together, so that `generate --from` invents records like them.

    Samples are CSV files of one format, or any CSV file whose first line names its columns. The model
    holds no identifier of theirs: numbers and names of people are made up.
    """
    model = learn_sample(samples, layout, seed=seed)
    save(model, out)
    summary = described(model)
    if as_json:
        emit_json({"model": str(out), "bytes": out.stat().st_size, **summary})
        return
    form = summary["layout"] or "no layout of ours"
    click.echo(f"{summary['rows']:,} records of {form} learned: {out}, {out.stat().st_size:,} bytes")
    for column in summary["columns"]:
        click.echo(f"  {column['name']:<32} {column['kind']}")
