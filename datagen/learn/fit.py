"""From a sample to its model: columns → what goes together → leaves → atoms → chances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path

import numpy as np

from contracts.errors import UserError
from datagen.learn.blocks import Exclusions, blocks, smooth
from datagen.learn.columns import GONE, Number, Variable, coarse, hinted, is_counter, spiked, variable
from datagen.learn.forest import leaves
from datagen.learn.model import GRID, HOUR_SLOTS, SLOTS, Form, LearnedModel, Written, salts
from datagen.learn.moments import Moment, hours_of_week, moments
from datagen.learn.rowtext import number_text
from datagen.learn.sample import Sample, read_sample
from datagen.streams import Stream
from datagen.table import MISSING, Flags, Floats, Ints
from mediation.layout import Layout

MOST_ROWS = 50_000  # of a sample that are fitted; more are thinned out evenly
_FINE = 1024  # codes that a number must span for its values to move between atoms
_LONE = 0.02  # share of a column's values over which the number of a lone row is spread
_HOUR_WIDTH = 1.5  # hours: how far records of one hour speak for another
_OTHER_DAYS = 0.25  # how much an hour of another kind of day (working day, Saturday, Sunday) counts
_PRIOR = 20.0  # records: with fewer in an hour, the whole week speaks too
_DAY_MS = 86_400_000


def learn(
    paths: Sequence[Path], layout: str | None = None, *, seed: int = 1, layouts: Mapping[str, Layout] | None = None
) -> LearnedModel:
    """The model of CSV samples of one layout. The same samples and seed give the same model.

    Raises UserError, LayoutError as `read_sample`; UserError when every column is an identifier, a time or empty.
    """
    return fit(read_sample(paths, layout, layouts), seed=seed, where=", ".join(map(str, paths)))


def fit(sample: Sample, *, seed: int = 1, where: str = "sample") -> LearnedModel:
    """See `learn`."""
    cells = _thinned(sample.cells, sample.rows)
    found = moments(cells, sample.layout)
    cells, found = _dated(cells, found)
    if len(next(iter(cells.values()))) < 2:
        raise UserError("fewer than 2 records have a time", where=where, remedy="give a longer sample")
    variables, columns = _described(cells, found, sample)
    if not variables:
        raise UserError(
            "has no column that can be learned: only times and running numbers",
            where=where,
            remedy="give whole records",
        )
    grouped = blocks(variables)
    hours = hours_of_week(found[0][1], found[0][0].zone) if found else None
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, variables[0].codes.size])))
    trees = leaves(variables, hours, Exclusions(variables, grouped), seed)
    flat = [leaf for tree in trees for leaf in tree]
    base, reach = _atoms(variables, grouped, flat, rng)
    times = found[0][1] if found else np.zeros(0, np.int64)
    return LearnedModel(
        form=Form(columns, sample.separator, sample.preamble, *_named(sample.layout)),
        names=tuple(each.name for each in variables),
        kinds=tuple(each.kind for each in variables),
        blocks=grouped,
        base=base,
        reach=reach,
        slots=_slots(np.array([leaf.size for leaf in flat], float), SLOTS),
        hourly=_hourly(trees, hours),
        moments=tuple(moment for moment, _ in found),
        copies=_copies(variables),
        rows=sample.rows,
        start=int(times.min()) // _DAY_MS * _DAY_MS if times.size else 0,
        per_day=_per_day(times, sample.rows),
        seed=seed,
        fields={name: hint.field for name, hint in sample.hints.items() if hint.field},
        week=_week(hours),
    )


def _named(layout: Layout | None) -> tuple[str, str]:
    return (layout.name, layout.services[0]) if layout else ("", "")


def _thinned(cells: Mapping[str, list[str]], rows: int) -> dict[str, list[str]]:
    if rows <= MOST_ROWS:
        return dict(cells)
    kept = np.linspace(0, rows - 1, MOST_ROWS).astype(int).tolist()
    return {name: [column[row] for row in kept] for name, column in cells.items()}


Timed = list[tuple[Moment, Ints]]


def _dated(cells: dict[str, list[str]], found: Timed) -> tuple[dict[str, list[str]], Timed]:
    """Only the rows that have the time by which they belong."""
    if not found:
        return cells, found
    rows = np.flatnonzero(found[0][1] != MISSING)
    if rows.size == found[0][1].size:
        return cells, found
    kept = rows.tolist()
    return (
        {name: [column[row] for row in kept] for name, column in cells.items()},
        [(moment, values[rows]) for moment, values in found],
    )


def _per_day(times: Ints, rows: int) -> float:
    span = int(np.ptp(times)) if times.size > 1 else 0
    return rows * _DAY_MS / max(span, 3_600_000) if times.size > 1 else 0.0


# Columns


def _described(
    cells: Mapping[str, list[str]], found: Timed, sample: Sample
) -> tuple[list[Variable], tuple[Written, ...]]:
    """What is drawn, and how each column of the file is written from it."""
    clocks = {
        name: Written(name, "clock", place, pattern=pattern)
        for place, (moment, _) in reversed(list(enumerate(found)))
        for name, pattern in zip(moment.columns, moment.patterns, strict=True)
    }
    variables = [_offset(moment, values, found[0][1]) for moment, values in found[1:]]
    columns: list[Written] = []
    for name, texts in cells.items():
        column = clocks.get(name) or _counted(name, texts, sample.layout)
        if column is None:
            hint = sample.hints.get(name)
            personal = hint is not None and hint.pii != "keep"
            made = variable(name, texts, hint=hinted(hint.field, hint.type) if hint else "", personal=personal)
            column = _between(made, found)
            if column is None:
                column = Written(name, "value", len(variables))
                variables.append(made)
        columns.append(column)
    return variables, tuple(columns)


def _counted(name: str, texts: list[str], layout: Layout | None) -> Written | None:
    paced = layout is not None and layout.paced is not None and layout.paced.paced_by == name
    return Written(name, "counter") if paced or is_counter(texts) else None


def _offset(moment: Moment, values: Ints, main: Ints) -> Variable:
    """A further time as the ms from the deciding one."""
    shift = np.where(values == MISSING, 0, values - main)
    texts = ["" if value == MISSING else str(each) for value, each in zip(values.tolist(), shift.tolist(), strict=True)]
    made = variable(moment.field, texts, hint="measure")
    if isinstance(made.kind, Number):
        return made
    only = int(next((text for text in texts if text), "0"))  # one offset in all rows, or none
    kind = Number(only, 1, 0, 0, 0, "", (0,))
    return Variable(moment.field, kind, np.where(values == MISSING, GONE, 0))


def _between(made: Variable, found: Timed) -> Written | None:
    """A number that is the time between two moments of its record, in seconds, wherever both are there."""
    kind = made.kind
    if not isinstance(kind, Number) or len(found) < 2:
        return None
    value = (kind.origin + made.codes * kind.step) / 10**kind.places
    unit = 10.0**-kind.places
    apart = (
        unit if all(moment.step >= 1000 * unit for moment, _ in found) else 0.5 * unit
    )  # cut-off seconds differ by one
    for (late, (_, end)), (early, (_, begin)) in permutations(enumerate(found), 2):
        there = (end != MISSING) & (begin != MISSING)
        elsewhere = np.unique(made.codes[~there])
        exact = np.abs((end - begin) / 1000 - value)[there] <= apart + 1e-9
        if there.sum() > 1 and elsewhere.size <= 1 and exact.all() and (made.codes[there] != GONE).all():
            nothing = number_text(kind, int(elsewhere[0])) if elsewhere.size else ""
            number = Number(0, 1, kind.places, kind.least, 10**12, nothing, ())
            return Written(made.name, "span", late, early, number=number)
    return None


# Atoms


def _atoms(
    variables: Sequence[Variable], grouped: Sequence[Sequence[int]], flat: Sequence[Ints], rng: Stream
) -> tuple[np.ndarray, tuple[np.ndarray | None, ...]]:
    wide = any(isinstance(each.kind, Number) and each.kind.top >= 1 << 22 for each in variables)
    kind = np.int64 if wide else np.int32
    base = np.empty((len(variables), len(flat) * GRID), kind)
    reach: list[np.ndarray | None] = [
        np.zeros(len(flat) * GRID, kind) if isinstance(each.kind, Number) and each.kind.top >= _FINE else None
        for each in variables
    ]
    fixed = [~smooth(each) for each in variables]
    for block in grouped:
        ranks = _ranks(variables, block, fixed)
        for number, leaf in enumerate(flat):
            part = slice(number * GRID, (number + 1) * GRID)
            _leaf_atoms(
                variables, block, fixed, leaf[np.argsort(ranks[leaf] + rng.random(leaf.size))], base, reach, part, rng
            )
    return base, tuple(reach)


def _ranks(variables: Sequence[Variable], block: Sequence[int], fixed: Sequence[Flags]) -> Floats:
    """Order in which a block's rows are neighbours: by the sum of ranks of its numbers; none where it has no number."""
    total = np.zeros(variables[0].codes.size)
    for place in block:
        if isinstance(variables[place].kind, Number):
            values, at = np.unique(variables[place].codes, return_inverse=True)
            total += 2.0 * at * (total.size / max(1, values.size))
    return total


