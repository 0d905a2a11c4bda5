"""Scoring of scores: the benchmark's published extremes, and laws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import UserError
from detectors.series import comparing
from detectors.series.made import KINDS, made_series
from detectors.series.scoring import PROFILES, Labelled, best_f1, nab_like, told_once

ROWS, FIRST, LAST = 1000, 500, 599
ONE = Labelled("one", np.arange(ROWS, dtype=float), np.zeros(ROWS), ((FIRST, LAST),))
STANDARD = PROFILES["standard"]


def scores(*rows: int) -> np.ndarray:
    found = np.zeros(ROWS)
    found[list(rows)] = 1
    return found


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_perfect_detector_scores_100_and_a_silent_one_0(profile: object) -> None:
    assert nab_like([ONE], [scores(FIRST)], profile).score == pytest.approx(100)  # type: ignore[arg-type]
    assert nab_like([ONE], [np.zeros(ROWS)], profile).score == pytest.approx(0)  # type: ignore[arg-type]


def test_found_in_the_middle_earns_what_the_paper_says() -> None:
    # 2σ(2.5) − 1 over 2σ(5) − 1; finding a window is worth 2, the miss saved included
    earned = (2 / (1 + np.exp(-5 * 0.5)) - 1) / (2 / (1 + np.exp(-5)) - 1)
    assert nab_like([ONE], [scores(FIRST + 50)], STANDARD).score == pytest.approx(100 * (1 + earned) / 2)


def test_alarm_far_outside_costs_in_full_and_one_just_behind_little() -> None:
    alone = nab_like([ONE], [scores(FIRST)], STANDARD).score
    far = nab_like([ONE], [scores(FIRST, 200)], STANDARD).score
    near = nab_like([ONE], [scores(FIRST, LAST + 1)], STANDARD).score
    assert alone - far == pytest.approx(100 * 0.11 / 2)
    assert 0 < alone - near < 0.1 * (alone - far)


def test_alarms_in_the_probation_rows_count_for_nothing() -> None:
    assert nab_like([ONE], [scores(FIRST, 10, 149)], STANDARD).score == pytest.approx(100)


@settings(max_examples=40)
@given(st.lists(st.integers(0, ROWS - 1), max_size=12), st.floats(0.1, 10), st.floats(-5, 5))
def test_scale_of_the_scores_does_not_matter(rows: list[int], factor: float, offset: float) -> None:
    plain = nab_like([ONE, ONE], [scores(*rows), scores(FIRST)], STANDARD)
    moved = nab_like([ONE, ONE], [factor * scores(*rows) + offset, factor * scores(FIRST) + offset], STANDARD)
    assert moved.score == pytest.approx(plain.score)
    assert 0 <= plain.score <= 100


def test_f1_counts_windows_and_episodes() -> None:
    found = best_f1([ONE], [scores(FIRST + 3, FIRST + 90, 300, 310, 700)])
    assert (found.recall, found.precision) == (1, pytest.approx(1 / 3))


def test_told_once_puts_repeats_last_and_keeps_what_is_more() -> None:
    found = told_once(np.array([0.0, 5.0, 4.0, 5.0, 6.0]))
    assert found.tolist() == [0.0, 5.0, -1.0, -1.0, 6.0]


def test_made_series_are_labelled_repeatable_and_of_every_kind() -> None:
    one, again, other = made_series(4, 1200), made_series(4, 1200), made_series(5, 1200)
    assert [series.name for series in one] == list(KINDS)
    for first, second, third in zip(one, again, other, strict=True):
        assert np.array_equal(first.values, second.values)
        assert not np.array_equal(first.values, third.values)
        assert np.isfinite(first.values).all()
        assert all(180 <= start < end < 1200 for start, end in first.windows)


def test_ours_beats_a_plain_seasonal_zscore_on_made_series() -> None:
    series = made_series(11, 1500)
    rows = comparing.compare(series, ["busyhour", "seasonal_zscore"])
    assert [row["detector"] for row in rows] == ["busyhour", "seasonal_zscore"]
    assert rows[0]["standard"] > 70
    assert rows[0]["f1"] > rows[1]["f1"]


def test_labelled_folder_is_read_by_the_times_of_its_rows(tmp_path: Path) -> None:
    rows = "\n".join(f"2026-01-01 00:{minute:02}:00,{minute}" for minute in range(60))
    (tmp_path / "a.csv").write_text("timestamp,value\n" + rows)
    labels = tmp_path / "labels.json"
    labels.write_text('{"a.csv": [["2026-01-01 00:10:00.000000", "2026-01-01 00:15:30"]]}')
    assert comparing.read_labelled(tmp_path, labels)[0].windows == ((10, 15),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "no object"),
        ("{", "cannot be read"),
        ('{"../a.csv": []}', "outside"),
        ('{"a.csv": [["soon", "later"]]}', "a.csv"),
        ('{"a.csv": [7]}', "a.csv"),
        ('{"none.csv": []}', "cannot be read"),
    ],
)
def test_labels_that_make_no_sense_are_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.csv").write_text("timestamp,value\n1,2\n")
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(UserError, match=words):
        comparing.read_labelled(tmp_path, tmp_path / "labels.json")
