"""Public detectors beside ours: unknown ones are refused by name, buckets near each other are one incident."""

from __future__ import annotations

import pytest

from contracts.errors import UserError
from detectors.bench.beside import GAP_MS, _incidents, beside
from detectors.bench.world import World


def test_an_unknown_detector_is_refused_with_the_known_ones() -> None:
    world = World.__new__(World)
    with pytest.raises(UserError, match="no such detector: oracle"):
        beside(world, [], ["oracle"])


def test_buckets_near_each_other_are_one_incident_that_names_every_entity() -> None:
    step = 300_000
    spans = [
        (0, step, "sbc:a"),
        (step, 2 * step, "trunk_group:TG1"),
        (2 * step + GAP_MS + 1, 3 * step + GAP_MS, "sbc:a"),
    ]
    one, other = _incidents("voip", spans)
    assert one.entities == ("sbc:a", "trunk_group:TG1")
    assert other.entities == ("sbc:a",)
    assert one.end < other.start
