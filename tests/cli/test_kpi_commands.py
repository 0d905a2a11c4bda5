"""`busyhour kpi`: definitions, values, collecting and reports, as a person types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from cli.main import cli
from contracts.errors import BusyhourError, DefinitionError, UserError
from contracts.settings import Settings
from infrastructure.store import Store

WHO = ["--by", "anna", "--why", "a test"]
Run = Callable[..., Result]


@pytest.fixture
def run(store: Store, node_settings: Settings, tmp_path: Path) -> Run:
    environment = {"BUSYHOUR_HOME": node_settings.text("home"), "BUSYHOUR_USAGE_URL": f"sqlite:///{tmp_path}/none.db"}

    def invoke(*arguments: str) -> Result:
        return CliRunner(env=environment).invoke(cli, ["kpi", *arguments], env=environment)

    return invoke


def _file(path: Path, content: object) -> str:
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(path)


def _refused(result: Result, kind: type[BusyhourError], says: str) -> None:
    assert isinstance(result.exception, kind), result.output
    assert says in str(result.exception)


def test_kpi_of_ones_own_from_definition_to_report(run: Run, tmp_path: Path) -> None:
    own = {
        "id": "desk.effort", "name": "Effort a ticket", "unit": "h", "bad": "high", "target": {"at_most": 2},
        "source": {"kind": "manual"},
    }  # fmt: skip
    defined = run("define", _file(tmp_path / "effort.yml", own), *WHO, "--json")
    assert json.loads(defined.output)["revision"] == 1, defined.output
    _refused(
        run("define", _file(tmp_path / "x.yml", {**own, "unti": "h"}), *WHO), DefinitionError, "did you mean unit?"
    )
    for day, value in (("16", "1.5"), ("17", "2.5"), ("17", "3.5")):
        said = run("set", "desk.effort", value, "--at", f"2026-11-{day}T09:00", *WHO, "--json")
        assert said.exit_code == 0, said.output
    assert json.loads(said.output)["before"] == 2.5
    entries = json.loads(run("entries", "desk.effort", "--json").output)["entries"]
    assert [each["value"] for each in entries] == [3.5, 2.5, 1.5]
    compared = json.loads(
        run("compare", "desk.effort", "--since", "2026-11-16", "--until", "2026-11-18", "--json").output
    )
    assert compared["value"] == 2.5 and compared["breached"] == "target"
    out = tmp_path / "report.html"
    period = ("--since", "2026-11-16", "--until", "2026-11-18")
    report = run("report", *period, "--format", "html", "--out", str(out), "--json")
    assert json.loads(report.output)["missed"] == 1, report.output
    assert "Effort a ticket" in out.read_text(encoding="utf-8")
    _refused(run("report", "--since", "2025-01-01", "--until", "2025-01-08"), UserError, "no KPI has a value")
    _refused(run("report", "--since", "2026-11-16T05:00", "--until", "2026-11-18"), UserError, "whole UTC days")
    shown = json.loads(run("explain", "desk.effort", "--json").output)
    assert shown["target"] == "<= 2" and len(shown["revisions"]) == 1
    assert run("retire", "desk.effort", *WHO).exit_code == 0
    assert "desk.effort" not in run("list").output and "desk.effort" in run("list", "--retired").output


def test_import_previews_refuses_and_enters(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    path.write_text("entity,time,value\nregion:north,2026-11-18,0.9\nregion:south,2026-11-18,=1\n")
    fixed = ("import", str(path), "--kpi", "deployment.efficiency")
    preview = run(*fixed, "--preview", "--json")
    assert preview.exit_code == 1 and json.loads(preview.output)["faults"][0]["row"] == 3
    assert run(*fixed, *WHO, "--json").exit_code == 1
    assert not json.loads(run("entries", "deployment.efficiency", "--json").output)["entries"]
    entered = run(*fixed, *WHO, "--skip-faulty", "--json")
    assert json.loads(entered.output)["new"] == 1 and entered.exit_code == 1


def test_definition_file_with_aliases_is_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bomb.yml"
    path.write_text("a: &a [1,1]\nb: &b [*a,*a]\nc: [*b,*b]\n")
    _refused(run("define", str(path), *WHO), UserError, "aliases")


def test_collect_names_what_failed_and_exits_with_one(run: Run, tmp_path: Path) -> None:
    own = {
        "id": "own.out", "name": "Outside", "unit": "1", "bad": "high",
        "source": {"kind": "http", "url": "http://10.0.0.1/", "pointer": "/x"},
    }  # fmt: skip
    assert run("define", _file(tmp_path / "out.yml", own), *WHO).exit_code == 0
    found = run("collect", "--kpi", "own.out", "--json")
    assert found.exit_code == 1 and "kpi.collect.hosts" in json.loads(found.output)["failed"]["own.out"]
