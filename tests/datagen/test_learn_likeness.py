"""How like the real excerpt learned records are, by our own measures (`datagen.fidelity`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from datagen.fidelity import Fidelity, compare_sides
from datagen.fidelity.reading import read_side
from datagen.learn import learn
from mediation.load import load_layouts

ROWS = 5000


@pytest.fixture(scope="module")
def found(real_cdrs: Path, tmp_path_factory: pytest.TempPathFactory) -> Fidelity:
    sample = real_cdrs / "voip-sample.csv"
    model = learn([sample])
    path = tmp_path_factory.mktemp("likeness") / "voip.csv"
    header = "".join(f"{line}\n" for line in model.form.preamble).encode()
    path.write_bytes(header + model.lines(np.random.default_rng(1), ROWS))
    layouts = load_layouts()
    return compare_sides(read_side("REAL", [sample], layouts), read_side("SYNTHETIC", [path], layouts))


def test_learn_likeness_reaches_the_target_on_the_excerpt(found: Fidelity) -> None:
    assert found.quality >= 0.95 and found.column_shapes >= 0.93 and found.column_pairs >= 0.93


def test_learn_likeness_invents_and_does_not_copy(found: Fidelity) -> None:
    assert found.novelty.new >= found.novelty.reference
    assert found.novelty.copies <= 0.01


def test_learn_likeness_keeps_within_the_bounds_of_the_sample(found: Fidelity) -> None:
    assert found.boundaries == 1
