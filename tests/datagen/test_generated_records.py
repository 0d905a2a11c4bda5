"""Records as a switch would write them: possible combinations only, figures that move together, known customers."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from datagen.pipeline import generate, plan, tables

START = date(2026, 11, 9)
NETWORK_CAUSES = {3, 34, 38, 41, 102}


def frame(service: str, rate: int = 15_000, days: int = 2) -> pd.DataFrame:
    run = plan(services=[service], start=START, days=days, rate=rate, seed=4)
    return pd.concat(
        [pd.DataFrame({name: column.plain() for name, column in table.items()}) for table in tables(run, service)]
    )


@pytest.fixture(scope="module")
def calls() -> pd.DataFrame:
    return frame("voip")


@pytest.fixture(scope="module")
def messages() -> pd.DataFrame:
    return frame("sms")


@pytest.fixture(scope="module")
def sessions() -> pd.DataFrame:
    return frame("epc", days=3)


def test_calls_have_an_answer_and_a_quality_only_when_answered(calls: pd.DataFrame) -> None:
    answered = calls["voip.disposition"] == "answered"
    names = ["voip.answer", "voip.duration.sec", "voip.codec"]
    names += [f"voip.{side}.{part}" for side in ("calling", "called") for part in ("jitter.ms", "r_factor", "mos")]
    names += [f"voip.{side}.packets.{part}" for side in ("calling", "called") for part in ("lost", "expected")]
    assert calls.loc[answered, names].notna().all(axis=None)
    assert calls.loc[~answered, names].isna().all(axis=None)
    assert set(calls.loc[answered, "voip.release.q850"]) == {16}
    assert set(calls.loc[answered, "voip.release.sip"]) == {200}


def test_calls_have_times_in_order(calls: pd.DataFrame) -> None:
    assert (calls["event.start"] < calls["event.end"]).all()
    answered = calls[calls["voip.disposition"] == "answered"]
    assert (answered["event.start"] + answered["voip.pdd.ms"] <= answered["voip.answer"]).all()
    gap = answered["event.end"] - answered["voip.answer"]
    np.testing.assert_allclose(gap / 1000, answered["voip.duration.sec"])
    assert calls["voip.call_id"].is_unique
    assert calls["@timestamp"].is_monotonic_increasing


def test_calls_meet_their_targets_in_quiet_times(calls: pd.DataFrame) -> None:
    answered = calls[calls["voip.disposition"] == "answered"]
    assert len(answered) / len(calls) == pytest.approx(0.72, abs=0.02)
    lost = (calls["voip.disposition"] != "answered") & calls["voip.release.q850"].isin(NETWORK_CAUSES)
    assert 0.993 < 1 - lost.mean() < 0.998
    for side in ("calling", "called"):
        assert (answered[f"voip.{side}.jitter.ms"] <= 30).mean() > 0.99
        ratio = answered[f"voip.{side}.packets.lost"].sum() / answered[f"voip.{side}.packets.expected"].sum()
        assert 0.0003 < ratio < 0.002


def test_calls_have_figures_that_move_together(calls: pd.DataFrame) -> None:
    answered = calls[(calls["voip.disposition"] == "answered") & (calls["voip.codec"] == "PCMA")]
    ranks = answered[
        ["voip.calling.jitter.ms", "voip.calling.r_factor", "voip.calling.mos", "voip.called.jitter.ms"]
    ].rank()
    figures = ranks.corr().to_numpy()
    assert figures[0, 1] < -0.3, "more jitter, lower rating"
    assert figures[1, 2] > 0.9, "the score follows from the rating"
    assert 0.15 < figures[0, 3] < 0.6, "both legs share a network"
    loss = answered["voip.calling.packets.lost"] / answered["voip.calling.packets.expected"]
    assert loss.corr(answered["voip.calling.jitter.ms"], method="spearman") > 0.1


def test_trunk_groups_differ_in_level(calls: pd.DataFrame) -> None:
    level = calls.groupby("voip.trunk_group.terminating")[["voip.pdd.ms", "voip.calling.jitter.ms"]].median()
    assert level["voip.pdd.ms"].is_monotonic_increasing
    assert level["voip.calling.jitter.ms"].is_monotonic_increasing
    assert calls["voip.trunk_group.terminating"].value_counts(normalize=True)["TG1"] == pytest.approx(0.32, abs=0.02)


def test_counts_vary_more_than_by_chance() -> None:
    run = plan(services=["sms"], start=START, days=14, rate=40_000, seed=4)
    tens = [np.bincount((table["_time"].values // 3_600_000) % 24, minlength=24)[10] for table in tables(run, "sms")]
    weekdays = np.array([count for day, count in enumerate(tens) if day % 7 < 5])
    assert 2 < weekdays.var(ddof=1) / weekdays.mean() < 60


def test_messages_have_a_delivery_only_when_delivered(messages: pd.DataFrame) -> None:
    delivered = messages["sms.result"] == "delivered"
    assert messages.loc[delivered, "event.end"].notna().all()
    assert messages.loc[~delivered, "event.end"].isna().all()
    assert (messages.loc[delivered, "sms.error_code"] == 0).all()
    assert (messages.loc[~delivered, "sms.error_code"] > 0).all()
    delay = (messages["event.end"] - messages["event.start"]) / 1000
    assert (delay.dropna() >= 0).all()
    assert 0.965 < (delay <= 300).mean() < 0.99
    assert messages["sms.message_id"].is_unique


def test_sessions_are_cut_at_the_time_limit_and_end_once(sessions: pd.DataFrame) -> None:
    key = ["epc.pgw.address", "epc.charging_id"]
    first = sessions["event.start"].min()
    begun = sessions.groupby(key)["event.start"].transform("min") < first + 86_400_000
    numbered = sessions.groupby(key)["epc.record_sequence"].transform("min") == 1
    whole = sessions[begun & numbered]
    whole = whole.sort_values([*key, "epc.record_sequence"])
    session = whole.groupby(key)
    last = session.cumcount(ascending=False) == 0
    assert (whole["epc.record_sequence"] == session.cumcount() + 1).all()
    assert ((whole["epc.final"] == "true") == last).all()
    assert (whole.loc[~last, "epc.duration.sec"] == 3600).all()
    assert (session["event.start"].shift(-1)[~last] == whole.loc[~last, "event.end"]).all()
    assert (session["subscriber.imsi"].nunique() == 1).all()
    assert session.ngroups > 5000
    assert not sessions.duplicated([*key, "epc.record_sequence"]).any()


def test_sessions_release_normally_in_quiet_times(sessions: pd.DataFrame) -> None:
    ended = sessions[sessions["epc.cause_for_closing"] != "time_limit"]
    share = (ended["epc.cause_for_closing"] == "abnormal_release").groupby(ended["epc.apn"]).mean()
    assert (share < 0.02).all()
    assert (sessions["epc.total.bytes"] == sessions["epc.uplink.bytes"] + sessions["epc.downlink.bytes"]).all()


def test_sessions_come_at_the_rate_in_records(sessions: pd.DataFrame) -> None:
    assert len(sessions) == pytest.approx(
        3 * 15_000 * 1.1, rel=0.12
    )  # Monday to Wednesday: a little above the week's mean


def test_customer_file_knows_every_number_of_ours(tmp_path: Path) -> None:
    report = generate(tmp_path, start=START, days=2, rate=8000, seed=4, rotate="1d")
    customers = [json.loads(line) for line in report.customers.read_text().splitlines()]
    numbers = [number for customer in customers for number in customer["msisdns"]]
    assert len(numbers) == len(set(numbers))
    assert len(customers) == len({customer["customer_id"] for customer in customers}) == 2000
    plan_of = {number: customer["plan"] for customer in customers for number in customer["msisdns"]}
    ours: set[str] = set()
    for service, columns in (("voip", ["calling_number", "called_number"]), ("sms", ["msisdn"]), ("epc", ["msisdn"])):
        for path in (tmp_path / "cdr" / service).iterdir():
            rows = pd.read_csv(path, dtype=str)
            for column in columns:
                found = rows[column]
                ours |= set(found[found.str.startswith("+99955")])
            if service == "voip":
                sides = rows["calling_number"].str.startswith("+999").astype(int) + rows[
                    "called_number"
                ].str.startswith("+999")
                assert (sides == 1).all()
            else:
                assert (rows["plan"] == rows["msisdn"].map(plan_of)).all()
    assert len(ours) > 1500
    assert ours <= set(numbers)


def test_customers_who_are_businesses_call_by_their_trunk_group(tmp_path: Path) -> None:
    report = generate(tmp_path, services=["voip"], start=START, days=1, rate=8000, seed=4, rotate="1d")
    trunks = {
        number: customer["trunk_groups"]
        for customer in map(json.loads, report.customers.read_text().splitlines())
        for number in customer["msisdns"]
        if customer["kind"] == "business"
    }
    rows = pd.read_csv(tmp_path / "cdr" / "voip" / "voip-20261109.csv", dtype=str)
    business = rows[rows["originating_trunk_group"] == "access-business"]
    assert len(business) > 1000
    assert all(
        trunks[number] == [trunk]
        for number, trunk in zip(business["calling_number"], business["terminating_trunk_group"], strict=True)
    )


def test_use_is_heavy_tailed(calls: pd.DataFrame) -> None:
    use = calls["_customer"].value_counts()
    assert use.head(len(use) // 10).sum() > 0.3 * use.sum()


def test_devices_have_valid_check_digits(messages: pd.DataFrame) -> None:
    for imei in messages["subscriber.imei"].drop_duplicates().head(200):
        digits = [int(digit) for digit in imei]
        doubled = [digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits)]
        assert sum(doubled) % 10 == 0
    assert messages["subscriber.imsi"].astype(str).str.fullmatch(r"99970\d{10}").all()
