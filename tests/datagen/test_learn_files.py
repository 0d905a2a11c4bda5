"""Files of learned records: days, times, incidents, and what is refused before the first byte."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from contracts.errors import UserError
from datagen.learn import LearnedModel, LearnedReport, generate_from, learn
from mediation.compile import Record, compile_layout
from mediation.load import load_layouts
from tests.datagen.learn_samples import calls

SAMPLES = Path(__file__).parents[2] / "sample_data"
START = date(2026, 11, 2)


@pytest.fixture(scope="module")
def undated() -> LearnedModel:
    return learn([SAMPLES / "voip-public-undated.csv"])


def _made(out: Path, source: Any, **options: Any) -> LearnedReport:
    return generate_from(out, source, **{"start": START, "days": 1, "seed": 1, "rate": 3000} | options)


def _files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / "cdr").rglob("*.csv"))}


def _records(out: Path, layout: str) -> list[dict[str, Any]]:
    judge = compile_layout(load_layouts()[layout], b"key").mediate
    lines = [line for content in _files(out).values() for line in content.decode().splitlines()[1:]]
    outcomes = [judge(line) for line in lines]
    assert all(isinstance(each, Record) for each in outcomes), [
        each for each in outcomes if not isinstance(each, Record)
    ][:3]
    return [each.document for each in outcomes if isinstance(each, Record)]


def test_learn_files_have_date_and_time_where_the_sample_has_none(undated: LearnedModel, tmp_path: Path) -> None:
    report = _made(tmp_path, undated)
    records = _records(tmp_path, "voip-public")
    assert report.layout == "voip-public" and report.rows == len(records) and 2000 < len(records) < 4000
    assert report.files == len(_files(tmp_path)) == 24
    days = Counter(record["@timestamp"][:10] for record in records)
    assert set(days) == {"2026-11-02"}
    hours = Counter(record["@timestamp"][11:13] for record in records)
    assert hours["11"] > 3 * hours["03"]
    for name, content in _files(tmp_path).items():
        assert all(
            line.split(",")[2].split(":")[0].zfill(2) == name[14:16] for line in content.decode().splitlines()[1:]
        )


def test_learn_files_of_a_day_are_the_same_alone(undated: LearnedModel, tmp_path: Path) -> None:
    _made(tmp_path / "both", undated, days=2)
    _made(tmp_path / "one", undated, start=date(2026, 11, 3))
    both, one = _files(tmp_path / "both"), _files(tmp_path / "one")
    assert len(one) == 24 and all(both[name] == content for name, content in one.items())
    _made(tmp_path / "other", undated, start=date(2026, 11, 3), seed=2)
    assert _files(tmp_path / "other") != one


def test_learn_files_follow_the_week_of_a_sample_with_times(tmp_path: Path) -> None:
    report = _made(tmp_path, SAMPLES / "voip-busyhour.csv")
    assert report.profile == "sample"
    records = _records(tmp_path, "voip-busyhour")
    assert all(record["event"]["start"] <= record["event"]["end"] for record in records)
    answered = [record for record in records if record["voip"]["disposition"] == "answered"]
    assert answered and all(
        record["event"]["start"] <= record["voip"]["answer"] <= record["event"]["end"] for record in answered
    )
    assert not any("answer" in record["voip"] for record in records if record["voip"]["disposition"] != "answered")


def test_learn_files_of_a_plain_csv_have_its_own_columns(tmp_path: Path) -> None:
    report = _made(tmp_path / "out", calls(tmp_path / "calls.csv"))
    assert (report.layout, report.service) == ("", "")
    first = next(iter(_files(tmp_path / "out").values())).decode().splitlines()
    assert first[0] == "Region,Result,Cause,Delay,Jitter,Peak,Score,Note"


_OUTAGE = {"type": "trunk_outage", "place": "TG2", "start": "2026-11-02T10:00:00Z", "duration": "3h", "strength": 0.9}


def test_learn_files_with_an_outage_fail_calls_there_and_nowhere_else(undated: LearnedModel, tmp_path: Path) -> None:
    _made(tmp_path / "plain", undated, rate=20_000)
    _made(tmp_path / "struck", undated, rate=20_000, incidents=[_OUTAGE])
    plain, struck = _records(tmp_path / "plain", "voip-public"), _records(tmp_path / "struck", "voip-public")
    assert len(plain) == len(struck)
    changed = [(old, new) for old, new in zip(plain, struck, strict=True) if old != new]
    for old, new in changed:
        assert (
            new["voip"]["trunk_group"] == old["voip"]["trunk_group"]
            and new["voip"]["trunk_group"]["terminating"] == "TG2"
        )
        assert "10:00" <= new["@timestamp"][11:16] < "13:00"
        assert new["voip"]["disposition"] != "answered" and new["voip"]["release"]["q850"] in (34, 38, 41, 3)
    here = [
        record
        for record in struck
        if "10:00" <= record["@timestamp"][11:16] < "13:00" and record["voip"]["trunk_group"]["terminating"] == "TG2"
    ]
    assert sum(record["voip"]["disposition"] == "answered" for record in here) / len(here) < 0.15
    truth = orjson.loads((tmp_path / "struck" / "truth.ndjson").read_bytes())
    assert truth["entities"] == ["trunk_group:TG2"] and truth["records_affected"] >= len(changed) > 0.8 * len(here)


def test_learn_files_with_a_jitter_storm_sound_worse_at_its_sbc(undated: LearnedModel, tmp_path: Path) -> None:
    storm = {"type": "jitter_storm", "place": "Lon-Site", "start": "2026-11-02T09:00:00Z", "duration": "6h"}
    _made(tmp_path / "plain", undated, rate=20_000)
    _made(tmp_path / "struck", undated, rate=20_000, incidents=[storm])
    pairs = zip(_records(tmp_path / "plain", "voip-public"), _records(tmp_path / "struck", "voip-public"), strict=True)
    changed = [(old["voip"], new["voip"]) for old, new in pairs if old != new]
    assert len(changed) > 300
    for old, new in changed:
        assert "Lon-Site" in (new["ingress"]["sbc"], new["egress"]["sbc"]) and new["disposition"] == "answered"
        worse = [new[leg]["jitter"]["ms"] - old[leg]["jitter"]["ms"] for leg in ("calling", "called")]
        assert min(worse) >= 0 and max(worse) > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"profile": "busines"}, "did you mean business"),
        ({"profile": "sample"}, "no times"),
        ({"rotate": "10MB"}, "go by time"),
        ({"rotate": "7h"}, "divide a day"),
        ({"rate": 0}, "above 0"),
        ({"rate": 1e12}, "would take about"),
        ({"days": 0}, "days 0"),
        ({"start": date(1969, 1, 1)}, "before 1970"),
        ({"incidents": [_OUTAGE | {"place": "TG77"}]}, "TG77"),
        ({"incidents": [_OUTAGE | {"type": "sms_backlog"}]}, "cannot strike traffic that is learned"),
        ({"incidents": [_OUTAGE | {"duration": "0h"}]}, "not after its start"),
    ],
)
def test_learn_files_are_refused_before_the_first_byte(
    options: dict[str, Any], said: str, undated: LearnedModel, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=said):
        _made(tmp_path / "out", undated, **options)
    assert not (tmp_path / "out").exists()


def test_learn_files_do_not_mix_with_those_of_another_sample(undated: LearnedModel, tmp_path: Path) -> None:
    _made(tmp_path, undated)
    with pytest.raises(UserError, match="another learned"):
        _made(tmp_path, SAMPLES / "voip-public.csv")


def test_learn_files_refuse_an_incident_whose_columns_the_sample_has_not(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="TG2"):
        _made(tmp_path / "out", SAMPLES / "sms-busyhour.csv", incidents=[_OUTAGE])
