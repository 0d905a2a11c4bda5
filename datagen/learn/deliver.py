"""Files of learned records: check everything → folder → hour by hour, day by day → truth.

Time is cut into slots of five minutes, gathered into pieces of at most about DRAWN rows. A piece is made from streams of
its own, so that any day can be made alone, and memory grows with neither days nor rate.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from contracts.errors import DefinitionError
from datagen.arrivals import BLOCK_MS, BLOCKS_A_DAY, DAY_MS, SLOT_MS, SLOTS, SLOTS_A_DAY, weights
from datagen.behaviour import read_behaviour
from datagen.claim import check_folder, claim
from datagen.definitions import nearest
from datagen.felt import Felt
from datagen.files import CDR_FOLDER, write_whole
from datagen.incidents import Incident
from datagen.learn.dated import dated
from datagen.learn.fit import learn
from datagen.learn.model import DRAWN, LearnedModel
from datagen.learn.moments import hours_of_week
from datagen.learn.store import is_model, load, packed
from datagen.learn.strikes import placed, strike, with_causes
from datagen.learn.writer import Writer
from datagen.network import PROFILES
from datagen.room import Confirm, check_fits
from datagen.rotation import Rotation, rotation
from datagen.streams import Stream, Streams, streams
from datagen.table import Floats, Ints
from datagen.traffic.calendar import Clock
from datagen.traffic.noise import gamma
from datagen.traffic.profiles import Profile, read_profiles
from datagen.truth import truth_lines
from mediation.load import load_layouts

RATE = 10_000.0  # records a day, unless asked for otherwise
SAMPLE_PROFILE = "sample"
_FIRST_NUMBERS = 10**7  # running numbers that a day has for itself


@dataclass(slots=True)
class LearnedReport:
    """What was written. `layout` and `service`: of the files; empty where the sample's form is no layout of ours."""

    truth: Path
    layout: str
    service: str
    learned_rows: int
    profile: str
    files: int = 0
    rows: int = 0
    bytes: int = 0
    incidents: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class _Run:
    model: LearnedModel
    writer: Writer
    clock: Clock
    profile: Profile
    per_day: float
    hourly: float
    streams: Streams
    incidents: tuple[Incident, ...]
    rotation: Rotation
    felt: Felt = field(default_factory=Felt)


