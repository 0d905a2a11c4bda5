"""The loop of the jobs container, run for real with a `busyhour` that only notes how it was called."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "infrastructure/compose/jobs.sh"


def run(folder: Path, *, rounds: int, failing: str = "-", train_every: int = 3600) -> tuple[int, list[str], str]:
    """Exit code, the calls in order, what was said."""
    if shutil.which("bash") is None:
        pytest.skip("no bash here; it would run the loop of the jobs")
    command = folder / "busyhour"
    command.write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\nif [ "$1" = "{failing}" ]; then exit 3; fi\n')
    command.chmod(0o755)
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "JOBS_EVERY_SEC": "0",
        "TRAIN_EVERY_SEC": str(train_every),
        "JOBS_ROUNDS": str(rounds),
        "JOBS_HEARTBEAT": str(folder / "heartbeat"),
    }
    done = subprocess.run(
        ["bash", str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, (folder / "calls").read_text().splitlines(), done.stderr


def test_jobs_run_in_order_and_train_once_a_period(tmp_path: Path) -> None:
    code, calls, said = run(tmp_path, rounds=2)
    assert (code, said) == (0, "")
    desk = ["desk run", "channel run", "desk backlog"]
    first, then = ["correlate", "rollup", "train", "detect", "alert"], ["correlate", "rollup", "detect", "alert"]
    assert calls == [*first, *desk, *then, *desk]
    assert (tmp_path / "heartbeat").exists()


def test_jobs_go_on_and_do_not_look_healthy_when_one_fails(tmp_path: Path) -> None:
    code, calls, said = run(tmp_path, rounds=1, failing="rollup")
    assert code == 1
    assert calls[:5] == ["correlate", "rollup", "train", "detect", "alert"]
    assert len(calls) == 8
    assert "busyhour rollup ended with 3" in said
    assert not (tmp_path / "heartbeat").exists()


def test_training_that_failed_is_tried_again_in_the_next_round(tmp_path: Path) -> None:
    _, calls, _ = run(tmp_path, rounds=2, failing="train")
    assert calls.count("train") == 2
