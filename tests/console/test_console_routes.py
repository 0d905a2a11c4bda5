"""Every route × every role."""

from __future__ import annotations

import pytest

from tests.console.staff import ROLES, Console

EVERYBODY, NOBODY = "yyyyyy", "------"
NETWORK, DESK = "yyyyyy", "--yy-y"
# Path → who may (columns: ROLES). `*`: open to anybody, also when nobody is signed in.
PAGES = {
    "/": EVERYBODY,
    "/dashboards": EVERYBODY,
    "/dashboards/{name}": EVERYBODY,
    "/dashboards/{name}/data": EVERYBODY,  # each panel by its own indices
    "/dashboards/{name}/layout.css": EVERYBODY,
    "/dashboards/{name}/panels/{panel_name}.csv": NETWORK,  # of NER by trunk group: kpi-1h … see ADDRESS
    "/dashboards/{name}/panels/{panel_name}/table": NETWORK,
    "/anomalies": EVERYBODY,
    "/anomalies/{key}": EVERYBODY,
    "/anomalies/{key}/plot": NETWORK,
    "/incidents": EVERYBODY,
    "/incidents/{key}": EVERYBODY,
    "/alerts": EVERYBODY,
    "/alerts/{key}": EVERYBODY,
    "/tickets": "yyyy-y",
    "/tickets/{key}": "yyyy-y",
    "/tickets/{key}/files/{file}": "y-yy-y",
    "/ticket/new": "y-yy-y",
    "/customers": DESK,
    "/customers/{key}": DESK,
    "/customers/{key}/diagnosis": DESK,
    "/files": "yy--yy",
    "/files/{key}": "yy--yy",
    "/rejects": "yy--yy",
    "/rejects/{key}": "yy--yy",
    "/audit": "---y-y",
    "/users": "-----y",
    "/account": EVERYBODY,
    "/health": EVERYBODY,
    "/glossary": EVERYBODY,
    "/sign-in": "*",
    "/first-run": "*",
    "/healthz": "*",
}
API = {
    "/api/v1/anomalies": EVERYBODY,
    "/api/v1/incidents": EVERYBODY,
    "/api/v1/alerts": EVERYBODY,
    "/api/v1/tickets": "yyyy-y",
    "/api/v1/customers": DESK,
    "/api/v1/files": "yy--yy",
    "/api/v1/rejects": "yy--yy",
    "/api/v1/audit": "---y-y",
    "/api/v1/kpis": EVERYBODY,
    "/api/v1/users": "-----y",
    "/api/v1/profile": EVERYBODY,
    "/api/v1/silences": EVERYBODY,
}
API |= {
    f"{path}/{{key}}": who
    for path, who in API.items()
    if path.rpartition("/")[2] not in ("audit", "kpis", "users", "profile", "silences")
}
API |= {"/api/v1/tickets/{key}/notes": DESK, "/api/v1/agents": "---y-y"}
API |= {f"/api/v1/tickets/{{key}}/attachments{rest}": "y-yy-y" for rest in ("", "/{file}")}
API["/api/v1/tickets/{key}/messages"] = DESK
API |= {"/api/v1/macros": "y-yy-y", "/api/v1/tickets/{key}/tmf621": "yyyy-y"}
API |= {f"/api/v1/kpis/{{key}}{rest}": EVERYBODY for rest in ("", "/points", "/values")}
API["/api/v1/metrics"] = EVERYBODY
API["/api/v1/users/{name}"] = "-----y"
API["/api/v1/customers/{key}/diagnosis"] = DESK
POSTS = {
    "/alerts/{key}/acknowledge": "y--y-y",
    "/alerts/{key}/silence": "y--y-y",
    "/tickets": "y-yy-y",
    "/anomalies/{key}/verdict": "y--y-y",
    "/tickets/{key}/comment": "y-yy-y",
    "/tickets/{key}/note": DESK[:5] + "-",
    "/tickets/{key}/reply": DESK[:5] + "-",
    "/tickets/{key}/files": "y-yy-y",
    "/tickets/{key}/move": "y-yy-y",
    "/tickets/{key}/assign": "y-yy-y",
    "/users": "-----y",
    "/users/{name}/roles": "-----y",
    "/users/{name}/enabled": "-----y",
    "/account": EVERYBODY,
    "/account/theme": EVERYBODY,
    "/account/password": EVERYBODY,
    "/account/keys": EVERYBODY,
    "/account/keys/{key}/revoke": EVERYBODY,
    "/sign-in": "*",
    "/sign-out": "*",
    "/first-run": "*",
}
WRITES = {
    "POST /api/v1/alerts/{key}/acknowledgement": "y--y-y",
    "PUT /api/v1/anomalies/{key}/verdict": "y--y-y",
    "PUT /api/v1/incidents/{key}/verdict": "y--y-y",
    "POST /api/v1/kpis": "y--yyy",
    "PUT /api/v1/kpis/{key}": "y--yyy",
    "DELETE /api/v1/kpis/{key}": "y--yyy",
    "POST /api/v1/kpis/{key}/values": "y--yyy",
    "POST /api/v1/silences": "y--y-y",
    "DELETE /api/v1/silences/{key}": "y--y-y",
    "POST /api/v1/tickets": "y-yy-y",
    "PATCH /api/v1/tickets/{key}": "y-yy-y",
    "POST /api/v1/tickets/{key}/merge": "y-yy-y",
    "POST /api/v1/tickets/{key}/links": "y-yy-y",
    "POST /api/v1/tickets/{key}/parts": "y-yy-y",
    "POST /api/v1/tickets/{key}/notes": "--yy--",
    "POST /api/v1/tickets/{key}/messages": "--yy--",
    "POST /api/v1/tickets/{key}/macros": "y-yy-y",
    "PUT /api/v1/customers/{key}/contacts": "---y--",
    "DELETE /api/v1/customers/{key}/contacts/{reach}": "---y--",
    "POST /api/v1/messages/{key}/customer": "---y--",
    "POST /api/v1/tickets/{key}/attachments": "y-yy-y",
    "POST /api/v1/customers": "---y--",
    "PATCH /api/v1/customers/{key}": "---y--",
    "DELETE /api/v1/customers/{key}": "---y--",
    "PUT /api/v1/agents/{name}": "---y-y",
    "POST /api/v1/users": "-----y",
    "PATCH /api/v1/users/{name}": "-----y",
    "PATCH /api/v1/profile": EVERYBODY,
}
LIVE = "/dashboards/{name}/live"  # never ends; its own test
KEYS = {"anomalies": "a1", "incidents": "i1", "alerts": "al1", "customers": "C1", "files": "f1", "rejects": "r1"}


