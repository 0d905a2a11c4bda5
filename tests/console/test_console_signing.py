"""Signing in and out, sessions, forms, first administrator, limits."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from console.errors import Denied, TooMany
from console.limiter import Limiter
from console.profiles import Profile
from console.sessions import MOST_EACH, Sessions
from console.setup_token import SetupToken
from contracts.errors import UserError
from infrastructure import users
from tests.console.staff import NOW, PASSWORD, Console, person


def _audited(console: Console, what: str) -> list[dict[str, object]]:
    console.store.refresh("audit")
    hits = console.store.search("audit", query={"term": {"audit.what": what}}, size=100)["hits"]["hits"]
    return [hit["_source"]["audit"] for hit in hits]


def test_sign_in_sets_a_cookie_that_scripts_and_other_sites_cannot_use(console: Console) -> None:
    with console.client() as client:
        form = {"username": person("noc"), "password": PASSWORD}
        answer = client.post("/sign-in", data=form, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert answer.status_code == 303
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert any(entry["who"] == person("noc") for entry in _audited(console, "sign-in"))


@pytest.mark.parametrize(
    ("username", "password"),
    [(person("noc"), "wrong"), ("nobody", PASSWORD), ("", ""), ("a:b", "c"), ("x" * 500, "y"), ("ä\u0000", "ü")],
)
def test_sign_in_answers_every_wrong_pair_alike(console: Console, username: str, password: str) -> None:
    console.services.by_address.forgive("127.0.0.1")
    with console.client() as client:
        answer = client.post("/sign-in", data={"username": username, "password": password})
        assert answer.status_code == 401
        assert "Wrong name or password." in answer.text
        assert "busyhour_session" not in client.cookies


def test_sign_in_refuses_an_account_without_a_role_of_ours(console: Console) -> None:
    console.store.exchange.ask("PUT", "/_security/user/outsider", {"password": PASSWORD, "roles": ["viewer"]})
    with console.client() as client:
        assert client.post("/sign-in", data={"username": "outsider", "password": PASSWORD}).status_code == 403


def test_sign_in_is_slowed_down_after_five_tries(console: Console) -> None:
    with console.client() as client:
        form = {"username": "victim", "password": "guess"}
        codes = [client.post("/sign-in", data=form).status_code for _ in range(6)]
        assert codes == [401] * 5 + [429]
        assert int(client.post("/sign-in", data=form).headers["retry-after"]) > 0


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_sign_in_leads_to_no_other_site(console: Console, to: str) -> None:
    with console.client() as client:
        form = {"username": person("noc"), "password": PASSWORD, "to": to}
        assert client.post("/sign-in", data=form, follow_redirects=False).headers["location"] == "/"


def test_sign_out_ends_the_session_on_the_server(console: Console) -> None:
    with console.signed_in("noc") as client:
        token = client.cookies["busyhour_session"]
        client.post("/sign-out", data={"csrf": console.token(client)})
        client.cookies.set("busyhour_session", token)
        assert client.get("/tickets").status_code == 401


@pytest.mark.parametrize("token", ["", "wrong", "x" * 5000])
def test_form_without_its_token_changes_nothing(console: Console, token: str) -> None:
    with console.signed_in("noc") as client:
        answer = client.post("/alerts/al1/acknowledge", data={"csrf": token, "why": "forged"})
        assert answer.status_code == 403
    found = console.store.get("alert", "al1")
    assert found is not None
    assert found.source["alert"]["acknowledged"] is False


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_form_of_another_site_is_refused_even_with_the_token(console: Console, headers: dict[str, str]) -> None:
    with console.signed_in("noc") as client:
        answer = client.post("/account/theme", data={"csrf": console.token(client)}, headers=headers)
        assert answer.status_code == 403


def test_session_ends_when_unused_and_at_the_latest_after_its_longest_time(console: Console) -> None:
    with console.signed_in("noc") as client:
        for minutes in range(50, 12 * 60, 50):
            console.now = NOW + timedelta(minutes=minutes)
            assert client.get("/account").status_code == 200
        console.now = NOW + timedelta(hours=12, minutes=1)
        assert client.get("/account").status_code == 401
    console.now = NOW
    with console.signed_in("noc") as client:
        console.now = NOW + timedelta(minutes=61)
        assert client.get("/account").status_code == 401


def test_disabled_person_is_out_at_once(console: Console) -> None:
    users.create_user(console.store, "leaver", PASSWORD, ["busyhour_noc"])
    with console.client() as client:
        client.post("/sign-in", data={"username": "leaver", "password": PASSWORD})
        assert client.get("/tickets").status_code == 200
        users.set_enabled(console.store, "leaver", False)  # by somebody else's hand: the console is not told
        answer = client.get("/tickets", headers={"accept": "text/html"})
        assert (answer.status_code, answer.url.path) == (200, "/sign-in")
        assert client.get("/tickets").status_code == 401


def test_rights_change_with_the_next_request(console: Console) -> None:
    users.create_user(console.store, "mover", PASSWORD, ["busyhour_noc"])
    with console.client() as client:
        client.post("/sign-in", data={"username": "mover", "password": PASSWORD})
        assert client.get("/customers").status_code == 403
        users.set_roles(console.store, "mover", ["busyhour_agent"])
        assert client.get("/customers").status_code == 200
        assert client.get("/files").status_code == 403


def _sessions(console: Console) -> Sessions:
    """As another console over the same Elasticsearch has them."""
    return Sessions(console.services.store, lambda: console.now, timedelta(hours=12))


def test_uses_of_a_crowd_are_written_down_and_a_signed_out_one_stays_out(console: Console) -> None:
    sessions = _sessions(console)
    tokens = [sessions.open(Profile(f"crowd-{number}"))[0] for number in range(30)]
    console.now = NOW + timedelta(minutes=50)
    sessions.close(tokens[0])
    with ThreadPoolExecutor(30) as pool:
        found = list(pool.map(sessions.find, [*tokens, *tokens]))
    assert [each is None for each in found] == ([True] + 29 * [False]) * 2
    console.now = NOW + timedelta(minutes=100)  # unused they would be over by now
    assert [sessions.peek(token) is None for token in tokens] == [True] + 29 * [False]
    for token in tokens:
        sessions.close(token)


def test_sessions_are_bounded_for_each_person(console: Console) -> None:
    sessions = _sessions(console)
    tokens = []
    for number in range(MOST_EACH + 5):
        console.now = NOW + timedelta(milliseconds=number)
        tokens.append(sessions.open(Profile("ana"))[0])
    found = [sessions.find(token) is not None for token in tokens]
    assert found == [False] * 5 + [True] * MOST_EACH
    assert sessions.close_all_of("ana") == MOST_EACH
    assert sessions.find(tokens[-1]) is None


def test_sessions_that_are_over_are_removed_by_the_next_sign_in(console: Console) -> None:
    sessions = _sessions(console)
    token, _ = sessions.open(Profile("ana"))
    console.now = NOW + timedelta(hours=13)
    assert sessions.peek(token) is None
    sessions.open(Profile("ben"))
    console.store.refresh("console-session")
    left = console.store.search("console-session", size=100)["hits"]["hits"]
    assert [hit["_source"]["user"]["name"] for hit in left] == ["ben"]
    sessions.close_all_of("ben")


def test_sessions_are_shared_by_all_consoles_and_end_in_all(console: Console) -> None:
    here, there = _sessions(console), _sessions(console)
    token, opened = here.open(Profile("ana", "Ana Lima"), "192.0.2.1")
    for _ in range(2):
        found = there.find(token)
        assert found is not None
        assert (found.username, found.profile.name, found.csrf) == ("ana", "Ana Lima", opened.csrf)
    console.services.profiles.change("ana", {"theme": "dark"})
    seen = there.find(token)
    assert seen is not None
    assert seen.profile.theme == "dark"
    here.close(token)
    assert there.find(token) is None
    there.close(token)


def test_session_that_was_closed_while_it_was_used_stays_closed(console: Console) -> None:
    """The use is written down with the session as it was read: it does not come back by that."""
    here, there = _sessions(console), _sessions(console)
    token, _ = here.open(Profile("ana"))
    here.find(token)
    right = here._store.bulk_texts

    def meanwhile(*arguments: Any) -> Any:
        there.close(token)
        return right(*arguments)

    console.now = NOW + timedelta(minutes=5)
    here._store.bulk_texts = meanwhile  # type: ignore[method-assign]
    try:
        assert here.find(token) is None
    finally:
        del here._store.bulk_texts  # type: ignore[method-assign]
    assert there.find(token) is None


def test_session_store_holds_nothing_that_signs_in(console: Console) -> None:
    token, opened = _sessions(console).open(Profile("ana"))
    console.store.refresh("console-session")
    kept = str(console.store.search("console-session", size=100)["hits"]["hits"])
    assert token not in kept
    assert opened.csrf not in kept
    assert hashlib.sha256(token.encode()).hexdigest() in kept


@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "../profile-1", "\udcff"])
def test_session_of_a_made_up_token_is_none(console: Console, token: str) -> None:
    assert _sessions(console).find(token) is None
    _sessions(console).close(token)


def test_limiter_lets_through_what_it_promises() -> None:
    now = [0.0]
    limiter = Limiter(2, 10.0, lambda: now[0])
    limiter.take("a")
    limiter.take("a")
    limiter.take("b")
    with pytest.raises(TooMany) as refused:
        limiter.take("a")
    assert refused.value.retry_sec == 10
    now[0] = 10.0
    limiter.take("a")


def test_first_administrator_is_made_once_and_only_with_the_link(console: Console) -> None:
    for user in users.list_users(console.store):
        if user.is_administrator:
            console.store.exchange.ask("PUT", f"/_security/user/{user.username}/_disable")
    first = SetupToken(console.store, lambda: console.now)
    console.services.first = first
    try:
        with console.client() as client:
            form = {"username": "founder", "password": PASSWORD, "again": PASSWORD, "name": "F"}
            assert client.get("/first-run", params={"token": "wrong"}).status_code == 403
            assert client.post("/first-run", data={**form, "token": "wrong"}).status_code == 403
            assert client.post("/first-run", data={**form, "token": first.token, "again": "other"}).status_code == 400
            weak = {"password": "short", "again": "short"}
            assert client.post("/first-run", data={**form, **weak, "token": first.token}).status_code == 400
            assert client.get("/first-run", params={"token": first.token}).status_code == 200
            assert client.post("/first-run", data={**form, "token": first.token}).status_code == 200
            assert users.find_user(console.store, "founder").is_administrator
            again = {**form, "username": "second", "token": first.token}
            assert client.post("/first-run", data=again).status_code == 403
    finally:
        console.services.first = None
        console.store.exchange.ask("PUT", f"/_security/user/{person('administrator')}/_enable")


def test_link_of_the_first_administrator_expires(console: Console) -> None:
    first = SetupToken(console.store, lambda: console.now)
    console.now = NOW + timedelta(minutes=61)
    with pytest.raises(Denied):
        first.check(first.token)


def test_last_administrator_cannot_be_removed(console: Console) -> None:
    for user in users.list_users(console.store):
        if user.is_administrator and user.username != person("administrator"):
            users.set_enabled(console.store, user.username, False)
    with pytest.raises(UserError, match="only administrator"):
        users.set_enabled(console.store, person("administrator"), False)
    with pytest.raises(UserError, match="only administrator"):
        users.set_roles(console.store, person("administrator"), ["busyhour_noc"])


@pytest.mark.parametrize("name", ["elastic", "busyhour_console", "-x", "a b", "", "x" * 65, "../x", "ä"])
def test_user_name_that_cannot_be_is_refused(console: Console, name: str) -> None:
    with pytest.raises(UserError):
        users.create_user(console.store, name, PASSWORD, ["busyhour_noc"])


def test_password_change_asks_for_the_old_one_and_ends_all_sessions(console: Console) -> None:
    users.create_user(console.store, "changer", PASSWORD, ["busyhour_noc"])
    new = "another long phrase 9"
    with console.client() as client:
        client.post("/sign-in", data={"username": "changer", "password": PASSWORD})
        token = {"csrf": console.token(client)}
        wrong = {**token, "old": "no", "new": new, "again": new}
        assert client.post("/account/password", data=wrong).status_code == 400
        right = {**token, "old": PASSWORD, "new": new, "again": new}
        assert client.post("/account/password", data=right).status_code == 200
        assert client.get("/account").status_code == 401
        assert client.post("/sign-in", data={"username": "changer", "password": new}).status_code == 200
        assert client.get("/account").status_code == 200
