"""Each incident changes what its truth says, by its mechanism, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import DefinitionError
from datagen.incidents import SHAPES, read_scenario, read_types
from datagen.network import read_network
from datagen.pipeline import default_incidents, generate, plan, tables

START, DAYS, END = date(2026, 11, 10), 3, datetime(2026, 11, 13, tzinfo=UTC)  # Tuesday to Thursday
RATE = 12_000
KEYS = {
    "voip": ["voip.call_id"],
    "sms": ["sms.message_id"],
    "epc": ["epc.pgw.address", "epc.charging_id", "epc.record_sequence"],
}


def frame(service: str, incidents: list[dict[str, Any]]) -> pd.DataFrame:
    return _frame(service, json.dumps(incidents)).copy()


@cache
def _frame(service: str, rows: str) -> pd.DataFrame:
    incidents = json.loads(rows)
    run = plan(services=[service], start=START, days=DAYS, rate=RATE, seed=11, incidents=incidents)
    parts = [
        pd.DataFrame({name: column.plain() for name, column in table.items() if name != "cdr.record"})
        for table in tables(run, service)
    ]
    return pd.concat(parts).set_index(KEYS[service], drop=False).sort_index()


def incident(kind: str, **changes: Any) -> dict[str, Any]:
    return next(row for row in default_incidents(END) if row["type"] == kind) | changes


def compared(service: str, row: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Without, with, and which rows of the latter differ (rows that vanish are not among them)."""
    before, after = frame(service, []), frame(service, [row])
    assert before.index.is_unique
    same = before.reindex(after.index).drop(columns="_hit")
    now = after.drop(columns="_hit")
    differs = ~((same == now) | (same.isna() & now.isna())).all(axis=1)
    return before, after, differs


def milliseconds(row: dict[str, Any]) -> tuple[int, int]:
    return tuple(round(datetime.fromisoformat(row[edge]).timestamp() * 1000) for edge in ("start", "end"))  # type: ignore[return-value]


@pytest.mark.parametrize(("kind", "share"), [("trunk_outage", 0.85), ("partial_blocking", 0.35)])
def test_calls_fail_on_the_trunk_group_and_nowhere_else(kind: str, share: float) -> None:
    row = incident(kind)
    start, end = milliseconds(row)
    trunk = row["place"].split(":")[1]
    before, after, differs = compared("voip", row)
    touched = after[differs]
    assert set(touched["voip.trunk_group.terminating"]) == {trunk}
    assert touched["event.start"].between(start, end - 1).all()
    assert (touched["voip.disposition"] != "answered").all()
    causes = {"trunk_outage": {34, 38, 41, 3}, "partial_blocking": {34, 42}}[kind]
    assert set(touched["voip.release.q850"]) == causes
    assert set(touched["voip.release.sip"]) == {503}
    assert (
        touched[["voip.answer", "voip.duration.sec", "voip.calling.mos", "voip.called.packets.lost"]]
        .isna()
        .all(axis=None)
    )
    here = after[(after["voip.trunk_group.terminating"] == trunk) & after["event.start"].between(start, end - 1)]
    usual = before.reindex(here.index)
    assert len(touched) / len(here) == pytest.approx(share, abs=0.04)
    answered = (here["voip.disposition"] == "answered").mean()
    assert answered == pytest.approx((1 - share) * (usual["voip.disposition"] == "answered").mean(), abs=0.04)
    assert answered > 0.05, "an outage is not total"
    assert len(before) == pytest.approx(len(after), abs=3), "calls move at most over the edge of the run"


def test_jitter_storm_spoils_legs_at_the_sbc_only() -> None:
    row = incident("jitter_storm")
    start, end = milliseconds(row)
    before, after, differs = compared("voip", row)
    touched = after[differs]
    assert touched["event.start"].between(start, end - 1).all()
    assert ((touched["voip.ingress.sbc"] == "fra-sbc") | (touched["voip.egress.sbc"] == "fra-sbc")).all()
    assert (touched["voip.disposition"] == "answered").all()
    usual = before.reindex(touched.index)
    for side, sbc in (("calling", "ingress"), ("called", "egress")):
        at_it = touched[f"voip.{sbc}.sbc"] == "fra-sbc"
        assert (touched[f"voip.{side}.jitter.ms"] == usual[f"voip.{side}.jitter.ms"])[~at_it].all()
        hit, was = touched[at_it], usual[at_it]
        assert hit[f"voip.{side}.jitter.ms"].median() > 4 * was[f"voip.{side}.jitter.ms"].median()
        lost, expected = (hit[f"voip.{side}.packets.{part}"].sum() for part in ("lost", "expected"))
        assert lost / expected > 0.01
        assert hit[f"voip.{side}.mos"].mean() < was[f"voip.{side}.mos"].mean() - 0.4
    assert touched["voip.duration.sec"].mean() < 0.85 * usual["voip.duration.sec"].mean()
    assert (after["voip.disposition"] == "answered").sum() == pytest.approx(
        (before["voip.disposition"] == "answered").sum(), abs=3
    )


