"""Network, profiles, habits and library: refused by file and key."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.errors import DefinitionError
from datagen.behaviour import read_behaviour
from datagen.definitions import FOLDER
from datagen.incidents import read_types
from datagen.network import read_network, read_profiles

Change = Callable[[Any], object]


def changed(tmp_path: Path, name: str, change: Change) -> Path:
    content = copy.deepcopy(yaml.safe_load((FOLDER / name).read_text("utf-8")))
    change(content)
    path = tmp_path / Path(name).name
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda net: net.pop("sms"), "'sms' is missing"),
        (lambda net: net.update(smss=1), "unknown key 'smss'; did you mean sms"),
        (lambda net: net.update(zone="Mars/Base"), "unknown time zone 'Mars/Base'"),
        (lambda net: net["voip"]["trunk_groups"]["TG1"].update(sbc="lon-sbk"), "did you mean lon-sbc"),
        (lambda net: net["voip"]["trunk_groups"]["TG1"].update(answered=1.2), "TG1.answered"),
        (lambda net: net["voip"]["trunk_groups"]["TG1"].update(answered=0.9, failed=0.2), "more than all calls"),
        (lambda net: net["voip"]["trunk_groups"]["TG1"].pop("loss"), "'loss' is missing"),
        (lambda net: net["voip"]["trunk_groups"].clear(), "has 0 entries"),
        (lambda net: net["voip"].update(sbcs=["a", "a"]), "different names"),
        (lambda net: net["voip"].update(sbcs=["a,b"]), "is not a plain name"),
        (lambda net: net["sms"].update(profile="resident"), "did you mean residential"),
        (lambda net: net["epc"]["apns"]["ims"].update(users="some"), "is not one of any, business"),
        (lambda net: net["customers"].update(count=0), "customers.count"),
        (lambda net: net.update(foreign_numbers=[]), "must be a list of ranges"),
    ],
)
def test_network_is_refused_by_key(tmp_path: Path, change: Change, complaint: str) -> None:
    path = changed(tmp_path, "network.yml", change)
    with pytest.raises(DefinitionError, match=complaint) as refusal:
        read_network(path)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda row: row["voip"].update(pdd_sgma=1), "unknown key 'pdd_sgma'; did you mean pdd_sigma"),
        (lambda row: row["voip"]["talk"].update(median=1), "unknown key 'median'"),
        (lambda row: row["voip"]["talk"].pop("sigma"), "'sigma' is missing"),
        (lambda row: row["voip"]["failed"][0].update(q850=200), "q850: 200 is not a number from 0 to 127"),
        (lambda row: row["voip"]["failed"][0].update(disposition="answered"), "is not one of ringing, call-attempt"),
        (lambda row: row["epc"].update(longest_sec=90_000), "longest_sec: 90000 is not a number"),
        (lambda row: row["sms"]["failed"]["error_codes"].update(none=1), "'none' is not a number"),
        (lambda row: row["noise"].update(hourly=-1), "noise.hourly: -1"),
    ],
)
def test_behaviour_is_refused_by_key(tmp_path: Path, change: Change, complaint: str) -> None:
    path = changed(tmp_path, "behaviour.yml", change)
    with pytest.raises(DefinitionError, match=complaint) as refusal:
        read_behaviour(path)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda row: row.update(mechanism="fail_call"), "did you mean fail_calls"),
        (lambda row: row["parameters"].update(lost=1), "unknown key 'lost'"),
        (lambda row: row["parameters"].pop("failures"), "key 'failures' is missing"),
        (lambda row: row["strength"].update(default=2), "strength.default: 2"),
        (lambda row: row.update(shape="wave"), "is not one of step"),
        (lambda row: row.update(kpi=[]), "unknown key 'kpi'; did you mean kpis"),
    ],
)
def test_incident_type_is_refused_by_key(tmp_path: Path, change: Change, complaint: str) -> None:
    path = changed(tmp_path, "incidents/trunk_outage.yml", change)
    with pytest.raises(DefinitionError, match=complaint) as refusal:
        read_types(tmp_path)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("hours", [[1] * 23, [0] * 24, [-1] * 24, "busy", [*[1] * 23, "x"]])
def test_profile_needs_24_numbers(tmp_path: Path, hours: object) -> None:
    path = changed(tmp_path, "profiles.yml", lambda row: row["data"].update(weekday=hours))
    with pytest.raises(DefinitionError, match="data: weekday"):
        read_profiles(path)


def test_profiles_have_mean_one_and_rise_to_midday() -> None:
    for name, profile in read_profiles(FOLDER / "profiles.yml").items():
        curve = profile.week
        assert curve.mean() == pytest.approx(1)
        if name != "m2m":
            assert curve[4] < 0.3 < 1 < curve[11]
    data = read_profiles(FOLDER / "profiles.yml")["data"].week[:24]
    assert data.argmax() == 20, "the evening hump"
