"""Ours and the public detectors over the same labelled series, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from contracts.errors import UserError
from detectors.peers import available
from detectors.series.clock import steady, step
from detectors.series.pipeline import probation, score_series
from detectors.series.reading import read_series
from detectors.series.scoring import PROFILES, Labelled, best_f1, nab_like, told_once
from detectors.series.windows import Floats

OURS = "busyhour"
Say = Callable[[str], None]


def contenders() -> list[str]:
    return [OURS, *available()]


def compare(series: Sequence[Labelled], chosen: Sequence[str], say: Say = lambda text: None) -> list[dict[str, Any]]:
    """Figures of each detector, best first. `seconds` are of processor time.

    Public detectors have no rule against repeats, which the score punishes; each is scored as it is and with such a rule
    (`told_once`), and the better of the two counts.
    """
    rows = []
    for name in chosen:
        say(f"{name} …")
        began = time.process_time()
        scores = [_scores(name, one) for one in series]
        rows.append(
            {"detector": name, "seconds": round(time.process_time() - began, 2), **figures(series, scores, name)}
        )
    return sorted(rows, key=lambda row: -float(row["standard"]))


def _scores(name: str, one: Labelled) -> Floats:
    if name == OURS:
        return score_series(one.values, one.seconds)
    seconds = round(step(steady(one.seconds))) or 1
    return available()[name](one.values, seconds, probation(len(one.values)))


def figures(series: Sequence[Labelled], scores: Sequence[Floats], name: str) -> dict[str, Any]:
    """NAB-like score by profile; windows found and false alarms at the standard one; F1, precision and recall."""
    ways = [scores] if name == OURS else [scores, [told_once(score) for score in scores]]
    by_profile = {word: [nab_like(series, way, profile) for way in ways] for word, profile in PROFILES.items()}
    standard = max(by_profile["standard"], key=lambda each: each.score)
    alarms = max((best_f1(series, way) for way in ways), key=lambda each: each.f1)
    return {
        **{word: round(max(each.score for each in found), 2) for word, found in by_profile.items()},
        "found": standard.found,
        "windows": standard.windows,
        "false_alarms": standard.false_alarms,
        **{word: round(getattr(alarms, word), 4) for word in ("f1", "precision", "recall")},
    }


def read_labelled(folder: Path, labels: Path) -> list[Labelled]:
    """Series of a folder by a JSON object `{"file.csv": [["start", "end"], …]}`, the form of NAB's combined_windows.json.

    Times are those of rows. Files that the object does not name are left out. Raises UserError.
    """
    try:
        named = orjson.loads(labels.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise UserError(
            f"cannot be read: {error}", where=str(labels), remedy="name a JSON file with --labels"
        ) from None
    if not isinstance(named, dict) or not named:
        raise UserError("is no object of files and windows", where=str(labels), remedy='{"a.csv": [["start", "end"]]}')
    return [_labelled(folder, name, windows, labels) for name, windows in sorted(named.items())]


def half(series: Sequence[Labelled], second: bool) -> list[Labelled]:
    """The first or the second half of the series in the order of the SHA-256 of their files' names: chosen by nobody."""
    ordered = sorted(series, key=lambda one: sha256(one.name.rsplit("/", 1)[-1].encode()).hexdigest())
    middle = len(ordered) // 2
    return ordered[middle:] if second else ordered[:middle]


def _labelled(folder: Path, name: str, windows: Any, labels: Path) -> Labelled:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{name} is outside {folder}", where=str(labels), remedy="name files of the folder")
    series = read_series(path)
    try:
        moments = [(_seconds(start), _seconds(end)) for start, end in windows]
    except (TypeError, ValueError) as error:
        raise UserError(f"{name}: {error}", where=str(labels), remedy='write windows as [["start", "end"]]') from None
    spans: list[tuple[int, int]] = []
    for start, end in sorted(moments):
        rows = np.flatnonzero((series.seconds >= start) & (series.seconds <= end))
        if len(rows) and (not spans or rows[0] > spans[-1][1]):
            spans.append((int(rows[0]), int(rows[-1])))
    return Labelled(name, series.seconds, series.values, tuple(spans))


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
