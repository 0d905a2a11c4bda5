"""Files of tickets, and answers to customers, by the page and by the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from console.transfers import disposition
from servicedesk.channels.message import Inbound
from servicedesk.channels.pipeline import Channels
from tests.console.staff import HOSTILE, NOW, Console, person
from tests.console.test_console_api import audited, token

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
MIB = 1024 * 1024


def _ticket(client: httpx.Client, headers: dict[str, str], title: str) -> str:
    return str(client.post("/api/v1/tickets", json={"title": title}, headers=headers).json()["id"])


def _sent(client: httpx.Client, headers: dict[str, str], key: str, name: str, content: bytes) -> httpx.Response:
    return client.post(f"/api/v1/tickets/{key}/attachments", files={"file": (name, content)}, headers=headers)


def test_file_is_attached_listed_and_saved_by_the_api(console: Console) -> None:
    large = b"0123456789abcde\n" * (2 * MIB // 16)  # more than a piece, and more than any form may bring
    with console.signed_in("agent") as client:
        headers = token(console, client)
        key = _ticket(client, headers, "with files")
        made = _sent(client, headers, key, "trace \u00fc.log", large)
        assert made.status_code == 201, made.text
        assert _sent(client, headers, key, "trace \u00fc.log", large).json()["id"] == made.json()["id"]
        assert _sent(client, headers, key, "shot.png", PNG).json()["type"] == "image/png"
        listed = client.get(f"/api/v1/tickets/{key}/attachments").json()
        assert [each["name"] for each in listed] == ["trace \u00fc.log", "shot.png"]
        got = client.get(f"/api/v1/tickets/{key}/attachments/{made.json()['id']}")
        assert got.content == large
        assert got.headers["content-disposition"] == (
            "attachment; filename=\"trace _.log\"; filename*=UTF-8''trace%20%C3%BC.log"
        )
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-type"].startswith("text/plain")
        other = _ticket(client, headers, "without")
        assert client.get(f"/api/v1/tickets/{other}/attachments/{made.json()['id']}").status_code == 404
        assert client.get(f"/api/v1/tickets/{key}/attachments/nothing").status_code == 404
        assert client.get("/api/v1/tickets/T-none/attachments").status_code == 404
    for what, times in (("file attached", 3), ("file read", 1)):
        assert audited(console, what, person("agent")) == times


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("page.html", b"<!doctype html><script>alert(1)</script>", 400),
        ("page.txt", b"<svg onload=alert(1)>", 400),
        ("shot.png", b"MZ\x90\0" + b"\0" * 100, 400),
        ("shot.pdf", PNG, 400),
        ("empty.txt", b"", 400),
        ("..", b"text", 400),
        ("large.txt", b"x" * (10 * MIB + 1), 400),
        ("larger.txt", b"x" * (11 * MIB), 413),
    ],
)
def test_file_that_is_not_taken_is_refused_with_the_reason(
    console: Console, name: str, content: bytes, status: int
) -> None:
    with console.signed_in("noc") as client:
        headers = token(console, client)
        key = _ticket(client, headers, "refusals")
        answer = _sent(client, headers, key, name, content)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert client.get(f"/api/v1/tickets/{key}/attachments").json() == []


def test_body_without_length_is_cut_at_the_limit(console: Console) -> None:
    def endless() -> Any:
        yield b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        for _ in range(24):
            yield b"x" * (MIB // 2)
        yield b"\r\n--x--\r\n"

    with console.signed_in("noc") as client:
        headers = token(console, client) | {"content-type": "multipart/form-data; boundary=x"}
        key = _ticket(client, token(console, client), "endless")
        try:
            status = client.post(f"/api/v1/tickets/{key}/attachments", content=endless(), headers=headers).status_code
        except httpx.TransportError:
            status = 0  # the connection was closed
        assert status in (0, 400, 413)
        assert client.get(f"/api/v1/tickets/{key}/attachments").json() == []
        # A large body is for files alone.
        assert client.post("/tickets", content=b"x" * MIB, headers=headers).status_code == 413


def test_what_is_no_form_is_no_file(console: Console) -> None:
    with console.signed_in("noc") as client:
        headers = token(console, client)
        key = _ticket(client, headers, "no form")
        address = f"/api/v1/tickets/{key}/attachments"
        assert client.post(address, json={"file": "x"}, headers=headers).status_code == 400
        assert client.post(address, data={"file": "x"}, headers=headers).status_code == 400
        broken = headers | {"content-type": "multipart/form-data"}
        assert client.post(address, content=b"--x", headers=broken).status_code == 400
        assert client.post(address, files={"file": ("a.txt", b"a")}).status_code == 403  # without the session's token


def test_page_takes_a_file_and_gives_it_back(console: Console) -> None:
    with console.signed_in("supervisor") as client:
        headers = token(console, client)
        key = _ticket(client, headers, "page with files")
        form = {"csrf": headers["x-csrf-token"]}
        page = client.post(f"/tickets/{key}/files", data=form, files={"file": ("<b>.txt", b"hello")})
        assert page.status_code == 200
        assert "_b_.txt" in page.text and "<b>.txt" not in page.text
        address = page.text.partition(f'href="/tickets/{key}/files/')[2].partition('"')[0]
        saved = client.get(f"/tickets/{key}/files/{address}")
        assert saved.content == b"hello"
        assert saved.headers["content-disposition"].startswith("attachment;")
        forged = client.post(f"/tickets/{key}/files", data={"csrf": "x"}, files={"file": ("a.txt", b"a")})
        assert forged.status_code == 403


@pytest.mark.parametrize("name", ['a".txt', "a\\b.txt", "\u202egpj.txt", "a\r\nset-cookie: x.txt", "\u540d\u524d.csv"])
def test_name_of_a_file_ends_no_header(name: str) -> None:
    header = disposition(name)
    assert header.isascii() and header.isprintable()
    assert header.count('"') == 2


def _written(console: Console, key: str, channel: str) -> str:
    """A ticket that a customer opened by that channel."""
    message = Inbound(
        channel=channel,
        external_id=f"<{key}@example.net>",
        sender="somebody@example.net" if channel == "email" else "+4915112345678",
        at=NOW,
        recipient="desk@example.com",
        subject=HOSTILE,
        text=f"It does not work. {HOSTILE}",
        name=HOSTILE,
    )
    console.store.refresh()
    return Channels(console.store, lambda: NOW).receive(message).ticket


def test_answer_goes_to_the_customer_by_their_channel_once(console: Console) -> None:
    key = _written(console, "m1", "chat")
    with console.signed_in("agent") as client:
        page = client.get(f"/tickets/{key}")
        assert "It does not work." in page.text and HOSTILE not in page.text
        form = {"csrf": token(console, client)["x-csrf-token"], "reply": "Please restart the router."}
        console.now = NOW + timedelta(minutes=1)
        for _ in range(2):
            assert client.post(f"/tickets/{key}/reply", data=form).status_code == 200
        said = client.get(f"/api/v1/tickets/{key}/messages").json()
        assert [each["interaction"]["direction"] for each in said] == ["inbound", "outbound"]
        assert said[1]["interaction"]["text"] == "Please restart the router."
        assert said[1]["interaction"]["by"] == person("agent")
        history = client.get(f"/api/v1/tickets/{key}").json()["ticket"]["history"]
        assert sum("Please restart the router." in entry for entry in history) == 1
        assert client.post(f"/tickets/{key}/reply", data=form | {"reply": " "}).status_code == 400
        sent = client.post(f"/api/v1/tickets/{key}/messages", json={"text": "And now?"}, headers=token(console, client))
        assert sent.status_code == 201
    assert audited(console, "customer answered", person("agent")) == 3
    with console.signed_in("administrator") as client:  # may read, not write
        page = client.get(f"/tickets/{key}").text
        assert "Please restart the router." in page
        assert f"/tickets/{key}/reply" not in page
    with console.signed_in("noc") as client:
        assert "Please restart the router." not in client.get(f"/tickets/{key}").text.partition("<h2>History")[0]


def test_ticket_that_no_customer_wrote_in_takes_no_answer(console: Console) -> None:
    with console.signed_in("agent") as client:
        headers = token(console, client)
        key = _ticket(client, headers, "by an agent")
        assert f"/tickets/{key}/reply" not in client.get(f"/tickets/{key}").text
        answer = client.post(f"/api/v1/tickets/{key}/messages", json={"text": "hello"}, headers=headers)
        assert answer.status_code == 400
        assert "no customer wrote" in answer.json()["detail"]


def test_answer_by_mail_is_refused_while_the_desk_has_no_address(console: Console) -> None:
    """`channel.mail.address` is unset here: page and API say so, and nothing is kept as an answer."""
    key = _written(console, "m-mail", "email")
    with console.signed_in("agent") as client:
        headers = token(console, client)
        form = {"csrf": headers["x-csrf-token"], "reply": "We look into it."}
        page = client.post(f"/tickets/{key}/reply", data=form, headers={"accept": "text/html", "accept-language": "de"})
        assert page.status_code == 400
        assert "channel.mail.address: ist nicht gesetzt" in page.text
        answer = client.post(f"/api/v1/tickets/{key}/messages", json={"text": "We look into it."}, headers=headers)
        assert answer.status_code == 400
        assert answer.json()["detail"] == "channel.mail.address: is not set"
        said = client.get(f"/api/v1/tickets/{key}/messages").json()
        assert [each["interaction"]["direction"] for each in said] == ["inbound"]
        assert "We look into it." not in client.get(f"/tickets/{key}").text