def test_sms_backlog_delays_messages_of_the_centre_only() -> None:
    row = incident("sms_backlog")
    start, end = milliseconds(row)
    before, after, differs = compared("sms", row)
    touched = after[differs]
    assert set(touched["sms.smsc"]) == {"smsc-2"}
    assert touched["@timestamp"].between(start, end - 1).all()
    assert set(touched["sms.result"]) == {"delivered", "expired"}
    here = after[(after["sms.smsc"] == "smsc-2") & after["@timestamp"].between(start, end - 1)]
    usual = before.reindex(here.index)
    for rows, low, high in ((here, 0.1, 0.5), (usual, 0.95, 1.0)):
        in_time = (rows["event.end"] - rows["event.start"] <= 300_000).mean()
        assert low < in_time < high
    assert (here["sms.result"] == "expired").mean() > 0.03 > (usual["sms.result"] == "expired").mean()
    assert len(before) == len(after)


def test_apn_congestion_releases_sessions_and_slows_the_apn_only() -> None:
    row = incident("apn_congestion")
    start, end = milliseconds(row)
    before, after, differs = compared("epc", row)
    touched = after[differs]
    assert set(touched["epc.apn"]) == {"internet"}
    assert ((touched["event.start"] < end) & (touched["event.end"] > start)).all()
    gone = before.loc[before.index.difference(after.index)]
    assert set(gone["epc.apn"]) <= {"internet"}
    assert (gone["event.start"] >= start).all(), "only what a released session would have gone on to send is missing"

    def figures(rows: pd.DataFrame) -> tuple[float, float]:
        inside = rows[(rows["epc.apn"] == "internet") & rows["event.end"].between(start, end - 1)]
        released = inside[inside["epc.cause_for_closing"] != "time_limit"]
        return (released["epc.cause_for_closing"] == "abnormal_release").mean(), inside["epc.total.bytes"].sum()

    (usual_share, usual_bytes), (share, volume) = figures(before), figures(after)
    assert usual_share < 0.03 < 0.3 < share < 0.7
    assert volume < 0.6 * usual_bytes


def test_silent_feed_leaves_out_the_files_of_its_hours(tmp_path: Path) -> None:
    row = incident("silent_feed")
    request = {"services": ["sms", "voip"], "start": START, "days": DAYS, "rate": 500, "seed": 5}
    generate(tmp_path / "without", **request)  # type: ignore[arg-type]
    report = generate(tmp_path / "with", incidents=[row], **request)  # type: ignore[arg-type]
    files = {
        folder: {path.name: path.read_bytes() for path in (tmp_path / folder).rglob("*.csv")}
        for folder in ("with", "without")
    }
    missing = set(files["without"]) - set(files["with"])
    assert missing == {f"sms-20261112-{hour}.csv" for hour in (14, 15, 16)}
    [truth] = [json.loads(line) for line in report.truth.read_text().splitlines()]
    assert truth["customers_affected"] == 0
    unnumbered = {name: re.sub(rb"(?m)^(\w{16}),\d+,", rb"\1,", content) for name, content in files["without"].items()}
    for name, content in files["with"].items():
        assert re.sub(rb"(?m)^(\w{16}),\d+,", rb"\1,", content) == unnumbered[name]


def test_silent_feed_within_a_file_leaves_a_gap_in_it(tmp_path: Path) -> None:
    row = incident("silent_feed", start="2026-11-12T14:20:00Z", end="2026-11-12T15:10:00Z")
    generate(tmp_path, services=["sms"], start=START, days=DAYS, rate=4000, seed=5, incidents=[row])
    times = [
        line.split(",")[2]
        for name in ("sms-20261112-14.csv", "sms-20261112-15.csv")
        for line in (tmp_path / "cdr" / "sms" / name).read_text().splitlines()[1:]
    ]
    assert times
    assert not [moment for moment in times if "2026-11-12T14:20" <= moment < "2026-11-12T15:10"]