def _address(path: str) -> str:
    noun = path.replace("/api/v1", "").split("/")[1] if path != "/" else ""
    found = path.replace("{key}", KEYS.get(noun, "none")).replace("{panel_name}", "mos-now")
    return found.replace("{name}", "voip-quality" if "dashboards" in path else "nobody-there")


def test_tables_have_every_route(console: Console) -> None:
    found = {(method, path) for method, path in console.routes() if path != LIVE}
    tables = {("GET", path) for path in PAGES | API} | {("POST", path) for path in POSTS}
    tables |= {(method, path) for method, _, path in (row.partition(" ") for row in WRITES)}
    assert found == tables


@pytest.mark.parametrize("role", ROLES)
def test_page_opens_for_whom_the_table_says(console: Console, role: str) -> None:
    wrong = {}
    with console.signed_in(role) as client:
        for path, who in (PAGES | API).items():
            if who != "*":
                answer = client.get(_address(path), follow_redirects=False)
                wrong |= _judged(path, answer.status_code, who[ROLES.index(role)] == "y")
    assert not wrong


@pytest.mark.parametrize("role", ROLES)
def test_form_is_taken_from_whom_the_table_says(console: Console, role: str) -> None:
    """Sent empty, and to things that are not there: who may is told what is wrong, who may not is refused."""
    wrong = {}
    with console.signed_in(role) as client:
        token = {"csrf": console.token(client)}
        for path, who in POSTS.items():
            if who != "*" and path not in ("/account", "/account/theme"):
                answer = client.post(_address(path), data=token, follow_redirects=False)
                wrong |= _judged(path, answer.status_code, who[ROLES.index(role)] == "y")
        for row, who in WRITES.items():
            method, _, path = row.partition(" ")
            headers = {"x-csrf-token": token["csrf"]}
            answer = client.request(method, _address(path), json=_body(row), headers=headers)
            wrong |= _judged(row, answer.status_code, who[ROLES.index(role)] == "y")
    assert not wrong


def _body(row: str) -> dict[str, object]:
    return {
        "POST /api/v1/tickets": {"title": " "},
        "POST /api/v1/users": {"username": "-", "password": "x", "roles": []},
    }.get(row, {})


def _judged(path: str, status: int, allowed: bool) -> dict[str, int]:
    """403 is the refusal; 5xx is never right."""
    return {path: status} if status >= 500 or (status != 403) is not allowed else {}


def test_nobody_sees_anything_without_signing_in(console: Console) -> None:
    with console.client() as client:
        for path, who in (PAGES | API).items():
            if who != "*":
                answer = client.get(_address(path), follow_redirects=False)
                assert answer.status_code == 401, path
                assert answer.headers["content-type"] == "application/problem+json"
        for path, who in POSTS.items():
            if who != "*":
                assert client.post(_address(path), data={"csrf": ""}).status_code == 401, path


def test_page_leads_to_the_sign_in_and_back(console: Console) -> None:
    with console.client() as client:
        answer = client.get("/tickets?state=open", headers={"accept": "text/html"}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?to=/tickets%3Fstate%3Dopen"
