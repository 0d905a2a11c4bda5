"""Public detectors behind one signature: causal, finite, and of some use."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.peers import available, catalogue, missing

STEP, LEARN, ROWS, SPIKE = 3600, 120, 300, 250
PEERS = available()


def series() -> np.ndarray:
    rng = np.random.default_rng(7)
    values = 10 + np.sin(np.arange(ROWS) * 2 * np.pi / 24) + rng.normal(0, 0.1, ROWS)
    values[SPIKE] += 8
    values[200] = np.nan
    return values


def test_every_peer_runs_here_or_says_what_to_do() -> None:
    assert set(PEERS) | set(missing()) == set(catalogue.CATALOGUE)
    assert not set(PEERS) & set(missing())


def test_missing_names_the_package_when_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "find_spec", lambda package: None)
    assert "rrcf is not installed" in missing()["random_cut_forest"]
    assert set(available()) == {"seasonal_zscore", "windowed_gaussian", "harmonic_regression"}


@pytest.mark.parametrize("name", PEERS)
def test_peer_gives_a_spike_one_of_its_highest_scores(name: str) -> None:
    scores = PEERS[name](series(), STEP, LEARN)
    assert scores.shape == (ROWS,)
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()
    assert scores[200] == 0  # absent
    assert scores[SPIKE] >= np.quantile(scores[LEARN:], 0.95)


@pytest.mark.parametrize("name", PEERS)
def test_peer_score_does_not_change_when_later_rows_are_cut_off(name: str) -> None:
    whole, cut = PEERS[name](series(), STEP, LEARN), PEERS[name](series()[: SPIKE + 3], STEP, LEARN)
    assert np.array_equal(whole[LEARN : SPIKE + 3], cut[LEARN:])


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("values", [np.full(40, np.nan), np.full(40, 3.0), np.array([1.0]), np.array([])], ids=len)
def test_peer_says_nothing_when_there_is_nothing_to_learn_from(name: str, values: np.ndarray) -> None:
    scores = PEERS[name](values, STEP, min(20, len(values)))
    assert scores.shape == values.shape
    assert np.isfinite(scores).all()
