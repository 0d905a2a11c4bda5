"""`busyhour kpi forecast` from stored points to words and numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from cli.main import cli
from contracts.clock import iso
from contracts.settings import Settings
from infrastructure.store import Operation, Store
from kpis.catalogue import load
from kpis.documents import point_id

if TYPE_CHECKING:
    from kpis.definitions import Definition

DAYS = 28
# Noon of a day: how far off the next busy hour is must not depend on when the test runs.
END = (datetime.now(UTC) - timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
START = END - timedelta(days=DAYS)
HOURS = np.arange(DAYS * 24)
SHAPE = 1 + 0.8 * np.sin((HOURS + START.hour - 8) * 2 * np.pi / 24)
NOISE = np.random.default_rng(3).normal(0, 1, len(HOURS))
SERIES = {
    "voip.carried_erlang": 20 * SHAPE * (1 + 0.4 * HOURS / HOURS[-1])
    + 0.5 * NOISE,  # 50 E in the busy hour, and rising
    "voip.ner": np.clip(0.995 - 0.012 * HOURS / HOURS[-1] + 0.001 * NOISE, 0, 1),  # falls to 0.983; the target is 0.99
}


def documents(store: Store, definition: Definition, values: np.ndarray) -> Iterator[Operation]:
    for hour, value in enumerate(values):
        if hour % 97 == 5:
            continue  # a gap
        moment = START + timedelta(hours=hour)
        document = {
            "@timestamp": iso(moment),
            "event": {"ingested": iso(END)},
            "service": {"name": "voip"},
            "entity": {"type": "trunk_group", "id": "TG2"},
            "kpi": {
                "id": definition.id,
                "version": definition.version,
                "value": float(value),
                "state": "ok",
                "samples": 99,
            },
        }
        key = point_id(definition, "trunk_group:TG2", iso(moment))
        yield Operation("index", store.place("kpi-1h", moment), key, document)


@pytest.fixture
def forecast(store: Store, node_settings: Settings, tmp_path: Path) -> Any:
    known = load(node_settings)
    for name, values in SERIES.items():
        store.write_all(documents(store, known[name], values))
    store.refresh("kpi-1h")
    (tmp_path / "trunk_groups.csv").write_text("trunk_group,channels\nTG2,60\n")
    environment = {"BUSYHOUR_HOME": node_settings.text("home"), "BUSYHOUR_REFERENCE_FOLDER": str(tmp_path)}

    def run(*arguments: str) -> Result:
        until = () if "--until" in arguments else ("--until", iso(END))
        return CliRunner().invoke(cli, ["kpi", "forecast", *arguments, *until], env=environment)

    return run


def test_forecast_tells_accuracy_crossings_and_keeps_what_it_measured(forecast: Any) -> None:
    arguments = ("--kpi", "voip.carried_erlang", "--entity", "trunk_group:TG2", "--days", "7", "--json")
    result = forecast(*arguments)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["accuracy"]["mase"] < 1
    assert answer["accuracy"]["mae"] < answer["accuracy"]["naive_mae"]
    assert 0.7 < answer["accuracy"]["coverage"] <= 1
    assert len(answer["points"]) == 7 * 24
    assert answer["points"][0]["@timestamp"] == iso(END) == answer["from"]
    assert answer["capacity"]["channels"] == 60
    assert answer["capacity"]["carried"] == pytest.approx(46.48, abs=0.1)  # Erlang B, 1 %
    assert str(END.date()) <= answer["capacity"]["crossed_expected"] <= str((END + timedelta(days=1)).date())
    assert answer["target"] is None
    assert len(answer["accuracy_kept"]) == 1
    assert len(json.loads(forecast(*arguments).stdout)["accuracy_kept"]) == 1  # the same moment, measured again
    earlier = iso(END - timedelta(days=2))
    assert len(json.loads(forecast(*arguments, "--until", earlier).stdout)["accuracy_kept"]) == 2


def test_forecast_says_when_a_target_is_missed_in_words(forecast: Any) -> None:
    result = forecast("--kpi", "NER", "--entity", "trunk_group:TG2")
    assert result.exit_code == 0, result.output
    assert f"0.99: crossed on {END.date()}" in result.stdout
    assert "MASE" in result.stdout
    assert "values inside the interval" in result.stdout


def test_forecast_says_what_is_missing(forecast: Any) -> None:
    for kpi, entity, words in (
        ("voip.asr", "trunk_group:TG2", "no points of voip.asr"),
        ("voip.ner", "TG2", "trunk_group"),
        ("voip.nerr", "trunk_group:TG2", "voip.ner"),
    ):
        result = forecast("--kpi", kpi, "--entity", entity)
        assert result.exception is not None
        assert words in str(result.exception)