def test_truth_counts_the_customers_in_changed_records(tmp_path: Path) -> None:
    rows = default_incidents(END)
    report = generate(tmp_path, start=START, days=DAYS, rate=RATE, seed=11, incidents=rows)
    truth = {line["type"]: line for line in map(json.loads, report.truth.read_text().splitlines())}
    assert list(truth) == [row["type"] for row in rows]
    for row in rows:
        line = truth[row["type"]]
        assert line["entities"][0] == row["place"]
        assert (line["start"], line["end"]) == (row["start"], row["end"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["start"])
    alone = frame("voip", [incident("trunk_outage")])
    hit = alone[alone["_hit"] == 1]
    assert truth["trunk_outage"]["customers_affected"] == hit["_customer"].nunique() > 100
    assert truth["trunk_outage"]["records_affected"] == len(hit)
    assert "service:voip" in truth["trunk_outage"]["felt_by"]
    assert "trunk_group:TG1" not in truth["trunk_outage"]["felt_by"]


def test_two_incidents_together_change_what_each_changes_alone() -> None:
    first, second = incident("trunk_outage"), incident("partial_blocking")
    both = frame("voip", [first, second])
    alone = frame("voip", [second])
    pd.testing.assert_frame_equal(
        both[both["_hit"] == 2].drop(columns="_hit"), alone[alone["_hit"] == 1].drop(columns="_hit")
    )


def test_default_incidents_are_of_different_types_and_apart() -> None:
    rows = default_incidents(END)
    assert len({row["type"] for row in rows}) == len(rows) == 6
    spans = [(*milliseconds(row), read_types()[row["type"]].service) for row in rows]
    for start, end, _ in spans:
        assert 2 * 3_600_000 <= end - start <= 4 * 3_600_000
        assert 8 <= datetime.fromtimestamp(start / 1000, UTC).hour <= 16
    for i, (start, end, service) in enumerate(spans):
        for other_start, other_end, other in spans[i + 1 :]:
            assert service != other or end <= other_start or other_end <= start


GOOD: dict[str, Any] = {"type": "trunk_outage", "place": "TG2", "start": "2026-11-12T10:00:00Z", "duration": "3h"}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"type": "trunk_outrage"}, "did you mean trunk_outage"),
        ({"place": "TG22"}, "no trunk_group 'TG22' in the network; did you mean TG2"),
        ({"place": "sbc:lon-sbc"}, "strikes a trunk_group"),
        ({"plaice": "TG2"}, "unknown key 'plaice'; did you mean place"),
        ({"duration": None, "end": "2026-11-12T09:00:00Z"}, "is not after its start"),
        ({"duration": "0h"}, "is not after its start"),
        ({"duration": "three hours"}, "is not a span"),
        ({"duration": "-3h"}, "is not a span"),
        ({"end": "2026-11-12T12:00:00Z"}, "either end or duration"),
        ({"duration": None, "start": "9999-12-31T23:00:00Z"}, "is beyond the calendar"),
        ({"duration": None, "start": "-300d"}, "over before the run begins"),
        ({"duration": None, "start": {"day": -3, "time": "10:00"}}, "over before the run begins"),
        ({"place": "TG1", "start": "2026-11-12T12:59:00Z"}, "overlaps incident 1, which is the same there"),
        ({"type": "wangiri", "place": "access-business"}, "strikes a trunk_group_in of foreign callers"),
        (
            {"type": "clock_skew", "place": "smsc-3"},
            "no sbc or smsc or pgw 'smsc-3' in the network; did you mean smsc-",
        ),
        ({"type": "clock_skew", "place": "apn:internet"}, "strikes a sbc or smsc or pgw"),
        ({"type": "clock_skew", "place": "smsc-1", "strength": -4000}, "is not a number from -3600 to 3600"),
        ({"start": "yesterday"}, "is not a time"),
        ({"start": {"day": 1, "time": "10:00"}}, "is not a number from -3660 to -1"),
        ({"start": {"day": -1, "time": "25:00"}}, "is not a time of day"),
        ({"start": {"day": -1}}, "'time' is missing"),
        ({"strength": 1.5}, "is not a number from 0.05 to 0.95"),
        ({"strength": "high"}, "is not a number"),
        ({"strength": True}, "is not a number"),
        ({"shape": "square"}, "is not one of step"),
        ({"id": "a,b"}, "is not a plain name"),
    ],
)
def test_scenario_is_refused_before_the_first_byte(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    row = {key: value for key, value in (GOOD | change).items() if value is not None}
    path = tmp_path / "incidents.yml"
    path.write_text(yaml.safe_dump({"incidents": [GOOD | {"place": "TG1"}, row]}))
    with pytest.raises(DefinitionError, match=re.escape(complaint)) as refusal:
        generate(tmp_path / "out", start=START, days=1, seed=1, incidents=path)
    assert str(path) in str(refusal.value)
    assert "incident 2" in str(refusal.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "content",
    ["", "- 1", "incidents: 5", "incident: []", "incidents: [5]", "incidents: [{", "incidents: [{1: 2}]", "\x00"],
)
def test_scenario_file_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "incidents.yml"
    path.write_text(content)
    with pytest.raises(DefinitionError):
        generate(tmp_path / "out", start=START, days=1, seed=1, incidents=path)
    with pytest.raises(DefinitionError):
        generate(tmp_path / "out", start=START, days=1, seed=1, incidents=tmp_path / "absent.yml")


def test_scenario_refuses_an_id_used_twice() -> None:
    with pytest.raises(DefinitionError, match="used twice"):
        read_scenario([GOOD | {"id": "x"}, GOOD | {"id": "x"}], read_network(), end=END, types=read_types())


def test_scenario_takes_the_usual_duration_of_the_type() -> None:
    row = {key: value for key, value in GOOD.items() if key != "duration"}
    [placed] = read_scenario([row], read_network(), end=END, types=read_types())
    assert placed.end - placed.start == read_types()["trunk_outage"].duration.total_seconds() * 1000


def test_scenario_allows_the_same_type_one_after_the_other_or_elsewhere() -> None:
    rows = [GOOD, GOOD | {"start": "2026-11-12T13:00:00Z"}, GOOD | {"place": "TG1"}]
    assert len(read_scenario(rows, read_network(), end=END, types=read_types())) == 3


def test_scenario_reads_every_way_to_write_a_time() -> None:
    rows: list[dict[str, Any]] = [
        GOOD,
        GOOD | {"start": datetime(2026, 11, 12, 10, tzinfo=UTC)},
        GOOD | {"start": "-14h"},
        GOOD | {"start": {"day": -1, "time": "10:00"}},
        GOOD | {"place": "trunk_group:TG2", "duration": "180m"},
    ]
    placed = [read_scenario([row], read_network(), end=END, types=read_types())[0] for row in rows]
    assert len({(item.place, item.start, item.end) for item in placed}) == 1


PLACED = read_scenario([GOOD], read_network(), end=END, types=read_types())[0]


@given(shape=st.sampled_from(SHAPES), times=st.lists(st.integers(-10_000, 20_000), min_size=1))
def test_level_is_a_share_within_the_incident_and_zero_outside(shape: str, times: list[int]) -> None:
    item = dataclasses.replace(PLACED, shape=shape)
    moments = item.start + np.array(times) * 1000
    level = item.level(moments)
    inside = (moments >= item.start) & (moments < item.end)
    assert ((level >= 0) & (level <= 1)).all()
    assert (level[~inside] == 0).all()


def test_scenario_of_aliases_that_stand_for_gigabytes_is_refused_in_short(tmp_path: Path) -> None:
    path = tmp_path / "incidents.yml"
    levels = "\n".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 12))
    for at in ("type", "place", "start", "duration", "strength", "shape", "id"):
        row = "\n    ".join(f"{key}: {'*x11' if key == at else value}" for key, value in (GOOD | {at: ""}).items())
        path.write_text(f"x0: &x0 [lol]\n{levels}\nincidents:\n  - {row}\n")
        with pytest.raises(DefinitionError) as refusal:
            generate(tmp_path / "out", start=START, days=1, seed=1, incidents=path)
        assert len(str(refusal.value)) < 1000
        path.write_text(f"incidents:\n  - {row.replace('*x11', '[[[[[[[[9]]]]]]]]')}\n")
        with pytest.raises(DefinitionError):
            generate(tmp_path / "out", start=START, days=1, seed=1, incidents=path)


def test_scenario_of_very_many_incidents_is_read_in_no_time() -> None:
    rows = [GOOD | {"start": f"2026-11-12T{n // 60 % 24:02}:{n % 60:02}:00Z", "duration": "30s"} for n in range(1440)]
    assert len(read_scenario(rows, read_network(), end=END, types=read_types())) == 1440


def test_pgw_restart_that_lasts_for_days_is_refused() -> None:
    row = {"type": "pgw_restart", "place": "192.0.2.11", "start": "2026-11-12T10:00:00Z", "duration": "6h"}
    with pytest.raises(DefinitionError, match="a pgw_restart lasts at most 5h"):
        read_scenario([row], read_network(), end=END, types=read_types())
