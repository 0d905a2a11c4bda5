"""The simple ways to make records from a sample, to know where a score stands: copy rows, or draw each column by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from datagen.fidelity.reading import Side


def copied(real: Side, rows: int, seed: int) -> Side:
    """Rows of the sample, drawn with replacement."""
    chosen = np.random.default_rng((seed, 1)).integers(0, real.kept, rows).tolist()
    columns = {name: [texts[row] for row in chosen] for name, texts in real.columns.items()}
    return _side(real, columns, rows)


def independent(real: Side, rows: int, seed: int) -> Side:
    """Each cell drawn from its own column of the sample, whatever the other columns have."""
    rng = np.random.default_rng((seed, 2))
    columns = {
        name: [texts[row] for row in rng.integers(0, real.kept, rows).tolist()] for name, texts in real.columns.items()
    }
    return _side(real, columns, rows)


def _side(real: Side, columns: dict[str, list[str]], rows: int) -> Side:
    return replace(real, what="SYNTHETIC", columns=columns, rows=rows, unreadable=0, skipped={})
