"""Laws of the bins of delays."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from kpis import bins

EDGES = st.sampled_from([30.0, 1000.0, 1.0, 0.7])
DELAYS = st.one_of(st.just(0.0), st.floats(1e-9, 1e9), st.integers(1, 10_000).map(float))


@given(DELAYS, EDGES)
def test_value_lies_in_its_bin_which_is_two_percent_wide(value: float, edge: float) -> None:
    found = bins.index(value, edge)
    top = bins.upper_edge(found, edge)
    if value > 2 * edge * bins.FLOOR:
        assert value <= top * (1 + 1e-9)
        assert top < value * 1.02
    elif found <= bins.LOWEST:
        assert top == 0


@given(EDGES, st.integers(-19, 30))
def test_target_and_its_octaves_are_edges(edge: float, octave: int) -> None:
    value = edge * 2.0**octave
    assert bins.index(value, edge) == octave * bins.PER_OCTAVE
    assert bins.upper_edge(0, edge) == edge
    assert bins.index(math.nextafter(edge * 1.001, 2 * edge), edge) == 1


@given(st.lists(DELAYS, min_size=1, max_size=60), st.lists(DELAYS, max_size=60), EDGES)
def test_merged_bins_are_the_bins_of_the_union(left: list[float], right: list[float], edge: float) -> None:
    def of(values: list[float]) -> dict[int, int]:
        return bins.merged({bins.index(value, edge): 1} for value in values)

    assert bins.merged([of(left), of(right)]) == of(right + left)
    assert bins.decode(bins.encode(of(left))) == of(left)


@given(st.lists(DELAYS, min_size=1, max_size=80), EDGES, st.floats(0.01, 0.99))
def test_percentile_is_the_nearest_rank_rounded_up_to_its_bin(values: list[float], edge: float, share: float) -> None:
    counts = bins.merged({bins.index(value, edge): 1} for value in values)
    exact = sorted(values)[max(math.ceil(share * len(values) - bins.TOLERANCE), 1) - 1]
    found = bins.percentile(counts, share, edge)
    assert found == bins.upper_edge(bins.index(exact, edge), edge)
    doubled = bins.percentile({key: 2 * count for key, count in counts.items()}, share, edge)
    assert doubled is not None
    assert doubled <= found


def test_percentile_holds_a_target_exactly_when_the_samples_do() -> None:
    for late in range(12):
        values = [29.0] * (200 - late) + [30.5] * late
        found = bins.percentile(bins.merged({bins.index(value, 30.0): 1} for value in values), 0.95, 30.0)
        assert found is not None
        assert (found <= 30.0) == (late <= 10)
    assert bins.percentile({}, 0.95, 30.0) is None
    assert bins.percentile({bins.LOWEST: 3}, 0.95, 30.0) == 0
