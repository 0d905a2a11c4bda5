"""Installing into Kibana: into a space, twice, with a key that is never shown, and every way it can fail.

There is no real Kibana here (it is in no package registry); a fake one holds the formats that Kibana documents.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from cli.main import cli
from contracts.errors import BusyhourError, OperatorError, SettingError, StoreRefused, StoreUnavailable, UserError
from contracts.settings import read
from dashboards import push
from infrastructure.kibana import Kibana, account
from tests.dashboards.fake_kibana import FakeKibana, serve

ROOT = Path(__file__).resolve().parents[2]
KEY = "c2VjcmV0LWlkOnNlY3JldC1rZXk="


@pytest.fixture
def fake() -> Iterator[FakeKibana]:
    kibana = FakeKibana(authorization=f"ApiKey {KEY}")
    server = serve(kibana)
    yield kibana
    server.shutdown()
    server.server_close()


def connect(fake: FakeKibana, space: str = "busyhour", **more: str) -> Kibana:
    return Kibana(account(read({"KIBANA_URL": fake.url, "KIBANA_API_KEY": KEY, **more})), space)


def test_push_makes_the_space_and_everything_in_it(fake: FakeKibana) -> None:
    report = push(connect(fake), ROOT)
    assert report.space_made
    space = fake.spaces["busyhour"]
    assert sum(report.objects.values()) == len(space.objects)
    assert sum(kind == "dashboard" for kind, _ in space.objects) >= 12
    assert report.rules_made == len(space.rules) >= 5
    assert fake.spaces["default"].objects == {}


def test_push_again_changes_nothing_else(fake: FakeKibana) -> None:
    push(connect(fake), ROOT)
    before = json.dumps([sorted(fake.spaces["busyhour"].objects), sorted(fake.spaces["busyhour"].rules)])
    report = push(connect(fake), ROOT)
    assert not report.space_made
    assert report.rules_made == 0
    assert report.rules_changed == len(fake.spaces["busyhour"].rules)
    assert json.dumps([sorted(fake.spaces["busyhour"].objects), sorted(fake.spaces["busyhour"].rules)]) == before


def test_push_leaves_what_others_made_and_the_actions_they_gave_our_rules(fake: FakeKibana) -> None:
    push(connect(fake), ROOT)
    space = fake.spaces["busyhour"]
    space.objects["dashboard", "of-somebody"] = {"id": "of-somebody"}
    key = next(iter(space.rules))
    space.rules[key] |= {
        "actions": [{"id": "pager", "group": "query matched", "params": {}, "connector_type_id": ".index"}],
        "enabled": False,
    }
    push(connect(fake), ROOT)
    assert ("dashboard", "of-somebody") in space.objects
    assert space.rules[key]["actions"] == [{"id": "pager", "group": "query matched", "params": {}}]
    assert space.rules[key]["enabled"] is False


def test_push_into_the_default_space_makes_none(fake: FakeKibana) -> None:
    report = push(connect(fake, "default"), ROOT, rules=False)
    assert not report.space_made
    assert fake.spaces["default"].objects
    assert not fake.spaces["default"].rules
    assert not any("/s/" in path or "spaces" in path for _, path in fake.seen)


def test_push_refuses_what_is_stale(fake: FakeKibana, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "kibana", tmp_path / "kibana")
    (tmp_path / "kibana/saved_objects/2-tags.ndjson").write_text("{}\n")
    with pytest.raises(UserError, match="dashboards build"):
        push(connect(fake), tmp_path)
    assert fake.seen == []


def test_push_stops_at_what_kibana_refuses_and_says_why(fake: FakeKibana, tmp_path: Path) -> None:
    path = next((ROOT / "kibana/saved_objects").glob("4-busy-hour.ndjson"))
    kibana = connect(fake)
    kibana.ensure_space("Busyhour")
    with pytest.raises(StoreRefused, match="dashboard busyhour-busy-hour: missing_references"):
        kibana.import_objects(path.name, path.read_bytes())  # its data views are not there


@pytest.mark.parametrize(
    ("version", "complaint"), [("8.18.2", "older than 8.19"), ("7.17.0", "older"), ("main", "older")]
)
def test_push_refuses_a_kibana_that_is_too_old(fake: FakeKibana, version: str, complaint: str) -> None:
    fake.version = version
    with pytest.raises(OperatorError, match=complaint):
        push(connect(fake), ROOT)
    assert [method for method, _ in fake.seen] == ["GET"]


@pytest.mark.parametrize("version", ["8.19.0", "9.2.1", "10.0.0"])
def test_push_takes_a_kibana_that_is_new_enough(fake: FakeKibana, version: str) -> None:
    fake.version = version
    assert connect(fake).version() == version


@pytest.mark.parametrize("status", [401, 403, 500])
def test_refusals_are_told_without_the_key(fake: FakeKibana, status: int) -> None:
    fake.refuse = status
    with pytest.raises(StoreRefused, match=str(status)) as refused:
        push(connect(fake), ROOT)
    assert KEY not in str(refused.value)


def test_a_wrong_key_is_refused_and_shown_nowhere(fake: FakeKibana) -> None:
    wrong = "d3Jvbmc6a2V5"
    kibana = connect(fake, KIBANA_API_KEY=wrong)
    with pytest.raises(StoreRefused, match="401") as refused:
        kibana.version()
    assert wrong not in str(refused.value) + repr(vars(kibana)) + repr(
        account(read({"KIBANA_URL": "http://k", "KIBANA_API_KEY": wrong}))
    )


def test_kibana_away_is_said_with_what_to_do(fake: FakeKibana) -> None:
    kibana = Kibana(account(read({"KIBANA_URL": "http://127.0.0.1:1"})))
    with pytest.raises(StoreUnavailable, match="KIBANA_URL"):
        kibana.version()


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({}, "unset"),
        ({"KIBANA_URL": "kibana:5601"}, "not an address"),
        ({"KIBANA_URL": "https://elastic:hidden@kibana:5601"}, "holds a password"),
        ({"KIBANA_URL": "https://kibana:5601", "KIBANA_CA": "/no/such/ca.crt"}, "no file"),
        ({"KIBANA_URL": "https://kibana:5601", "KIBANA_USER": "elastic"}, "unset, but KIBANA_USER"),
        ({"KIBANA_URL": "https://kibana:5601", "KIBANA_API_KEY": "two\nlines"}, "not a key"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(environment: dict[str, str], complaint: str) -> None:
    with pytest.raises(SettingError, match=complaint) as refused:
        account(read(environment))
    assert "hidden" not in str(refused.value)


def test_fake_refuses_what_kibana_refuses(fake: FakeKibana) -> None:
    """Held against Kibana's documentation: the header, the file's name, types and versions of objects, keys of rules."""
    key = {"Authorization": f"ApiKey {KEY}"}
    place = f"{fake.url}/api/saved_objects/_import"
    row = {"type": "tag", "id": "t", "attributes": {}, "references": [], "typeMigrationVersion": "8.0.0"}

    def imported(content: dict[str, object], name: str = "a.ndjson", **headers: str) -> requests.Response:
        files = {"file": (name, json.dumps(content).encode())}
        return requests.post(place, headers={**key, "kbn-xsrf": "x", **headers}, files=files, timeout=10)

    assert requests.post(place, headers=key, timeout=10).status_code == 400
    assert requests.post(place, headers={"kbn-xsrf": "x"}, timeout=10).status_code == 401
    assert imported(row, "a.json").status_code == 415
    assert imported(row).json() == {"success": True, "successCount": 1, "warnings": []}
    assert imported(row).json()["errors"][0]["error"] == {"type": "conflict"}
    assert imported({**row, "type": "alert"}).json()["errors"][0]["error"] == {"type": "unsupported_type"}
    newer = imported({**row, "id": "u", "typeMigrationVersion": "99.0.0"}).json()["errors"][0]["error"]
    assert newer["statusCode"] == 422
    rule = requests.post(
        f"{fake.url}/api/alerting/rule/{'0' * 8}-0000-5000-8000-{'0' * 12}",
        headers={**key, "kbn-xsrf": "x"},
        json={"name": "n", "params": {"esql": "FROM x"}},
        timeout=10,
    )
    assert rule.status_code == 400


def test_command_pushes_and_reports(fake: FakeKibana, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIBANA_URL", fake.url)
    monkeypatch.setenv("KIBANA_API_KEY", KEY)
    result = CliRunner().invoke(cli, ["dashboards", "push", "--space", "noc", "--json"])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["space"] == "noc" and answer["space_made"]
    assert KEY not in result.output
    people = CliRunner().invoke(cli, ["dashboards", "push", "--space", "noc", "--no-rules"])
    assert "objects" in people.output


def test_command_checks_without_a_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BUSYHOUR_HOME", str(tmp_path))
    monkeypatch.delenv("ES_URL", raising=False)
    result = CliRunner().invoke(cli, ["dashboards", "check", "--json"])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["dashboards"] >= 12
    assert answer["asked"] is None
    assert "only the YAML is checked" in result.stderr


def test_command_refuses_a_wrong_definition(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "kibana", tmp_path / "kibana")
    path = tmp_path / "kibana/dashboards/sms.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("kind: line", "kind: lime", 1), encoding="utf-8")
    for command in ("build", "check"):
        result = CliRunner().invoke(cli, ["dashboards", command, "--root", str(tmp_path)])
        assert isinstance(result.exception, BusyhourError)
        assert "did you mean line" in str(result.exception)
