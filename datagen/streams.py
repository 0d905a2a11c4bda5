"""Randomness by name: the same seed and the same name give the same numbers, whoever asks and in whatever order."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from datagen.table import Floats, Ints

Stream = np.random.Generator
Streams = Callable[..., Stream]


def streams(seed: int) -> Streams:
    """A function from parts of a name (text or whole numbers ≥ 0) to an independent generator."""

    def stream(*name: str | int) -> Stream:
        words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in name]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))

    return stream


def mixed(numbers: Ints, salt: int) -> Ints:
    """Whole numbers scattered one to one over 63 bits (SplitMix64's finisher without the sign bit); 2 in 2^63 clash."""
    z = numbers.astype(np.uint64) + np.uint64((salt * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(1)).astype(np.int64)


def pick(rng: Stream, shares: Floats, size: int) -> Ints:
    """`size` indices drawn with the given shares."""
    edges = np.cumsum(shares / shares.sum())
    return np.searchsorted(edges[:-1], rng.random(size), side="right").astype(np.int64)


def lognormal(rng: Stream, median: Floats | float, sigma: Floats | float, size: int) -> Floats:
    return np.asarray(median) * np.exp(np.asarray(sigma) * rng.standard_normal(size))


def pick_for(shares: Floats, numbers: Ints, salt: int) -> Ints:
    """Indices with the given shares, computed from numbers: the same number has the same index for ever."""
    edges = np.cumsum(shares / shares.sum())
    chance = (mixed(numbers, salt) >> 10) / 2.0**53
    return np.searchsorted(edges[:-1], chance, side="right").astype(np.int64)
