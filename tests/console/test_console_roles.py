"""Every index × every role, straight against Elasticsearch: what the store itself refuses, whatever our code forgets."""

from __future__ import annotations

import pytest

from contracts.indices import ALL, concrete
from infrastructure.behalf import as_user, with_password
from infrastructure.exchange import path_of
from infrastructure.roles import CONSOLE, all_roles
from infrastructure.store import Store
from tests.console.staff import PASSWORD, ROLES, Console, person

# By hand, beside the role files: a right that is given by mistake shows here. Columns: the roles in the order of ROLES.
# `r` reads, `w` reads and writes, `-` neither.
EXPECTED = {
    "cdr-voip": "rrrrrr",
    "cdr-mobile-voice": "rrrrrr",
    "cdr-sms": "rrrrrr",
    "cdr-epc": "rrrrrr",
    "call-voip": "rrrrrr",
    "session-epc": "rrrrrr",
    "cdr-reject": "rr--wr",
    "cdr-file": "rr--wr",
    "cdr-source": "rr--wr",
    "cdr-gap": "rr--wr",
    "kpi-5m": "rrrrrr",
    "kpi-1h": "rrrrrr",
    "kpi-1d": "rrrrrr",
    "kpi-definition": "rrrrrr",
    "kpi-correction": "rrrrrr",
    "baseline": "rrrrrr",
    "anomaly": "rrrrrr",
    "incident": "rrrrrr",
    "service-state": "rrrrrr",
    "alert": "wrrwrw",
    "silence": "wrrwrw",
    "feedback": "wrrwrw",
    "notification": "rr-rrr",
    "watch": "wr-rrw",
    "watch-run": "rr-rrr",
    "ticket": "wrww-w",
    "ticket-note": "--ww-r",
    "attachment": "w-ww-w",
    "agent": "rrrw-w",
    "interaction": "--ww-r",
    "customer": "--rw-r",
    "subscription": "--rr-r",
    "billing": "--rr-r",
    "subscriber": "--rr--",
    "job": "r-rrwr",
    "profile": "-----r",
    "console-session": "------",
    "audit": "---r-r",
}


def _status(store: Store, method: str, path: str, body: object = None) -> int:
    """HTTP status, 403 for a refusal; whatever else is asked wrongly is not about rights."""
    answer = store.exchange.ask(method, path, body, allow=(400, 403, 404, 409))
    return int(answer.get("status", 200)) if isinstance(answer, dict) else 200


def test_the_table_has_every_index() -> None:
    assert set(EXPECTED) == {index.name for index in ALL}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("index", ALL, ids=lambda index: index.name)
def test_role_reads_and_writes_what_the_table_says(console: Console, index: object, role: str) -> None:
    name, grows = index.name, index.grows  # type: ignore[attr-defined]
    expected = EXPECTED[name][ROLES.index(role)]
    store = with_password(console.store, person(role), PASSWORD)
    place = f"{name}-2026.11" if grows else concrete(name)
    read = _status(store, "POST", path_of(name, "_search"), {"size": 0})
    # An empty body is no document of ours; where the right is missing, it is not even looked at.
    written = _status(store, "PUT", path_of(place, "_doc", "of-a-test"), {"unknown": {"field": 1}})
    deleted = _status(store, "DELETE", path_of(place, "_doc", "no-such"))
    assert (read != 403) is (expected in "rw"), read
    assert (written != 403) is (expected == "w"), written
    assert deleted == 403


def test_audit_trail_takes_entries_from_the_console_and_no_change_of_them(console: Console) -> None:
    console.services.audit.write("somebody", "tested")
    own = console.services.store
    place = own.place("audit", console.now)
    assert _status(own, "POST", path_of(place, "_update", "x"), {"doc": {"audit": {"who": "other"}}}) == 403
    assert _status(own, "DELETE", path_of(place, "_doc", "x")) == 403
    assert _status(own, "POST", path_of("audit", "_search"), {}) == 403


def test_console_account_reads_no_data_of_its_own(console: Console) -> None:
    own = console.services.store
    refused = [index.name for index in ALL if _status(own, "POST", path_of(index.name, "_search"), {}) == 403]
    assert set(refused) == {index.name for index in ALL} - {"profile", "console-session"}


def test_console_account_may_not_become_the_superuser_or_itself(console: Console) -> None:
    own = console.services.store
    assert _status(as_user(own, person("noc")), "GET", "/_security/_authenticate") == 200
    for name in ("elastic", "kibana_system", CONSOLE):
        assert _status(as_user(own, name), "GET", "/_security/_authenticate") == 403


def test_only_administrators_manage_security() -> None:
    managing = {name for name, role in all_roles().items() if "manage_security" in role.body["cluster"]}
    assert managing == {"busyhour_administrator"}