def _leaf_atoms(
    variables: Sequence[Variable],
    block: Sequence[int],
    fixed: Sequence[Flags],
    rows: Ints,
    base: np.ndarray,
    reach: Sequence[np.ndarray | None],
    part: slice,
    rng: Stream,
) -> None:
    """Atoms of one block in one leaf: GRID points along its rows in order, between two neighbours where both may move."""
    last = rows.size - 1
    step = rows.size / GRID
    begin = (np.arange(GRID) + rng.random(GRID) * 0.5) * step - 0.5
    low, below = _between_rows(begin, last)
    high, above = _between_rows(begin + 0.5 * step, last)
    for place in block:
        each, firm = variables[place], fixed[place]
        start = _moved(each.codes, firm, rows, low, below)
        if rows.size < 3 and len(block) == 1 and isinstance(each.kind, Number):
            start = _spread(each, firm, rows[low], start, rng)
        base[place, part] = start
        far = reach[place]
        if far is not None:
            end = _moved(each.codes, firm, rows, high, above)
            both = ~(spiked(each.kind, start) | spiked(each.kind, end)) if isinstance(each.kind, Number) else False
            far[part] = np.where(both & (rows.size > 2), end - start, 0)


def _between_rows(position: Floats, last: int) -> tuple[Ints, Floats]:
    held = np.clip(position, 0, last)
    below = np.minimum(held.astype(np.int64), max(0, last - 1))
    return below, held - below