def generate_from(
    out: Path,
    source: Path | LearnedModel | Sequence[Path],
    *,
    start: date,
    days: int,
    seed: int,
    rate: float | None = None,
    rotate: str = "1h",
    profile: str | None = None,
    incidents: Path | Sequence[Mapping[str, Any]] | None = None,
    layout: str | None = None,
    profiles: Path = PROFILES,
    confirm: Confirm | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> LearnedReport:
    """Writes `out/cdr/SERVICE/SERVICE-….csv` in the sample's own layout or its dated sibling, and `out/truth.ndjson`.

    `source`: a sample, or a model by its ending (`store.SUFFIXES`). `rate`: records on an average day. `profile`: when in the
    week; `sample` (default where it has times) or one of `profiles` (`mixed` otherwise). Parties are made up.
    Raises UserError, DefinitionError, LayoutError before the first byte.
    """
    began = time.monotonic()
    first = _checked(start, days, seed, rate)
    run = _prepared(source, first, days, seed, rate, rotate, profile, incidents, layout, profiles)
    name = run.model.form.service or "learned"
    request = _request(run, seed, profile)
    _check_room(out, run, days, confirm)
    check_folder(out, request)
    claim(out, request)
    used = profile or _usual(run.model)
    report = LearnedReport(out / "truth.ndjson", run.model.form.layout, run.model.form.service, run.model.rows, used)
    for number in range(first, first + days):
        _write_day(out / CDR_FOLDER / name, name, number, run, report)
        if progress is not None:
            progress(f"generate {name}", number - first + 1, days)
    written = [
        each for each in enumerate(run.incidents, 1) if each[1].overlaps(first * DAY_MS, (first + days) * DAY_MS)
    ]
    write_whole(report.truth, truth_lines(written, run.felt))
    report.incidents, report.seconds = len(written), time.monotonic() - began
    return report


def _checked(start: date, days: int, seed: int, rate: float | None) -> int:
    """The first day, since 1970. Raises DefinitionError."""
    if isinstance(days, bool) or not 1 <= days <= 36_600:
        raise DefinitionError(f"days {days!r} is not a whole number from 1 to 36600")
    if isinstance(seed, bool) or not 0 <= seed < 2**63:
        raise DefinitionError(f"seed {seed!r} is not a whole number from 0 to 2^63 - 1")
    if rate is not None and not 0 < rate <= 1e12:
        raise DefinitionError(f"rate {rate!r} is not a number of records a day above 0")
    first = (start - date(1970, 1, 1)) // timedelta(days=1)
    if first < 1:
        raise DefinitionError(f"start {start} is before 1970-01-02")
    return first


def _prepared(
    source: Path | LearnedModel | Sequence[Path],
    first: int,
    days: int,
    seed: int,
    rate: float | None,
    rotate: str,
    profile: str | None,
    incidents: Path | Sequence[Mapping[str, Any]] | None,
    layout: str | None,
    profiles: Path,
) -> _Run:
    turn = rotation(rotate)
    if not turn.by_time or turn.step % SLOT_MS:
        what = f"rotate {rotate!r}: files of learned records go by time, in steps of five minutes"
        raise DefinitionError(what, remedy="such as 15m, 1h or 1d")
    model = dated(_model(source, layout), load_layouts().values())
    chosen = _profile(model, profile or _usual(model), profiles)
    struck: tuple[Incident, ...] = ()
    if incidents is not None:
        begin, end = (datetime.fromtimestamp(day * DAY_MS / 1000, UTC) for day in (first, first + days))
        struck = placed(model, incidents, start=begin, end=end)
        model = with_causes(model, struck)
    zone = model.moments[0].zone if model.moments else "UTC"
    return _Run(
        model=model,
        writer=Writer(model),
        clock=Clock(ZoneInfo(zone)),
        profile=chosen,
        per_day=RATE if rate is None else rate,
        hourly=read_behaviour().noise.hourly,
        streams=streams(seed),
        incidents=struck,
        rotation=turn,
        felt=Felt.of(struck),
    )


def _model(source: Path | LearnedModel | Sequence[Path], layout: str | None) -> LearnedModel:
    if isinstance(source, LearnedModel):
        return source
    paths = [source] if isinstance(source, Path) else list(source)
    return load(paths[0]) if len(paths) == 1 and is_model(paths[0]) else learn(paths, layout)


def _usual(model: LearnedModel) -> str:
    return SAMPLE_PROFILE if model.week else "mixed"


def _profile(model: LearnedModel, wanted: str, path: Path) -> Profile:
    if wanted == SAMPLE_PROFILE:
        if not model.week:
            raise DefinitionError(
                "the sample has no times to take its week from", where="--profile", remedy="mixed, or another"
            )
        hours = np.array(model.week)
        return Profile(np.concatenate([hours, hours[144:]]))
    known = read_profiles(path)
    if wanted not in known:
        names = (SAMPLE_PROFILE, *known)
        raise DefinitionError(
            f"unknown profile {wanted!r}{nearest(wanted, names)}", remedy=f"one of {', '.join(names)}"
        )
    return known[wanted]


def _request(run: _Run, seed: int, profile: str | None) -> dict[str, Any]:
    """What two runs must agree in to share a folder. Days may differ: a folder can be filled day by day."""
    digest = hashlib.sha256(packed(run.model)).hexdigest()[:32]
    return {
        "seed": seed,
        "rotate_ms": run.rotation.step,
        "records_a_day": {run.model.form.service or "learned": run.per_day},
        "layouts": {run.model.form.service or "learned": run.model.form.layout},
        "learned": digest,
        "profile": profile or _usual(run.model),
        "incidents": [
            [each.id, each.type.name, str(each.place), each.start, each.end, each.strength, each.shape]
            for each in run.incidents
        ],
    }


def _check_room(out: Path, run: _Run, days: int, confirm: Confirm | None) -> None:
    """Raises UserError when it cannot fit, or would take much of the disk and nobody agrees."""
    rng = np.random.Generator(np.random.PCG64(1))
    octets = sum(map(len, run.writer.block(rng, 0, 1000))) / 1000 * run.per_day * days
    check_fits(out, run.per_day * days, octets, confirm)


# A day


def _write_day(folder: Path, name: str, number: int, run: _Run, report: LearnedReport) -> None:
    counted = 0
    rates = np.concatenate([_rates(run, number * BLOCKS_A_DAY + part) for part in range(BLOCKS_A_DAY)])
    counts = run.streams("learned", "arrivals", number).poisson(rates)
    slots = run.rotation.step // SLOT_MS
    for first in range(0, SLOTS_A_DAY, slots):
        begin = number * DAY_MS + first * SLOT_MS
        stamp = datetime.fromtimestamp(begin / 1000, UTC).strftime(run.rotation.stamp)
        path = folder / f"{name}-{stamp}.csv"
        pieces = _Counted(run, number, first, counts[first : first + slots], number * _FIRST_NUMBERS + counted)
        write_whole(path, iter(pieces))
        counted += pieces.rows
        report.files, report.rows, report.bytes = (
            report.files + 1,
            report.rows + pieces.rows,
            report.bytes + pieces.bytes,
        )


def _rates(run: _Run, block: int) -> Floats:
    """Expected records in each slot of a block."""
    rate = weights((run.profile, run.clock), block) * run.per_day / SLOTS_A_DAY
    noise = gamma(run.streams("learned", "noise", block), run.hourly, (1, BLOCK_MS // 3_600_000))[0]
    return np.asarray(rate * np.repeat(noise, SLOTS // noise.size))


def _groups(counts: Ints) -> Iterator[tuple[int, int]]:
    """Neighbouring slots together until they hold DRAWN records: first and last + 1."""
    first, rows = 0, 0
    for slot, some in enumerate(counts.tolist()):
        if rows and rows + some > DRAWN:
            yield first, slot
            first, rows = slot, 0
        rows += some
    yield first, counts.size


class _Counted:
    """The pieces of one file, counted as they are made. `first`: its first slot of the day; `number`: its first record's."""

    def __init__(self, run: _Run, day: int, first: int, counts: Ints, number: int) -> None:
        self.run, self.day, self.first, self.counts, self.number = run, day, first, counts, number
        self.rows = self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        yield self._told(self.run.writer.header)
        for first, last in _groups(self.counts):
            some = self.counts[first:last]
            rows = int(some.sum())
            begin = self.day * DAY_MS + (self.first + first) * SLOT_MS
            for part, done in enumerate(range(0, rows, DRAWN)):  # one part, but for a slot with more than DRAWN
                rng = self.run.streams("learned", "records", self.day, self.first + first, part)
                times = begin + _moments(rng, some, done, min(rows, done + DRAWN))
                yield from map(self._told, self._text(rng, times, (self.day, self.first + first, part)))

    def _told(self, piece: bytes) -> bytes:
        self.bytes += len(piece)
        return piece

    def _text(self, rng: Stream, times: Ints, part: tuple[int, int, int]) -> Iterator[bytes]:
        run = self.run
        hours = hours_of_week(times, run.clock.zone.key) if len(run.model.hourly) else None
        codes = run.model.codes(rng, times.size, hours)
        for position, touched in strike(run.model, run.incidents, codes, times, run.streams, part).items():
            run.felt.records[position] = run.felt.records.get(position, 0) + touched
        self.rows += times.size
        return run.writer.text(codes, times, self.number + self.rows - times.size, rng)


def _moments(rng: Stream, counts: Ints, begin: int, end: int) -> Ints:
    """Times of the records `begin` … `end`-1 of some slots, from the first slot's beginning, in order."""
    slot = np.repeat(np.arange(counts.size), counts)[begin:end]
    if counts.size > 1:
        return np.sort(slot * SLOT_MS + rng.integers(0, SLOT_MS, slot.size))
    share = SLOT_MS / counts[0]  # a slot in parts: each has its own stretch of it
    low, high = int(begin * share), max(int(begin * share) + 1, int(end * share))
    return np.sort(rng.integers(low, high, slot.size))
