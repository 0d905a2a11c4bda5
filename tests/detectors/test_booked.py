"""File faults are told by the books of files: generated, delivered, mediated, and held against the truth."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from datagen import generate
from detectors.booked import told_by_books
from detectors.evaluation import read_truth
from detectors.report import page
from infrastructure.store import Store
from mediation import ingest

START = datetime(2026, 11, 2, tzinfo=UTC)  # a Monday
FAULTS = """incidents:
  - {id: late, type: late_files, place: "feed:voip", start: 2026-11-02T09:00:00Z, duration: 2h, strength: 120}
  - {id: twice, type: duplicate_files, place: "feed:sms", start: 2026-11-02T12:00:00Z, duration: 2h}
  - {id: ahead, type: clock_skew, place: "smsc:smsc-1", start: 2026-11-02T16:00:00Z, duration: 3h, strength: 3600}
"""


@pytest.fixture
def traffic(tmp_path: Path) -> Path:
    (tmp_path / "faults.yml").write_text(FAULTS)
    generate(
        tmp_path / "made", services=("voip", "sms"), start=START, days=1, rate=1500, seed=3,
        incidents=tmp_path / "faults.yml", rotate="15m",
    )  # fmt: skip
    return tmp_path / "made"


def test_every_file_fault_is_told_with_its_reason_once_the_files_are_in(store: Store, traffic: Path) -> None:
    truth = read_truth(traffic / "truth.ndjson")
    assert {one.scored_by for one in truth} == {"books"}
    assert not any(one.scored for one in truth)
    before = {one.labelled: one for one in told_by_books(store, truth)}
    assert not any(one.told for one in before.values())
    assert before["late"].words == "none of its files is in the books"

    ingest(store, [traffic / "cdr"])
    store.refresh("cdr-file")
    told = {one.labelled: one for one in told_by_books(store, truth)}
    assert {name: one.told for name, one in told.items()} == {"late": True, "twice": True, "ahead": True}, told
    assert told["late"].after_s is not None
    assert told["late"].after_s >= 7200
    assert "came late" in told["late"].words
    assert "hold nothing but what came before" in told["twice"].words
    assert "records from after their delivery" in told["ahead"].words
    rows = [one.as_dict() for one in told.values()]
    figures = {"precision": 1.0, "recall": 1.0, "f1": 1.0, "median_delay_s": None, "false_alarms_per_service_week": 0.0}
    text = page({**figures, "by_type": [], "matches": [], "books": rows}, "x")
    assert text.count("<td>told") == 3


def test_a_quiet_day_shows_none_of_them(store: Store, tmp_path: Path, traffic: Path) -> None:
    """The same labels held against the books of traffic without the faults."""
    truth = read_truth(traffic / "truth.ndjson")
    generate(tmp_path / "quiet", services=("voip", "sms"), start=START, days=1, rate=1500, seed=3, rotate="15m")
    ingest(store, [tmp_path / "quiet" / "cdr"])
    store.refresh("cdr-file")
    assert not any(one.told for one in told_by_books(store, truth))
