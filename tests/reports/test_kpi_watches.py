"""Watches made from targets: for every KPI, also one entered by hand; files of others are left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerting import list_alerts, run_watches
from alerting.catalogue import load_watches
from contracts.errors import UserError
from contracts.settings import Settings
from contracts.settings import read as read_settings
from infrastructure.store import Store
from kpis.entering import Wanted, enter
from kpis.tracking import Registry, load
from kpis.tracking.editing import define
from kpis.tracking.registry import put_together, shipped
from reports.watching import MARK, watch_of, write_watches

DAY = datetime(2026, 11, 18, tzinfo=UTC)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return put_together(shipped(read_settings({})), ())


def test_every_kpi_with_a_target_has_a_watch_that_alerting_takes(registry: Registry, tmp_path: Path) -> None:
    aimed = [one for one in registry.active() if one.limits.target or one.limits.thresholds]
    made = write_watches(registry, tmp_path)
    assert len(made.written) == len(aimed) >= 20
    assert len(load_watches(tmp_path)) == len(aimed)
    again = write_watches(registry, tmp_path)
    assert not again.written and not again.removed and len(again.unchanged) == len(aimed)


def test_kpi_without_target_has_none(registry: Registry) -> None:
    assert watch_of(registry.find("voip.attempts")) is None


def test_only_own_files_are_removed_or_replaced(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "target-gone.yml").write_text(MARK + "x: 1\n")
    (tmp_path / "target-mine.yml").write_text("mine: true\n")
    assert write_watches(registry, tmp_path).removed == ("target-gone.yml",)
    assert (tmp_path / "target-mine.yml").exists()
    (tmp_path / "target-voip-ner.yml").write_text("mine: true\n")
    (tmp_path / "target-voip-packet-loss.yml").unlink()
    with pytest.raises(UserError, match="somebody's own"):
        write_watches(registry, tmp_path)
    assert not (tmp_path / "target-voip-packet-loss.yml").exists()


def test_value_entered_by_hand_alerts_like_any_other(store: Store, node_settings: Settings, tmp_path: Path) -> None:
    known = load(store)
    one = known.find("deployment.efficiency")
    good, bad = Wanted(one, "region:north", DAY, 0.99), Wanted(one, "region:south", DAY, 0.5)
    enter(store, [good, bad], by="anna", why="weekly meeting")
    write_watches(known, tmp_path, ["deployment.efficiency"])
    own = Store.connect(node_settings.with_values(alert_watches_folder=str(tmp_path)))
    run_watches(
        own, since=DAY + timedelta(days=1, hours=6), until=DAY + timedelta(days=1, hours=8), every=timedelta(hours=1)
    )
    store.refresh("alert")
    told = [
        alert["alert"]["labels"]["entity"]
        for alert in list_alerts(store, since=DAY, limit=100)
        if alert["alert"]["name"].startswith("target-deployment")
    ]
    assert told == ["region:south"]


def test_watch_tells_the_worst_level_that_each_entity_crosses_by_its_own_limits(
    store: Store, node_settings: Settings, tmp_path: Path
) -> None:
    """West has a milder target and a critical limit of its own; the others are held to those of all."""
    content = {
        "id": "office.answered", "name": "Answered in time", "unit": "ratio", "bad": "low", "source": {"kind": "manual"},
        "target": {"at_least": 0.9}, "thresholds": {"warning": 0.85, "critical": 0.5},
        "entities": {"region:west": {"target": {"at_least": 0.6}, "thresholds": {"warning": 0.4, "critical": 0.3}}},
    }  # fmt: skip
    define(store, content, by="anna", why="a test")
    one = load(store).find("office.answered")
    values = {"north": 0.95, "east": 0.87, "south": 0.7, "home": 0.2, "west": 0.55}
    enter(store, [Wanted(one, f"region:{name}", DAY, value) for name, value in values.items()], by="anna", why="weekly")
    write_watches(load(store), tmp_path, ["office.answered"])
    own = Store.connect(node_settings.with_values(alert_watches_folder=str(tmp_path)))

    def told(after: timedelta) -> dict[str, tuple[str, str, str]]:
        run_watches(own, since=DAY + after, until=DAY + after + timedelta(hours=1), every=timedelta(hours=1))
        store.refresh("alert")
        rows = [
            row["alert"]
            for row in list_alerts(store, since=DAY, limit=100)
            if row["alert"]["name"] == "target-office-answered"
        ]
        return {
            row["labels"]["entity"]: (row["status"], row["severity"], row["reason"].partition("below ")[2][:26])
            for row in rows
        }

    assert told(timedelta(hours=30)) == {
        "region:east": ("firing", "warning", "its target of 0.9 over the"),
        "region:south": ("firing", "warning", "its warning limit of 0.85 "),
        "region:home": ("firing", "critical", "its critical limit of 0.5 "),
        "region:west": ("firing", "warning", "its target of 0.6 over the"),
    }
    enter(store, [Wanted(one, "region:south", DAY, 0.4)], by="anna", why="counted again")
    found = told(timedelta(hours=32))
    assert found["region:south"][:2] == ("firing", "critical")
    assert len(found) == 4
