"""Users and roles of the stack on the real node: each may do its work and nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.errors import SettingError, StoreRefused
from contracts.indices import ALL
from infrastructure.compose.accounts import JOBS, KIBANA, LOGSTASH, PASSWORDS, install, main, passwords
from infrastructure.roles import CONSOLE
from infrastructure.store import Operation, Store

SECRETS = dict.fromkeys(PASSWORDS, "a long password of the test")
CALL = {"@timestamp": "2026-11-20T12:00:00.000Z", "voip": {"disposition": "answered"}}


@pytest.fixture
def installed(store: Store) -> Iterator[Store]:
    install(store.exchange.ask, SECRETS)
    yield store
    store.exchange.ask("DELETE", f"/_security/user/{CONSOLE}", allow=(404,))
    for user in (LOGSTASH, JOBS):
        store.exchange.ask("DELETE", f"/_security/user/{user}", allow=(404,))
        store.exchange.ask("DELETE", f"/_security/role/{user}", allow=(404,))


def as_user(store: Store, user: str) -> Store:
    url = store.exchange.place if store.exchange.place.startswith("http") else store.settings.text("es.url")
    return Store.connect(store.settings.with_values(es_url=url, es_user=user, es_password=SECRETS[user]))


def test_accounts_are_the_same_when_installed_again(installed: Store) -> None:
    assert len(install(installed.exchange.ask, SECRETS)) == 4


def test_logstash_adds_records_and_can_do_nothing_else(installed: Store) -> None:
    logstash = as_user(installed, LOGSTASH)
    lines = b'{"create":{"_index":"cdr-voip-2026.11","_id":"c1"}}\n{"@timestamp":"2026-11-20T12:00:00.000Z"}\n'
    assert logstash.send(lines)["items"][0]["create"]["status"] == 201
    assert logstash.send(lines)["items"][0]["create"]["status"] == 409
    reject = b'{"create":{"_index":"cdr-reject-1","_id":"r1"}}\n{"reject":{"reason":"bad_time"}}\n'
    assert logstash.send(reject)["items"][0]["create"]["status"] == 201
    for line in (
        b'{"index":{"_index":"cdr-voip-2026.11","_id":"c1"}}\n{"@timestamp":"2026-11-20T12:00:00.000Z"}\n',
        b'{"delete":{"_index":"cdr-voip-2026.11","_id":"c1"}}\n',
        b'{"create":{"_index":"ticket-1","_id":"t1"}}\n{"ticket":{"id":"t1"}}\n',
        b'{"create":{"_index":"kpi-5m-2026.11","_id":"k1"}}\n{"@timestamp":"2026-11-20T12:00:00.000Z"}\n',
    ):
        (outcome,) = logstash.send(line)["items"][0].values()
        assert outcome["status"] == 403, line
    with pytest.raises(StoreRefused):
        logstash.exchange.ask("GET", "/cdr-voip/_search")


def test_jobs_work_with_our_indices_and_with_no_others(installed: Store) -> None:
    jobs = as_user(installed, JOBS)
    jobs.check_set_up()
    jobs.write_all([Operation("create", jobs.place("cdr-voip", jobs.clock()), "c1", CALL)])
    jobs.write_all([Operation("index", "job-1", "rollup", {"job": {"name": "rollup"}})])
    jobs.refresh("cdr-voip", "job")
    assert jobs.esql("FROM cdr-voip | STATS calls = COUNT(*)").dicts() == [{"calls": 1}]
    document = jobs.get("job", "rollup")
    assert document is not None
    jobs.replace(document, {"job": {"name": "rollup", "checkpoint": "2026-11-20T12:00:00.000Z"}})
    for index in ALL:
        assert jobs.count(index.name) >= 0
    with pytest.raises(StoreRefused):
        jobs.exchange.ask("PUT", "/somebody-elses", {})
    with pytest.raises(StoreRefused):
        jobs.exchange.ask("DELETE", "/cdr-voip-2026.11")
    with pytest.raises(StoreRefused):
        jobs.exchange.ask("GET", "/_security/user")


def test_console_asks_as_others_and_keeps_its_sessions(installed: Store) -> None:
    console = as_user(installed, CONSOLE)
    console.check_set_up()
    assert console.count("console-session") == 0
    with pytest.raises(StoreRefused):
        console.exchange.ask("GET", "/ticket/_search")


@pytest.mark.parametrize("user", PASSWORDS)
def test_passwords_are_refused_by_name_when_missing(user: str) -> None:
    environment = {variable: "long enough" for name, variable in PASSWORDS.items() if name != user}
    with pytest.raises(SettingError, match="0 characters") as refused:
        passwords(environment)
    assert PASSWORDS[user] in str(refused.value)


def test_accounts_end_with_the_errors_code_when_a_password_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main({}) == SettingError.exit_code
    assert PASSWORDS[KIBANA] in capsys.readouterr().err


def test_accounts_are_made_by_the_command(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    environment = {
        "BUSYHOUR_HOME": store.settings.text("home"),
        **{PASSWORDS[user]: secret for user, secret in SECRETS.items()},
    }
    assert main(environment) == 0
    assert f"user and role {LOGSTASH}" in capsys.readouterr().out
