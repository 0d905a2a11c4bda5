"""Tail probabilities of the three models, their inverses, and the score made from them.

Score: 0–100, high is anomalous. With L = −log10 of the probability that quiet traffic deviates as far or further,
score = 15 L up to L = 5, then 75 + 25 (1 − e^−(L − 5)/5). So 75 means one false bucket in 100,000, 60 one in 10,000,
45 one in 1,000; L = 10 gives 90.8. A test holds these rates on simulated quiet data.

Variances (the same two numbers for every model, kept in the baseline):
    count       Var x      = within · μ + between · μ²          negative binomial, within = 1
    ratio       Var x/n    = p(1 − p) (within / n + between)    beta-binomial of n / within trials
    continuous  Var y      = within / n + between               Student's t of `tail` degrees of freedom
`between` is what more samples do not remove, and holds the uncertainty of the expected value as well.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
KNEE = 5.0  # −log10 of the false alarm rate that a score of 75 states
SCORE_AT_KNEE = 75.0
MOST = 300.0  # −log10 of the smallest double; beyond it a probability is 0
_LEAST_BETWEEN = 1e-9
_NO_BURSTS = 1e5  # degrees of freedom from which on a tail is normal
_RARE = 0.02  # below this the exact tail of the beta-binomial is summed
_TERMS = 5000


class Tails(NamedTuple):
    """`low`: P(value ≤ seen), `high`: P(value ≥ seen), both under the baseline."""

    low: Floats
    high: Floats


def score_of(surprise: Floats) -> Floats:
    """Score 0–100 of −log10 p; NaN stays NaN."""
    beyond = SCORE_AT_KNEE + (100 - SCORE_AT_KNEE) * -np.expm1(-(np.maximum(surprise, KNEE) - KNEE) / KNEE)
    return np.where(surprise < KNEE, SCORE_AT_KNEE / KNEE * np.maximum(surprise, 0.0), beyond)


def surprise_of(score: float) -> float:
    """−log10 p of a score below 100; the reverse of `score_of`."""
    if score <= SCORE_AT_KNEE:
        return score * KNEE / SCORE_AT_KNEE
    return KNEE - KNEE * float(np.log1p(-(score - SCORE_AT_KNEE) / (100 - SCORE_AT_KNEE)))


def surprise(probability: Floats) -> Floats:
    """−log10 p, at most 300; NaN stays NaN."""
    with np.errstate(divide="ignore"):
        return np.minimum(-np.log10(np.clip(probability, 0.0, 1.0)), MOST)


def count_tails(seen: Floats, mean: Floats, between: Floats) -> Tails:
    """Negative binomial of mean `mean` and variance mean + between · mean² (Poisson where between is 0)."""
    shape = 1.0 / np.maximum(between, _LEAST_BETWEEN)
    mean = np.maximum(mean, 1e-12)
    whole = np.floor(seen + 1e-9)
    low = special.betainc(shape, whole + 1.0, shape / (shape + mean))
    high = np.where(whole > 0, special.betainc(np.maximum(whole, 1.0), shape, mean / (shape + mean)), 1.0)
    return Tails(low, np.where(np.isnan(whole), np.nan, high))


def effective_samples(samples: Floats, within: Floats, between: Floats) -> Floats:
    """Independent samples worth as much as `samples` with this dispersion (design effect); at most `samples`."""
    with np.errstate(divide="ignore"):
        return np.minimum(1.0 / (within / samples + between), samples)


def ratio_tails(part: Floats, samples: Floats, mean: Floats, within: Floats, between: Floats) -> Tails:
    """Beta-binomial tails; NaN where there are no samples. `within` deflates the samples (packets of one call hang together).

    The binomial at the effective sample size is exact without over-dispersion and cheap; where it says "rare", the
    beta-binomial's longer tail is summed, term by term, so that rare is not called rarer than it is.
    """
    part, samples, mean, within, between = np.broadcast_arrays(part, samples, mean, within, between)
    trials = np.where(samples > 0, samples / np.maximum(within, 1e-9), np.nan)
    hits = np.clip(part / np.where(samples > 0, samples, np.nan), 0.0, 1.0) * trials
    mean = np.clip(mean, 1e-9, 1 - 1e-9)
    low = _binomial_low(hits, trials, mean, between)
    high = _binomial_low(trials - hits, trials, 1.0 - mean, between)
    return Tails(low, high)


def bursts(
    tails: Tails, part: Floats, samples: Floats, mean: Floats, within: Floats, between: Floats, tail: Floats
) -> Tails:
    """Beta-binomial tails, no thinner than Student's t with `tail` degrees of freedom: what comes in bursts strays further."""
    spread = np.sqrt(mean * (1 - mean) * (within / samples + between))
    distance = (part / samples - mean) / np.maximum(spread, 1e-18)
    heavy = tail < _NO_BURSTS
    return Tails(
        np.where(heavy, np.maximum(tails.low, special.stdtr(tail, distance)), tails.low),
        np.where(heavy, np.maximum(tails.high, special.stdtr(tail, -distance)), tails.high),
    )


