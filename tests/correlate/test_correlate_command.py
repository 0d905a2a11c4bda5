"""`busyhour correlate` as a person and as a machine sees it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.main import cli
from contracts.settings import Settings
from infrastructure.store import Store
from mediation.correlate import families
from tests.correlate.records import leg, partial, put


def _run(settings: Settings, *arguments: str) -> Result:
    environment = {"BUSYHOUR_HOME": settings.text("home")}
    return CliRunner().invoke(cli, ["correlate", *arguments], env=environment)


def test_command_tells_machines_what_it_did(store: Store, node_settings: Settings) -> None:
    put(
        store, [partial(1, 0, 60), partial(2, 60, 70, cause="normal_release"), leg("a", "1", 0, 1), leg("a", "2", 0, 1)]
    )
    put(store, [leg("a", "3", 0, 1, came=170 * 60)])
    result = _run(node_settings, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["epc"]["made"], found["voip"]["made"], found["written"], found["late_total"]) == (1, 1, 2, 1)


def test_command_shows_people_what_came_too_late(store: Store, node_settings: Settings) -> None:
    put(store, [leg("a", "1", 0, 1), leg("a", "2", 0, 1, came=170 * 60)])
    result = _run(node_settings, "--since", "2026-11-01")
    assert result.exit_code == 0, result.output
    assert "too late" in result.stdout
    assert "calls" in result.stdout


def test_command_fails_and_says_why_when_a_document_is_refused(
    store: Store, node_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, [partial(1, 0, 60)])
    voip, epc = families.FAMILIES

    def odd(*arguments: Any) -> Any:
        return [replace(one, document={**one.document, "nobody": 1}) for one in epc.make(*arguments)]

    monkeypatch.setattr("mediation.correlate.pipeline.FAMILIES", (voip, replace(epc, make=odd)))
    result = _run(node_settings)
    assert result.exit_code == 1
    assert "refused" in result.stderr
