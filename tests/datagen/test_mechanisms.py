"""Mechanisms of incidents, each held against what it is in the field."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import pandas as pd
import pytest

from contracts.errors import DefinitionError
from datagen.incidents import read_scenario
from datagen.library import read_types
from datagen.pipeline import plan, tables

FIRST, DAYS, RATE, SEED = date(2026, 11, 10), 2, 12_000, 11
START, HOUR_MS = 1_794_391_200_000, 3_600_000  # 2026-11-11T10:00Z
HOME = "+99955"


@cache
def frame(service: str, name: str = "", place: str = "", **more: Any) -> pd.DataFrame:
    rows = [{"type": name, "place": place, "start": "2026-11-11T10:00:00Z", "duration": "3h"} | more] if name else []
    run = plan(services=[service], start=FIRST, days=DAYS, rate=RATE, seed=SEED, incidents=rows)
    parts = [pd.DataFrame({key: column.plain() for key, column in table.items()}) for table in tables(run, service)]
    return pd.concat(parts, ignore_index=True)


def hit(service: str, name: str, place: str, **more: Any) -> pd.DataFrame:
    rows = frame(service, name, place, **more)
    return rows[rows["_hit"] == 1]


def test_flash_crowd_calls_one_number_of_the_customers_of_the_trunk_group() -> None:
    rows = hit("voip", "flash_crowd", "TG2", strength=10)
    extra = rows[~rows["voip.call_id"].isin(frame("voip")["voip.call_id"])]
    [number] = extra["voip.called.number"].unique()
    assert number.startswith(HOME)
    assert set(extra["voip.trunk_group.terminating"]) == {"TG2"}
    assert extra["event.start"].between(START, START + 3 * HOUR_MS - 1).all()
    by_part = extra.groupby((extra["event.start"] - START) // HOUR_MS).size()
    assert by_part[1] > 1.5 * by_part[0], "it swells and ebbs"
    assert by_part[1] > 1.5 * by_part[2]
    busy = (extra["voip.release.q850"] == 17).mean()
    assert 0.5 < busy < 0.75
    assert extra["voip.calling.number"].nunique() > 1000, "anybody calls, not only who calls much"


def test_added_records_have_ids_that_no_other_has() -> None:
    for name, place in (
        ("flash_crowd", "TG2"),
        ("one_way_audio", "fra-sbc"),
        ("wangiri", "carrier-in"),
        ("irsf", "TG1"),
    ):
        assert frame("voip", name, place)["voip.call_id"].is_unique, name
    sessions = frame("epc", "pgw_restart", "192.0.2.11", duration="20m")
    assert not sessions.duplicated(["epc.pgw.address", "epc.charging_id", "epc.record_sequence"]).any()


def test_one_way_audio_closes_one_side_and_people_dial_again() -> None:
    rows, usual = hit("voip", "one_way_audio", "fra-sbc"), frame("voip").set_index("voip.call_id")
    answered = rows[rows["voip.disposition"] == "answered"]
    assert ((answered["voip.ingress.sbc"] == "fra-sbc") | (answered["voip.egress.sbc"] == "fra-sbc")).all()
    share = {
        side: answered[f"voip.{side}.packets.lost"] / answered[f"voip.{side}.packets.expected"].clip(lower=1)
        for side in ("calling", "called")
    }
    mute = pd.DataFrame({side: lost > 0.95 for side, lost in share.items()})
    assert not mute.all(axis=1).any(), "the other side hears as usual"
    silent, calling = answered[mute.any(axis=1)], mute["calling"][mute.any(axis=1)]
    assert len(silent) > 200
    assert silent["voip.duration.sec"].median() < 10 < answered[~mute.any(axis=1)]["voip.duration.sec"].median()
    assert silent[calling]["voip.calling.mos"].max() < 1.5
    assert silent[calling]["voip.called.mos"].median() > 4
    redials = rows[~rows["voip.call_id"].isin(usual.index)]
    assert len(redials) > 100
    calls = rows.sort_values("event.start").groupby(["voip.calling.number", "voip.called.number"])
    earlier_end = calls["event.end"].shift()
    gap = (rows["event.start"] - earlier_end).loc[redials.index] / 1000
    assert gap.dropna().size == len(redials), "each follows a call between the same two"
    assert gap.between(2, 21).mean() > 0.97, "within a breath"


def test_codec_fault_changes_the_codec_and_what_it_costs() -> None:
    rows, usual = hit("voip", "codec_fault", "TG2"), frame("voip").set_index("voip.call_id")
    before = usual.loc[rows["voip.call_id"]]
    assert set(rows["voip.codec"]) == {read_types()["codec_fault"].words["codec"]}
    assert not (before["voip.codec"].to_numpy() == rows["voip.codec"].to_numpy()).any()
    drop = before["voip.calling.r_factor"].to_numpy() - rows["voip.calling.r_factor"].to_numpy()
    assert 9 < drop.mean() < 12, "Ie of G.729 is 10, and lost packets cost a little more"
    for same in ("voip.duration.sec", "voip.calling.packets.lost", "voip.calling.jitter.ms"):
        assert (before[same].to_numpy() == rows[same].to_numpy()).all(), same


def test_codec_that_the_generator_has_not_is_refused() -> None:
    types = read_types()
    types["codec_fault"] = dataclasses.replace(types["codec_fault"], words={"codec": "G728"})
    row = {"type": "codec_fault", "place": "TG2", "start": "2026-11-10T10:00:00Z"}
    run = plan(services=["voip"], start=FIRST, days=1, rate=2000, seed=1)
    placed = read_scenario([row], run.model.network, end=datetime(2026, 11, 12, tzinfo=UTC), types=types)
    struck = dataclasses.replace(run, model=dataclasses.replace(run.model, incidents=placed))
    with pytest.raises(DefinitionError, match=r"codec 'G728' is not one of the generator's .*; did you mean G729"):
        list(tables(struck, "voip"))


def test_pdd_growth_grows_and_the_impatient_hang_up_before_it_rings() -> None:
    rows, usual = hit("voip", "pdd_growth", "TG2"), frame("voip").set_index("voip.call_id")
    before = usual.loc[rows["voip.call_id"]]
    factor = rows["voip.pdd.ms"].to_numpy() / before["voip.pdd.ms"].to_numpy()
    late = (rows["event.start"] > START + 2 * HOUR_MS).to_numpy()
    assert factor[late].mean() > 2 * factor[~late].mean() > 2
    gave_up = rows[(rows["voip.disposition"].to_numpy() != before["voip.disposition"].to_numpy())]
    assert 0 < len(gave_up) < 0.2 * len(rows)
    assert set(gave_up["voip.release.sip"]) == {487}
    assert gave_up["voip.pdd.ms"].min() > 2500


def test_sms_loss_refuses_some_and_loses_others() -> None:
    rows = hit("sms", "sms_loss", "smsc-2")
    assert set(rows["sms.smsc"]) == {"smsc-2"}
    assert set(rows["sms.result"]) == {"failed"}
    refused = (rows["sms.error_code"] == 34).mean()
    assert set(rows["sms.error_code"]) == {34, 32}
    assert refused == pytest.approx(0.6, abs=0.08)


def test_pgw_restart_ends_sessions_at_once_and_they_come_back_in_a_burst() -> None:
    place, down = "192.0.2.11", 20 * 60_000
    rows = hit("epc", "pgw_restart", place, duration="20m")
    assert set(rows["epc.pgw.address"]) == {place}
    ended = rows[(rows["event.end"] <= START + 1000) & (rows["event.start"] < START)]
    assert set(ended["epc.cause_for_closing"]) == {"abnormal_release"}
    assert (ended["event.end"].between(START, START + 1000)).all()
    usual = frame("epc")
    under_way = usual[
        (usual["epc.pgw.address"] == place) & (usual["event.start"] < START) & (usual["event.end"] > START)
    ]
    assert len(ended) == len(under_way) > 40
    after = frame("epc", "pgw_restart", place, duration="20m")
    there = after[after["epc.pgw.address"] == place]
    assert not there["event.start"].between(START, START + down - 1).any(), "nothing begins while it is down"
    assert not ((there["event.start"] < START) & (there["event.end"] > START + 1000)).any(), "nothing outlives it"
    back = rows[(rows["event.start"] >= START + down) & (rows["epc.record_sequence"] == 1)]
    assert len(back) > len(ended), "with those that would have begun meanwhile"
    assert (back["event.start"] - START - down).median() < 60_000
    assert set(ended["subscriber.imsi"]) <= set(back["subscriber.imsi"])


def test_wangiri_rings_once_from_few_numbers_and_some_call_back() -> None:
    rows = hit("voip", "wangiri", "carrier-in", strength=6)
    rung, back = (
        rows[rows["voip.trunk_group.originating"] == "carrier-in"],
        rows[rows["voip.disposition"] == "answered"],
    )
    assert rung["voip.calling.number"].nunique() == 5
    assert rung["voip.called.number"].nunique() > 0.5 * len(rung)
    assert rung["voip.called.number"].str.startswith(HOME).all()
    assert (rung["voip.disposition"] == "ringing").all()
    assert ((rung["event.end"] - rung["event.start"] - rung["voip.pdd.ms"]) / 1000).quantile(0.95) < 3
    assert 0 < len(back) < 0.08 * len(rung)
    pairs = set(zip(rung["voip.called.number"], rung["voip.calling.number"], strict=True))
    assert set(zip(back["voip.calling.number"], back["voip.called.number"], strict=True)) <= pairs
    assert set(back["voip.trunk_group.originating"]) == {"access-residential"}


def test_irsf_calls_long_from_one_customer_to_one_range() -> None:
    struck = hit("voip", "irsf", "TG2", strength=2)
    rows = struck[~struck["voip.call_id"].isin(frame("voip")["voip.call_id"])]
    assert (struck.drop(rows.index)["voip.release.q850"] == 34).all(), "whom they leave no circuit"
    assert rows["_customer"].nunique() == 1
    assert 1 <= rows["voip.calling.number"].nunique() <= 3
    assert rows["voip.called.number"].str.startswith("+99966").all()
    assert rows["voip.duration.sec"].median() > 4 * frame("voip")["voip.duration.sec"].median()
    assert (rows["voip.disposition"] == "answered").mean() > 0.8, "but for those who find no circuit themselves"
    assert set(rows["voip.trunk_group.terminating"]) == {"TG2"}


def test_sim_box_takes_calls_from_the_carrier_to_local_numbers_that_are_never_called() -> None:
    rows, usual = hit("voip", "sim_box", "carrier-in"), frame("voip").set_index("voip.call_id")
    before = usual.loc[rows["voip.call_id"]]
    assert set(before["voip.trunk_group.originating"]) == {"carrier-in"}
    assert set(rows["voip.trunk_group.originating"]) == {"access-residential"}
    assert not before["voip.calling.number"].str.startswith(HOME).any()
    cards = set(rows["voip.calling.number"])
    assert 1 < len(cards) <= 8
    everyone = frame("voip", "sim_box", "carrier-in")
    assert not cards & set(everyone["voip.called.number"])
    usually = usual["voip.calling.number"].isin(cards).sum()
    assert len(rows) / 3 > 200 * usually / (24 * DAYS), "who hardly called before calls all day"
    assert (before["voip.called.number"].to_numpy() == rows["voip.called.number"].to_numpy()).all()


@pytest.mark.parametrize(
    ("service", "place", "field", "key"),
    [
        ("voip", "sbc:fra-sbc", "voip.ingress.sbc", ["voip.call_id"]),
        ("sms", "smsc:smsc-1", "sms.smsc", ["sms.message_id"]),
        ("epc", "pgw:192.0.2.12", "epc.pgw.address", ["epc.pgw.address", "epc.charging_id", "epc.record_sequence"]),
    ],
)
@pytest.mark.parametrize("seconds", [600, -90])
def test_clock_skew_shifts_every_time_of_the_records_of_one_element(
    service: str, place: str, field: str, key: list[str], seconds: int
) -> None:
    after, usual = frame(service, "clock_skew", place, strength=seconds).set_index(key), frame(service).set_index(key)
    assert len(after) == len(usual)
    before = usual.loc[after.index]
    wrong = (after["_hit"] == 1).to_numpy()
    assert set(before.reset_index()[field][wrong]) == {place.partition(":")[2]}
    times = [name for name in ("@timestamp", "event.start", "event.end", "voip.answer") if name in usual]
    for name in times:
        by = (after[name] - before[name])[wrong].dropna()
        assert set(by) == {1000 * seconds}, name
    assert (after["_time"] == before["_time"]).all(), "it is delivered when it always was"
    assert after.drop(columns=[*times, "_hit", "cdr.record"])[wrong].equals(
        before.drop(columns=[*times, "_hit", "cdr.record"])[wrong]
    )


def test_gradual_degradation_takes_days_to_grow() -> None:
    rows = hit("voip", "gradual_degradation", "TG2", start="2026-11-10T00:00:00Z", duration="2d", strength=0.6)
    by_day = rows.groupby((rows["event.start"] - START + 10 * HOUR_MS) // (24 * HOUR_MS)).size()
    assert by_day[0] > 2 * by_day[-1] > 0
    assert set(rows["voip.release.q850"]) == {41, 38, 102}


def test_any_day_alone_is_the_same_with_incidents_that_add_records() -> None:
    rows = [
        {"type": "one_way_audio", "place": "lon-sbc", "start": "2026-11-10T21:00:00Z", "duration": "6h"},
        {"type": "wangiri", "place": "carrier-in", "start": "2026-11-10T22:00:00Z", "duration": "4h"},
    ]
    both = plan(services=["voip"], start=FIRST, days=2, rate=RATE, seed=SEED, incidents=rows)
    alone = plan(services=["voip"], start=date(2026, 11, 11), days=1, rate=RATE, seed=SEED, incidents=rows)
    _, second = tables(both, "voip")
    [only] = tables(alone, "voip")
    assert (second["_hit"].values > 0).any()
    for name, column in second.items():
        assert (column.values == only[name].values).all(), name
