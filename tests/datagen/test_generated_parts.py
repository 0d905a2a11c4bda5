"""Blocks made in parts, as those of a high rate are: the traffic is that of whole blocks, and memory does not follow the rate."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from datagen import arrivals
from datagen.arrivals import SLOTS, Span, parts_of, spans
from datagen.capacity import NO_CIRCUIT
from datagen.network import Network
from datagen.pipeline import default_incidents, generate, plan, tables
from datagen.table import Table, concatenate

Rebuilt = Callable[..., Network]
ROOT = Path(__file__).resolve().parents[2]
START = date(2026, 11, 9)
RATE = 12_000


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve parts a block at RATE."""
    monkeypatch.setattr(arrivals, "MOST_A_DAY", 1_000)
    monkeypatch.setattr(arrivals, "_PART_A_DAY", 1_000)
    assert parts_of(RATE) == 12


def made(service: str, days: int, **more: object) -> list[Table]:
    run = plan(**{"services": [service], "start": START, "days": days, "rate": RATE, "seed": 5, **more})  # type: ignore[arg-type]
    return list(tables(run, service))


def test_blocks_are_whole_up_to_a_rate_and_parts_no_larger_beyond() -> None:
    assert [parts_of(rate) for rate in (1, 7_900, 250_000)] == [1, 1, 1]
    for rate in np.geomspace(250_001, 9_000_000, 50):
        parts = parts_of(rate)
        assert SLOTS % parts == 0
        assert rate / parts <= 125_000
    assert parts_of(1e12) == SLOTS


def test_parts_follow_each_other_without_a_gap() -> None:
    every = list(spans(7, 2, 12))
    assert all(one.end == other.start and one.following == other for one, other in itertools.pairwise(every))
    assert (every[0].start, every[-1].end) == (Span(7).start, Span(8).end)
    assert len({span.first_id for span in every} | {Span(9).first_id}) == 25


@pytest.mark.usefixtures("in_parts")
@pytest.mark.parametrize("service", ["voip", "sms", "epc"])
def test_day_in_parts_is_the_same_alone_as_within_a_run(service: str) -> None:
    incidents = default_incidents(datetime(2026, 11, 12, tzinfo=UTC))
    days = made(service, 3, incidents=incidents)
    for place, within in enumerate(days[1:], 1):
        [alone] = made(service, 1, start=START + timedelta(days=place), incidents=incidents)
        assert all((within[name].values == alone[name].values).all() for name in within)
        assert (np.diff(within["_time"].values) >= 0).all()
    assert any((table["_hit"].values > 0).any() for table in days)


@pytest.mark.parametrize("service", ["voip", "sms", "epc"])
def test_traffic_in_parts_follows_the_rate_of_whole_blocks(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    for most in (1_000_000, 1_000):
        monkeypatch.setattr(arrivals, "MOST_A_DAY", most)
        monkeypatch.setattr(arrivals, "_PART_A_DAY", most)
        table = concatenate(made(service, 2, rate=60_000))
        hour = table["_time"].values // 3_600_000
        counted.append(np.bincount(hour - hour.min()))
    whole, parts = counted
    # The noise of the rate is the same, so that only Poisson's is left between them: data sessions have several records each.
    apart = (parts - whole) / np.sqrt(parts + whole)
    assert 0.3 < apart.std() < 2
    assert abs(apart.mean()) < 0.6


@pytest.mark.usefixtures("in_parts")
def test_ids_are_given_once() -> None:
    crowd = {"type": "flash_crowd", "place": "TG3", "start": "2026-11-09T10:00:00Z", "duration": "2h", "strength": 20}
    ids = made("voip", 1, incidents=[crowd])[0]["voip.call_id"].values
    assert np.unique(ids).size == ids.size
    sessions = concatenate(made("epc", 2))
    record = np.stack([sessions["epc.charging_id"].values, sessions["epc.record_sequence"].values])
    assert np.unique(record, axis=1).shape == record.shape


@pytest.mark.usefixtures("in_parts")
def test_calls_in_progress_keep_to_the_channels_from_part_to_part(network_with: Rebuilt) -> None:
    network = network_with(lambda net: net["voip"]["trunk_groups"]["TG1"].update(channels=8))
    channels = int(plan(services=["voip"], start=START, days=1, rate=RATE, seed=5, network=network).model.channels[0])
    crowd = {"type": "flash_crowd", "place": "TG1", "start": "2026-11-09T13:00:00Z", "duration": "2h"}
    [table] = made("voip", 1, network=network, incidents=[crowd])
    here, lost = (
        table["voip.trunk_group.terminating"].values == 0,
        table["voip.release.q850"].values == NO_CIRCUIT,
    )
    start, end = table["event.start"].values, table["event.end"].values
    carried = here & ~lost & (start // 86_400_000 == start.max() // 86_400_000)
    steps = np.concatenate(
        [np.stack([end[carried], -np.ones_like(end[carried])]), np.stack([start[carried], np.ones_like(end[carried])])],
        axis=1,
    )
    busy = np.cumsum(steps[1, np.lexsort((steps[1], steps[0]))])
    assert (here & lost).sum() > 100
    assert busy.max() == channels


@pytest.mark.usefixtures("in_parts")
def test_files_of_parts_are_those_of_one_stream(tmp_path: Path) -> None:
    joined = []
    for rotate in ("15m", "1d"):
        generate(tmp_path / rotate, services=["epc"], start=START, days=1, rate=RATE, seed=5, rotate=rotate)
        files = sorted((tmp_path / rotate / "cdr" / "epc").iterdir())
        joined.append([line for path in files for line in path.read_text().splitlines()[1:]])
    assert joined[0] == joined[1]
    assert len(joined[0]) > RATE / 2


_SLICE = """
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from datagen.daywork import Makers, Stopped
from datagen.network import read_network
from datagen.pipeline import plan
from infrastructure.memory import peak_bytes
rate, out, network = float(sys.argv[1]), Path(sys.argv[2]), read_network(Path(sys.argv[3]))
run = plan(services=["voip"], start=date(2026, 11, 9), days=1, rate=rate, seed=1, network=network)
batches = iter(range(20))
try:
    Makers(run, out, lambda: next(batches, None) is None).day("voip", run.first)
except Stopped:
    pass
print(peak_bytes() / 1024)
"""


def peak(rate: float, folder: Path, network: Path) -> float:
    """Peak memory (KiB) of a process that writes the busiest hours of a day, up to twenty batches."""
    done = subprocess.run(
        [sys.executable, "-c", _SLICE, str(rate), str(folder), str(network)],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    return float(done.stdout)


def test_memory_stays_under_500_mb_and_does_not_follow_the_rate(tmp_path: Path, network_with: Rebuilt) -> None:
    network_with(lambda net: net.update(zone="Asia/Tokyo"))  # the busy hours are at the beginning of the day, UTC
    few, many = (peak(rate, tmp_path / str(rate), tmp_path / "network.yml") for rate in (1_000_000, 4_000_000))
    assert many < 500e6 / 1024
    assert many < few + 40_000, "KiB: four times the records"