def _binomial_low(hits: Floats, trials: Floats, mean: Floats, between: Floats) -> Floats:
    """P(hits or fewer)."""
    worth = effective_samples(trials, np.ones_like(trials), between)
    seen = hits / trials * worth
    low = np.where(
        seen < worth, special.betainc(np.maximum(worth - seen, 1e-9), seen + worth / trials, 1.0 - mean), 1.0
    )
    low = np.where(np.isnan(hits) | np.isnan(mean), np.nan, low)
    with np.errstate(invalid="ignore"):
        rare = (low < _RARE) & (between > _LEAST_BETWEEN)
    if rare.any():
        exact = _beta_binomial_low(hits[rare], trials[rare], mean[rare], between[rare])
        low[rare] = np.clip(exact, low[rare], _RARE)  # bounded by _RARE, so that a worse ratio never scores less
    return low


def _beta_binomial_low(hits: Floats, trials: Floats, mean: Floats, between: Floats) -> Floats:
    """Sum of the beta-binomial's terms from `hits` downwards, until what is left cannot matter."""
    between = np.minimum(between, 0.5)
    success, failure = mean * (1 / between - 1), (1 - mean) * (1 / between - 1)
    hits = np.minimum(hits, trials)
    first = (
        special.gammaln(trials + 1)
        - special.gammaln(hits + 1)
        - special.gammaln(trials - hits + 1)
        + special.betaln(hits + success, trials - hits + failure)
        - special.betaln(success, failure)
    )
    at, term, total = hits.copy(), np.ones_like(hits), np.ones_like(hits)
    for _ in range(_TERMS):
        term = np.where(
            at >= 1, term * at / (trials - at + 1) * (trials - at + failure) / np.maximum(at - 1 + success, 1e-300), 0.0
        )
        total += term
        at = at - 1
        if (term <= 1e-4 * total).all():
            break
    return np.asarray(np.minimum(np.exp(first) * total, 1.0), dtype=float)


def continuous_tails(seen: Floats, mean: Floats, variance: Floats, tail: Floats) -> Tails:
    """Student's t tails of (seen − mean) / √variance with `tail` degrees of freedom."""
    distance = (seen - mean) / np.sqrt(np.maximum(variance, 1e-18))
    return Tails(special.stdtr(tail, distance), special.stdtr(tail, -distance))


def count_bounds(mean: Floats, between: Floats, outside: float) -> tuple[Floats, Floats]:
    """Lowest and highest count that is normal: `outside` is the probability beyond each."""
    shape = 1.0 / np.maximum(between, _LEAST_BETWEEN)
    # Gamma quantiles of the rate widened by Poisson noise: one Cornish-Fisher step, exact to a count where it matters.
    sd = np.sqrt(mean + mean**2 / shape)
    skew = (1 + 2 * mean / shape) / np.maximum(sd, 1e-12)
    z = float(special.ndtri(1 - outside))
    shift = skew * (z**2 - 1) / 6
    return np.maximum(np.floor(mean + sd * (-z + shift)), 0.0), np.ceil(mean + sd * (z + shift))


def ratio_bounds(
    samples: Floats, mean: Floats, within: Floats, between: Floats, outside: float
) -> tuple[Floats, Floats]:
    """Lowest and highest ratio that is normal at this many samples."""
    samples = np.maximum(samples, 1.0)
    worth = np.maximum(effective_samples(samples, within, between), 1e-3)
    mean = np.clip(mean, 1e-9, 1 - 1e-9)
    low = special.betaincinv(worth * mean, worth * (1 - mean), outside)
    high = special.betaincinv(worth * mean, worth * (1 - mean), 1 - outside)
    # One sample outwards: ratios of whole samples come in steps.
    return np.maximum(low - 1 / samples, 0.0), np.minimum(high + 1 / samples, 1.0)


def continuous_bounds(mean: Floats, variance: Floats, tail: Floats, outside: float) -> tuple[Floats, Floats]:
    """Lowest and highest value that is normal, on the scale of `mean`."""
    reach = -special.stdtrit(tail, outside) * np.sqrt(variance)
    return mean - reach, mean + reach
