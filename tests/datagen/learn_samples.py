"""Samples for the tests of learning: calls with everything in them that a model can get wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np

HEADER = "Region,Result,Cause,Delay,Jitter,Peak,Score,Note"


def calls(path: Path, rows: int = 400, seed: int = 1) -> Path:
    """A file with a header: unanswered calls have no jitter, peak or score; a jitter of 0 has a peak of 0; jitter ≤ peak.

    Delay depends on the region, the score falls with the jitter, jitter is in steps of 0.5, Note is constant.
    """
    rng = np.random.default_rng(seed)
    lines = [HEADER]
    for _ in range(rows):
        region = ("north", "south", "far east")[rng.integers(0, 3)]
        delay = int(rng.lognormal(5 if region == "north" else 6, 0.3))
        if rng.random() < 0.3:
            lines.append(f'{region},failed,{("17", "31")[rng.integers(0, 2)]},{delay},,,,"a, b"')
            continue
        jitter = 0.0 if rng.random() < 0.4 else round(2 * rng.gamma(2, 4) + 1) / 2
        peak = jitter + int(rng.integers(1, 20)) / 2 if jitter else 0.0
        score = round(4.4 - 0.05 * jitter + rng.normal(0, 0.02), 2)
        lines.append(f'{region},answered,16,{delay},{jitter:.1f},{peak:.1f},{max(score, 1):.2f},"a, b"')
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def rows_of(content: bytes) -> list[list[str]]:
    import csv

    return list(csv.reader(content.decode().splitlines()))
