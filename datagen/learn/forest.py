"""Partitions of a sample into leaves of rows that are alike: within a leaf, columns of different blocks are independent.

Each partition is a randomised tree that predicts the row from itself (an extra-trees regression with every column as a
target), so that it splits where many columns change together. The mixture of products over the leaves of many such trees
is the model: the idea of density forests, as in Watson et al., Adversarial random forests (AISTATS 2023).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.stats import rankdata
from sklearn.ensemble import ExtraTreesRegressor

from datagen.learn.blocks import Exclusions
from datagen.learn.columns import GONE, Names, Number, Variable, Words, is_zero
from datagen.table import Floats, Ints

TREES = 16
MOST_LEAVES = 384  # a tree
_LEAF_SCALE, _LEAF_POWER = 0.28, 0.7  # rows in a leaf, at least: scale × (rows of the sample) ^ power …
_LEAST_LEAF, _MOST_LEAF = 4, 60  # … within these
_MOST_WORDS = 40  # of a category that are features
_SMALL = 3  # a leaf of fewer rows is put to another one where that is possible
_NUMBER_WEIGHT, _HOUR_WEIGHT = 2.5, 0.7


def leaves(variables: Sequence[Variable], hours: Ints | None, apart: Exclusions, seed: int) -> list[list[Ints]]:
    """For each tree its leaves, each the rows in it; every row is in one leaf of each tree. `hours`: of the week, or None."""
    features = _features(variables, hours)
    rows = len(features)
    least = int(np.clip(round(_LEAF_SCALE * rows**_LEAF_POWER), min(_LEAST_LEAF, rows), _MOST_LEAF))
    if not features.shape[1] or rows < 2 * least:
        found = np.zeros((rows, TREES), np.int64)
    else:
        forest = ExtraTreesRegressor(
            TREES, min_samples_leaf=least, max_features=0.6, max_leaf_nodes=MOST_LEAVES, random_state=seed
        )
        found = forest.fit(features, features if features.shape[1] > 1 else features[:, 0]).apply(features)
    return [_mended(_groups(found[:, tree]), apart, features) for tree in range(found.shape[1])]


def _groups(leaf: Ints) -> list[Ints]:
    order = np.argsort(leaf, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(leaf[order])) + 1)


def _features(variables: Sequence[Variable], hours: Ints | None) -> Floats:
    columns: list[Floats] = []
    for each in variables:
        columns += _number(each) if isinstance(each.kind, Number) else _words(each)
    if hours is not None:
        angle = 2 * np.pi * (hours % 24) / 24
        columns += [_HOUR_WEIGHT * np.sin(angle), _HOUR_WEIGHT * np.cos(angle)]
    varied = [column for column in columns if np.ptp(column) > 0]
    return np.stack(varied, axis=1) if varied else np.zeros((variables[0].codes.size, 0))


def _number(variable: Variable) -> list[Floats]:
    assert isinstance(variable.kind, Number)  # noqa: S101  the caller looked
    codes = variable.codes
    gone = codes == GONE
    ranks = np.zeros(codes.size)
    if not gone.all():
        ranks[~gone] = rankdata(codes[~gone]) / codes.size
    return [_NUMBER_WEIGHT * ranks, gone.astype(float), is_zero(variable.kind, codes).astype(float)]


def _words(variable: Variable) -> list[Floats]:
    codes, counts = np.unique(variable.codes, return_counts=True)
    if isinstance(variable.kind, Names):
        codes, counts = codes[codes < variable.kind.known], counts[codes < variable.kind.known]
    assert isinstance(variable.kind, Words | Names)  # noqa: S101
    common = codes[np.argsort(-counts, kind="stable")][:_MOST_WORDS]
    return [(variable.codes == code).astype(float) for code in common.tolist()]


# No leaf may hold rows whose mixture is impossible


def _mended(found: Iterable[Ints], apart: Exclusions, features: Floats) -> list[Ints]:
    whole = [part for leaf in found for part in _split(leaf, apart)]
    small = [leaf for leaf in whole if leaf.size < _SMALL]
    large = [leaf for leaf in whole if leaf.size >= _SMALL]
    for leaf in small:
        place = _home(leaf, large, apart, features)
        if place is None:
            large.append(leaf)
        else:
            large[place] = np.concatenate([large[place], leaf])
    return large


def _split(rows: Ints, apart: Exclusions) -> list[Ints]:
    side = apart.worst(rows)
    if side is None:
        return [rows]
    return [*_split(rows[side], apart), *_split(rows[~side], apart)]


def _home(leaf: Ints, others: list[Ints], apart: Exclusions, features: Floats) -> int | None:
    """The leaf nearest to `leaf`, of those that it can be mixed with."""
    centre = features[leaf].mean(axis=0)
    distance = [float(((features[other].mean(axis=0) - centre) ** 2).sum()) for other in others]
    for place in np.argsort(distance).tolist()[:20]:
        if apart.worst(np.concatenate([others[place], leaf])) is None:
            return int(place)
    return None
