"""Small CSV files for the tests of fidelity: calls whose numbers and words depend on one another."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from datagen.fidelity import Fidelity, compare
from mediation import load_layouts

HEADER = ("disposition_text", "delay", "jitter", "mos", "site", "codec")
Rows = list[list[str]]
LAYOUTS = load_layouts()


def rows(count: int, seed: int = 1) -> Rows:
    """MOS falls with jitter, the codec goes with the site, and what is not answered has neither jitter nor MOS."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        site = rng.choice(("lon", "lon", "fra", "mia"))
        delay = f"{rng.gammavariate(4, 60):.0f}"
        if rng.random() < 0.25:
            made.append(["ringing", delay, "", "", site, ""])
            continue
        jitter = rng.expovariate(1 / 12)
        mos = 4.4 - 0.04 * jitter + rng.gauss(0, 0.03)
        made.append(
            [
                "answered",
                delay,
                f"{jitter:.2f}",
                f"{mos:.3f}",
                site,
                {"lon": "PCMA", "fra": "G729", "mia": "PCMU"}[site],
            ]
        )
    return made


def write(path: Path, table: Rows, header: Sequence[str] = HEADER) -> Path:
    path.write_text("\n".join(",".join(row) for row in [list(header), *table]) + "\n", encoding="utf-8")
    return path


def scored(real: Path, *synthetic: Path) -> Fidelity:
    """Files of the shipped layouts, or without one, compared."""
    return compare([real], synthetic, layouts=LAYOUTS)
