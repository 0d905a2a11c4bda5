"""What could be seen at all: a likelihood-ratio test that knows when, where and which KPI, and the true quiet parameters.

For a known place and time the most powerful test of "quiet" against "this incident" looks at the sum over the incident so
far (Neyman and Pearson 1933). The days of the incident are made with it alone and without it, from the same seed: what differs is
its work and nothing else, and is laid on what is usual, so that luck neither helps nor hides it.
It is made at the rate of false alarms at which the detector decides (`decisions.RUNNING`), for every KPI at the place and at
the service, from the true start and from a quarter and half of the way (for what grows). An incident is visible when one of
them reaches that before the incident is over; `after_s` is when. An oracle that joined several KPIs would see a little more.

    counts      negative binomial around the count without the incident, with the generator's own noise as over-dispersion
    ratios      binomial around the ratio of the whole quiet run; both legs of a call count half
    delays      binomial of the samples above the quiet run's 80th percentile
    qualities   normal around the quiet run's mean, with the variance between its buckets
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from datagen.behaviour import read_behaviour
from datagen.incidents import Incident
from detectors.bench.tables import Counts
from detectors.bench.world import World, days_of
from detectors.decisions import RUNNING
from detectors.panel import Floats, Ints
from detectors.tails import count_tails, ratio_tails, surprise, surprise_of
from kpis.definitions import Definition
from kpis.parts import BASE_MS

SURE = surprise_of(RUNNING.extreme)
_SHARE = 0.8
_STARTS = (0.0, 0.25, 0.5)  # of the incident's time
_PLAIN = ("voip.asr", "voip.ner", "sms.delivery_ratio", "epc.abnormal_release_ratio")  # one trial a record
_PAIRS = ("voip.jitter_within_target",)  # two trials a call that hang together


@dataclass(frozen=True, slots=True)
class Seen:
    """`surprise`: highest −log10 p that any test reached; `after_s`: seconds until the first reached SURE, None: never."""

    surprise: float
    after_s: float | None
    where: str

    @property
    def visible(self) -> bool:
        return self.after_s is not None


def look(world: World, incident: Incident) -> Seen:
    """What the oracle sees of one incident."""
    struck, quiet = pair(world, incident)
    best, after, where = 0.0, None, ""
    first = (incident.start - struck.first_ms) // BASE_MS
    last = min(-(-(incident.end - struck.first_ms) // BASE_MS) + 1, struck.buckets)
    places = [str(incident.place), f"service:{incident.service}"]
    for definition in world.definitions.values():
        for place in places:
            if definition.service != incident.service or place.partition(":")[0] not in definition.dimensions:
                continue
            row = struck.entities.index(place)
            for share in _STARTS:
                start = first + int(share * (last - first))
                found = _surprise(definition, struck, quiet, world.without[incident.service], row, slice(start, last))
                if found is None or not len(found):
                    continue
                if found.max() > best:
                    best, where = float(found.max()), f"{definition.alias} of {place}"
                sure = np.flatnonzero(found >= SURE)
                if len(sure):
                    moment = ((start + int(sure[0]) + 1) * BASE_MS + struck.first_ms - incident.start) / 1000
                    after = moment if after is None else min(after, moment)
    return Seen(round(best, 1), after, where)


def _surprise(one: Definition, struck: Counts, quiet: Counts, usual: Counts, row: int, when: slice) -> Floats | None:
    """−log10 p of the sums from the first bucket of `when` to each; None for KPIs that this oracle leaves alone.

    `struck`, `quiet`: the days with the incident and without; `usual`: the whole quiet run.
    """
    if one.kind == "percentile":
        return _of_delay(one, struck, quiet, usual, row, when)
    now, was = _sums(one, struck, row, when), _sums(one, quiet, row, when)
    if one.kind == "count":
        noise = read_behaviour().noise
        between = np.full_like(now.part, noise.hourly**2 + noise.daily**2 + noise.slow**2)
        tails = count_tails(now.part, was.part, between)
        return surprise(2 * np.minimum(tails.low, tails.high))
    whole = usual.tallies[one.id].sums
    ratio = float(whole["numerator"][row].sum() / max(whole["denominator"][row].sum(), 1.0))
    if one.id in (*_PLAIN, *_PAIRS):
        return _of_ratio(_shifted(now, was, ratio), now.whole, ratio, worth=0.5 if one.id in _PAIRS else 1.0)
    if (one.kind == "mean" and one.id != "voip.acd") or one.id == "voip.packet_loss":
        return _of_mean(one, usual, row, now, was, ratio)
    return None


class _Sums(NamedTuple):
    """Running sums of numerator, denominator and samples."""

    part: Floats
    whole: Floats
    samples: Floats


def _sums(one: Definition, counts: Counts, row: int, when: slice) -> _Sums:
    sums = counts.tallies[one.id].sums
    return _Sums(*(np.cumsum(sums[name][row, when]) for name in ("numerator", "denominator", "samples")))


def _shifted(now: _Sums, was: _Sums, ratio: float) -> Floats:
    """What the numerator would be if all but the incident's work were as usual."""
    quiet = np.where(was.whole > 0, was.part / np.maximum(was.whole, 1e-9), ratio)
    return np.clip(now.part + (ratio - quiet) * now.whole, 0.0, now.whole)