def _moved(codes: Ints, firm: Flags, rows: Ints, below: Ints, share: Floats) -> Ints:
    """Codes between neighbours; where one of the two is a spike, a word or missing, the nearer one's own."""
    first, second = rows[below], rows[np.minimum(below + 1, rows.size - 1)]
    nearer = np.where(share < 0.5, codes[first], codes[second])
    between = np.rint(codes[first] + share * (codes[second] - codes[first])).astype(np.int64)
    return np.where(firm[first] | firm[second], nearer, between)


def _spread(each: Variable, firm: Flags, rows: Ints, start: Ints, rng: Stream) -> Ints:
    """Numbers of a row that has no like, moved among the sample's values next to them."""
    values = np.sort(each.codes[~firm])
    if values.size < 3:
        return start
    place = np.searchsorted(values, start) + rng.uniform(-1, 1, start.size) * max(2.0, _LONE * values.size)
    moved = np.rint(np.interp(place, np.arange(values.size), values)).astype(np.int64)
    return np.where(firm[rows], start, moved)


# Chances


def _slots(weights: Floats, size: int) -> np.ndarray:
    """Places by chance: `size` of them, each place as often as its weight."""
    edges = np.cumsum(weights / weights.sum())
    middle = (np.arange(size) + 0.5) / size
    return np.minimum(np.searchsorted(edges, middle), weights.size - 1).astype(np.int32)


def _hourly(trees: Sequence[Sequence[Ints]], hours: Ints | None) -> np.ndarray:
    """Leaves by the hour of the week: records count by how near their own hour is, and all of them a little."""
    if hours is None or np.unique(hours).size < 2:
        return np.zeros((0, HOUR_SLOTS), np.int32)
    flat = [leaf for tree in trees for leaf in tree]
    member = np.concatenate(flat)
    owner = np.repeat(np.arange(len(flat)), [leaf.size for leaf in flat])
    return np.stack([_hour_slots(hour, hours, member, owner, len(flat)) for hour in range(168)])


def _hour_slots(hour: int, hours: Ints, member: Ints, owner: Ints, count: int) -> np.ndarray:
    apart = np.abs(hours % 24 - hour % 24)
    near = np.exp(-0.5 * (np.minimum(apart, 24 - apart) / _HOUR_WIDTH) ** 2)
    near *= np.where(_day_kind(hours) == _day_kind(np.array(hour)), 1.0, _OTHER_DAYS)
    weight = near + _PRIOR / (_PRIOR + near.sum()) * near.sum() / hours.size + 1e-9
    return _slots(np.bincount(owner, weight[member], count).astype(np.float64), HOUR_SLOTS)


def _week(hours: Ints | None) -> tuple[float, ...]:
    """Relative rate of each hour; where records are few, the hour of the day on all days of its kind, and on all days, speaks."""
    if hours is None:
        return ()
    every = np.arange(168)
    counts = np.bincount(hours, minlength=168).astype(float)
    day = np.bincount(hours % 24, minlength=24) + 0.5
    hourly = day[every % 24] / day.sum()
    seen = np.bincount(hours // 24, minlength=7).astype(float)
    seen[seen == 0] = seen[seen > 0].mean()  # a weekday that the sample has not is like the others
    expected = hourly * seen[every // 24]
    found = counts + _PRIOR * expected / expected.mean()
    found *= expected.sum() / found.sum()
    return tuple((found / found.mean()).round(6).tolist())


def _day_kind(hours: Ints) -> Ints:
    return np.maximum(0, hours // 24 - 4)


def _copies(variables: Sequence[Variable]) -> np.ndarray:
    """Hashes of the rows with at least one number that could be another, numbers rounded."""
    free = np.zeros(variables[0].codes.size, bool)
    for each in variables:
        free |= smooth(each)
    factor = salts([each.kind for each in variables])
    marks = np.zeros(free.size, np.uint64)
    for each, salt in zip(variables, factor, strict=True):
        said = coarse(each.kind, each.codes) if isinstance(each.kind, Number) else each.codes
        marks += said.astype(np.uint64) * salt
    return np.unique(marks[free])
