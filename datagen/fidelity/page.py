"""One self-contained page: no script, no outside host, pictures inline."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from datagen.fidelity import svg
from datagen.fidelity.columns import Compared
from datagen.fidelity.reading import Side
from datagen.fidelity.report import Fidelity
from datagen.fidelity.scores import ColumnScore
from datagen.fidelity.timing import LAGS_H, TimeScores

_BINS, _WORDS = 30, 10
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;color:#222;max-width:900px;margin:2em auto;padding:0 1em}
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em;border-bottom:1px solid #ddd}
table{border-collapse:collapse;margin:.5em 0}td,th{padding:.2em .8em .2em 0;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}svg{max-width:100%;height:auto;font-family:system-ui,sans-serif}
.tiles{display:flex;flex-wrap:wrap;gap:.6em}.tile{border:1px solid #ccc;border-radius:6px;padding:.5em .9em;min-width:7em}
.tile b{display:block;font-size:1.5em}.small{color:#555;font-size:.87em}.many{display:flex;flex-wrap:wrap;gap:1em}
figure{margin:0}figcaption{font-size:.87em;max-width:250px;overflow-wrap:anywhere}
.key{display:inline-block;width:1.6em;height:.7em;vertical-align:middle;margin:0 .3em 0 .8em}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(found: Fidelity) -> str:
    """The whole page as HTML."""
    sections = [
        _tiles(found),
        _sides(found.real, found.synthetic),
        _key(),
        "<h2>Columns</h2>"
        + svg.bars([(c.name, c.shape, _note(c)) for c in found.columns], "Score of each column's shape"),
        _pairs(found),
        _distributions(found),
        _time(found),
        _left_out(found),
    ]
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    return (
        f'<!doctype html><html lang="en"><head>{head}<meta name="viewport" content="width=device-width">'
        f"<title>Fidelity</title><style>{_STYLE}</style></head><body><h1>How like the real records the synthetic ones are</h1>"
        + "\n".join(sections)
        + "</body></html>\n"
    )


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _tiles(found: Fidelity) -> str:
    new = found.novelty
    tiles = [
        ("quality", found.quality, "mean of shapes and pairs"),
        ("column shapes", found.column_shapes, "each column alone"),
        ("column pairs", found.column_pairs, "columns that depend on one another"),
        ("new rows", new.new, f"reference {_shown(new.reference)}: half of the real rows against the other half"),
        ("copies", new.copies, "rows equal to a real one in every cell"),
        ("boundaries", found.boundaries, "numbers within the real least and greatest"),
    ]
    cells = (
        f'<div class="tile">{name}<b>{_shown(value)}</b><span class="small">{escape(note)}</span></div>'
        for name, value, note in tiles
    )
    used = f"New rows and copies are of {found.tables.used}: {new.synthetic_rows:,} synthetic, {new.real_rows:,} real."
    return f'<div class="tiles">{"".join(cells)}</div><p class="small">{used} Scores go from 0 to 1.</p>'


def _sides(*sides: Side) -> str:
    rows = "".join(
        f"<tr><td>{side.what}</td><td class=n>{side.rows:,}</td><td class=n>{side.kept:,}</td><td class=n>{side.files:,}</td>"
        f"<td>{escape(', '.join(side.layouts) or 'CSV with a header')}</td><td class=n>{side.unreadable:,}</td></tr>"
        for side in sides
    )
    head = "<tr><th><th>rows<th>compared<th>files<th>layout<th>unreadable lines</tr>"
    return f"<table>{head}{rows}</table>"


def _key() -> str:
    real, synthetic = f"background:{svg.REAL}", f"border:2px dashed {svg.SYNTHETIC};height:.4em"
    return f'<p><span class="key" style="{real}"></span>real<span class="key" style="{synthetic}"></span>synthetic</p>'


def _note(column: ColumnScore) -> str:
    apart = abs(column.missing_real - column.missing_synthetic)
    return f"missing {100 * column.missing_real:.0f} → {100 * column.missing_synthetic:.0f} %" if apart >= 0.01 else ""


def _pairs(found: Fidelity) -> str:
    scores = {(pair.first, pair.second): (pair.score, pair.counts) for pair in found.pairs}
    names = [column.name for column in found.columns]
    if len(names) < 2:
        return ""
    said = (
        "Large squares count in the quality: the real columns depend on one another. Yellow is alike, dark blue is not."
    )
    picture = svg.heat_map(names, scores, "Score of each pair of columns, in hundredths")
    return f'<h2>Pairs of columns</h2><p class="small">{said}</p>{picture}'


def _distributions(found: Fidelity) -> str:
    shapes = {column.name: column.shape for column in found.columns}
    figures = "".join(
        f"<figure>{_distribution(column)}<figcaption>{escape(column.name)} {_shown(shapes[column.name])}</figcaption></figure>"
        for column in found.tables.columns
    )
    return f'<h2>Distributions</h2><div class="many">{figures}</div>'


def _distribution(column: Compared) -> str:
    real, synthetic = (values[~column.missing(values)] for values in (column.real, column.synthetic))
    title = f"Distribution of {column.name}"
    if column.kind == "number":
        both = np.concatenate((real, synthetic))
        low, high = np.quantile(both, (0.005, 0.995)) if both.size else (0.0, 1.0)
        edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
        shares = [_binned(values, edges) for values in (real, synthetic)]
        return svg.histogram(shares[0], shares[1], f"{edges[0]:.6g}", f"{edges[-1]:.6g}", title)
    size = len(column.words)
    ours, theirs = (np.bincount(codes, minlength=size) / max(codes.size, 1) for codes in (real, synthetic))
    order = np.argsort(-np.maximum(ours, theirs), kind="stable")[:_WORDS]
    return svg.words([(column.words[code], float(ours[code]), float(theirs[code])) for code in order], title)


def _binned(values: object, edges: object) -> list[float]:
    clipped = np.clip(np.asarray(values), np.asarray(edges)[0], np.asarray(edges)[-1])
    counts = np.histogram(clipped, np.asarray(edges))[0]
    return [float(count) / max(clipped.size, 1) for count in counts]


def _time(found: Fidelity) -> str:
    scores = found.time
    if scores is None:
        return f"<h2>Time</h2><p>Not compared: {escape(found.timeless)}.</p>"
    sides = (scores.real, scores.synthetic)
    both = ~np.isnan(scores.real.profile + scores.synthetic.profile)
    profiles = [_profile(np.where(both, side.profile, np.nan)) for side in sides]
    ticks = [(24 * day + 12, name) for day, name in enumerate(_DAYS)]
    week = svg.lines(profiles[0], profiles[1], "Share of the week's records in each hour, percent", ticks)
    memory = [_plain(side.autocorrelation[: LAGS_H + 1]) for side in sides]
    lags = [(hour, f"{hour} h") for hour in (0, 12, 24, 36, 48)]
    acf = svg.lines(memory[0], memory[1], "Autocorrelation of hourly counts", lags)
    return (
        f"<h2>Time</h2>{_time_table(scores)}<h3>Hour of week, UTC, percent of the records</h3>{week}"
        f"<h3>Autocorrelation of hourly counts by lag</h3>{acf}"
    )


def _profile(values: object) -> list[float | None]:
    known = np.asarray(values, np.float64)
    return _plain(100 * known / np.nansum(known)) if np.nansum(known) > 0 else [None] * known.size


def _plain(values: object) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in np.asarray(values, np.float64)]


def _time_table(scores: TimeScores) -> str:
    ours, theirs, minutes = scores.real, scores.synthetic, scores.slot_minutes
    rows: Sequence[tuple[str, float | None, float | None]] = (
        ("days with records", ours.days, theirs.days),
        (f"dispersion of counts per {minutes} minutes", ours.dispersion, theirs.dispersion),
        ("dispersion around the weekly rhythm", ours.dispersion_around_profile, theirs.dispersion_around_profile),
        ("excess over Poisson, at any rate", ours.excess, theirs.excess),
        ("excess around the weekly rhythm", ours.excess_around_profile, theirs.excess_around_profile),
        ("autocorrelation, 1 h", ours.lag(1), theirs.lag(1)),
        ("autocorrelation, 24 h", ours.lag(24), theirs.lag(24)),
        ("autocorrelation, 168 h", ours.lag(168), theirs.lag(168)),
    )
    body = "".join(f"<tr><td>{name}<td class=n>{_shown(a)}<td class=n>{_shown(b)}</tr>" for name, a, b in rows)
    distances = (
        f"Distance of the hour-of-week profiles {_shown(scores.hour_of_week)} "
        f"(chance alone: {_shown(scores.hour_of_week_noise)}); of the hours of the day {_shown(scores.hour_of_day)} "
        f"({_shown(scores.hour_of_day_noise)}). 0 is the same, 1 has nothing in common."
    )
    return f"<table><tr><th><th>real<th>synthetic</tr>{body}</table><p>{distances}</p>"


def _left_out(found: Fidelity) -> str:
    rows = "".join(f"<tr><td>{escape(name)}<td>{escape(why)}</tr>" for name, why in found.tables.left_out.items())
    return f"<h2>Columns left out</h2><table>{rows}</table>" if rows else ""