def pair(world: World, incident: Incident) -> tuple[Counts, Counts]:
    """Counts of the days of an incident, of its service, with it alone and without it."""
    return days_of(world, incident, alone=True), days_of(world, incident, alone=False)


def _of_ratio(hits: Floats, trials: Floats, ratio: float, *, worth: float) -> Floats:
    one = np.ones_like(trials)
    tails = ratio_tails(hits * worth, trials * worth, ratio * one, one, 0 * one)
    return np.nan_to_num(surprise(2 * np.fmin(tails.low, tails.high)))


def _of_delay(one: Definition, struck: Counts, quiet: Counts, usual: Counts, row: int, when: slice) -> Floats:
    """Of the samples above the usual 80th percentile."""
    entity, _, index = np.concatenate(usual.tallies[one.id].bins, axis=1)
    edge = float(np.quantile(index[entity == row], _SHARE))
    ratio = float((index[entity == row] > edge).mean())
    now, was = (_above(counts.tallies[one.id].bins, row, when, edge) for counts in (struck, quiet))
    return _of_ratio(_shifted(now, was, ratio), now.whole, ratio, worth=1.0)


def _above(bins: list[Ints], row: int, when: slice, edge: float) -> _Sums:
    entity, bucket, index = np.concatenate(bins, axis=1)
    own = (entity == row) & (bucket >= when.start) & (bucket < when.stop)
    size, place = when.stop - when.start, bucket[own] - when.start
    over, whole = (
        np.cumsum(np.bincount(place, weights=weights.astype(float), minlength=size)).astype(float)
        for weights in (index[own] > edge, np.ones(own.sum()))
    )
    return _Sums(over, whole, whole)


def _of_mean(one: Definition, usual: Counts, row: int, now: _Sums, was: _Sums, ratio: float) -> Floats:
    """Normal test of the mean since the start; the variance of a sample is that between the quiet run's buckets."""
    sums = usual.tallies[one.id].sums
    part, whole, samples = (sums[name][row] for name in ("numerator", "denominator", "samples"))
    used = samples >= 1
    variance = float(np.mean((part[used] / whole[used] - ratio) ** 2 * samples[used]))
    means = [np.where(one.whole > 0, one.part / np.maximum(one.whole, 1e-9), ratio) for one in (now, was)]
    distance = (means[0] - means[1]) / np.sqrt(max(variance, 1e-18) / np.maximum(now.samples, 1.0))
    return surprise(2 * special.ndtr(-np.abs(distance)))
