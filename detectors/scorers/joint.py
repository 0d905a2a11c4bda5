"""The KPIs of one entity together: an hour in which each strays a little, and all of them as they never do by themselves.

What the last hour of each KPI says, as a standard normal would say it (`running.normal_scores`), makes a vector. How quiet hours
make these hang together is learned with shrinkage (Ledoit and Wolf, J. Multivariate Analysis 88, 2004), and the squared
Mahalanobis distance is held against Fisher's F with a tail as long as quiet hours show: K · F(K, ν). A KPI that cannot be judged
in an hour is left out of it.

Only what strays in the bad direction counts: parts of the distance that good news makes do not. Scores are cut at `MOST`: what
one KPI shows alone is told by that KPI alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from contracts.entities import Entity
from detectors.panel import Bools, Floats
from detectors.scorers.running import LOOKS
from detectors.tails import score_of, surprise

LEAST_KPIS = 3  # two together say little that one does not
LEAST_HOURS = 10  # complete quiet hours per KPI, to learn how they hang together
MOST = 4.5  # standard deviations
QUIET = 3.5  # hours with more are not learned from
OWN = 0.05  # part of each KPI that the others cannot know: two that say nearly the same are not held to the hair
TAILS = (1000.0, 100.0, 50.0, 30.0, 20.0, 15.0, 10.0, 8.0, 6.0, 5.0, 4.0)
_RARE = 1e-3  # quantile at which the tail is fitted,
_SLACK = 2.0  # and reached at most so many times as often


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """How the KPIs of one entity hang together in quiet hours. `covariance`: (KPIs, KPIs) of normal scores."""

    service: str
    entity: Entity
    kpis: tuple[str, ...]
    covariance: Floats
    tail: float


def learn(service: str, entity: Entity, kpis: tuple[str, ...], vectors: Floats) -> tuple[Joint, Floats] | None:
    """From quiet hours, `vectors` of shape (hours, KPIs), NaN: not judged; and their squared distances, for `tail_of`.

    None where too few hours judge all KPIs.
    """
    from sklearn.covariance import LedoitWolf  # takes a second to import, and only training needs it

    whole = vectors[np.isfinite(vectors).all(axis=1)]
    quiet = whole[(np.abs(whole) <= QUIET).all(axis=1)]
    if len(kpis) < LEAST_KPIS or len(quiet) < LEAST_HOURS * len(kpis):
        return None
    fitted = np.asarray(LedoitWolf(assume_centered=True).fit(quiet).covariance_, dtype=float)
    spread = np.sqrt(np.diag(fitted))
    together = fitted / np.outer(spread, spread) * (1 - OWN) + np.diag(np.full(len(kpis), OWN))
    # A margin says itself how far it strays: one that strayed less so far is not taken to be surer than that.
    wide = np.maximum(spread, 1.0)
    joint = Joint(service, entity, kpis, together * np.outer(wide, wide), TAILS[-1])
    return joint, contributions(joint, np.clip(whole, -MOST, MOST)).sum(axis=1)


def tail_of(squared: list[Floats], sizes: list[int]) -> float:
    """ν of all entities together: the longest tail that is needed for quiet hours to be as rare as it says."""
    total = sum(len(one) for one in squared)
    for tail in TAILS:
        beyond = sum(
            int((special.fdtrc(size, tail, one / size) < _RARE).sum()) for one, size in zip(squared, sizes, strict=True)
        )
        if beyond <= _SLACK * _RARE * total:
            return tail
    return TAILS[-1]


def score(joint: Joint, vectors: Floats, bad: Floats) -> Floats:
    """0–100 per row of `vectors` (looks, KPIs); NaN where fewer than three KPIs are judged.

    `bad`: +1 where high is bad, −1 where low is, 0 where both are, per KPI.
    """
    vectors = np.clip(vectors, -MOST, MOST)
    judged = np.isfinite(vectors).sum(axis=1)
    shares = contributions(joint, vectors)
    with np.errstate(invalid="ignore"):
        worse = np.where((bad == 0) | (np.sign(vectors) == bad), shares, 0.0).sum(axis=1)
    squared = shares.sum(axis=1)
    size = np.maximum(judged, 1)
    rare = special.fdtrc(size, joint.tail, squared / size)
    found = np.where(worse >= 0.5 * squared, score_of(np.maximum(surprise(rare) - LOOKS, 0.0)), 0.0)
    return np.where(judged >= LEAST_KPIS, found, np.nan)


def contributions(joint: Joint, vectors: Floats) -> Floats:
    """Which part of the squared distance each KPI makes, shape as `vectors`; 0 of one that is not judged."""
    found = np.zeros(vectors.shape)
    for judged, rows in _patterns(np.isfinite(vectors)):
        if judged.any():
            part = vectors[np.ix_(rows, judged)]
            inverse = np.linalg.inv(joint.covariance[np.ix_(judged, judged)])
            found[np.ix_(rows, judged)] = part * (part @ inverse)
    return found


def _patterns(judged: Bools) -> list[tuple[Bools, Bools]]:
    """(KPIs that are judged, rows where exactly these are)."""
    kinds, which = np.unique(judged, axis=0, return_inverse=True)
    return [(kind, which.reshape(-1) == number) for number, kind in enumerate(kinds)]
