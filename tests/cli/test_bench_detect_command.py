"""`busyhour bench detect` and `bench train`: what is refused before anything is made, and what is shown."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from cli.commands.bench_detect import show
from cli.main import cli, main
from detectors.evaluation import evaluate


def test_an_unknown_peer_is_refused_before_any_traffic_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["bench", "detect", "--peer", "crystal_ball"])
    assert stop.value.code == 1
    said = capsys.readouterr().err
    assert "no such detector: crystal_ball" in said
    assert "seasonal_zscore" in said
    assert "seed" not in said


@pytest.mark.parametrize("weeks", ["5", "27", "many"])
def test_weeks_without_room_for_the_library_are_refused(weeks: str) -> None:
    assert CliRunner().invoke(cli, ["bench", "detect", "--weeks", weeks]).exit_code == 2


def _figures() -> dict[str, Any]:
    row = {"precision": 0.5, "recall": 0.25, "f1": 1 / 3, "f1_quiet": 0.2, "median_delay_s": 600.0}
    row["false_alarms_per_service_week"] = 1.5
    fields = {"series": 130, "detectors": {"busyhour": row, "ecod": {**row, "f1": 0.125, "median_delay_s": None}}}
    return {
        **evaluate([], []).as_dict(), "false_alarms": [], "oracle": {}, "abrupt_median_delay_s": None, "within_limit": 0,
        "oracle_within_limit": 0,
        "peers": {
            "as_kept": fields, "by_the_hour": fields,
            "missing": {"random_cut_forest": "rrcf is not installed: pip install 'busyhour[peers]'"},
        },
    }  # fmt: skip


def test_peers_stand_beside_ours_and_those_that_cannot_run_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    show(_figures())
    text = capsys.readouterr().out
    assert "the points as they are kept, 130 series" in text
    assert "the same series by the hour, 130 series" in text
    assert text.count("ecod") == 2
    assert text.count("0.125") == 2
    assert "random_cut_forest: rrcf is not installed" in text
