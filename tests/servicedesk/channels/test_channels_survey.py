"""Satisfaction: asked once, answered once, by whoever has the link and nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
import requests

from contracts.errors import UserError
from infrastructure.store import Operation
from servicedesk import TicketDesk
from servicedesk.channels import survey
from servicedesk.channels.book import INDEX
from servicedesk.channels.message import Inbound
from servicedesk.channels.pipeline import Channels
from servicedesk.channels.web.server import served
from tests.servicedesk.channels.conftest import ANA, Clock, mail

Read = Callable[..., Inbound]


@pytest.fixture
def ticket(channels: Channels, read: Read, clock: Clock) -> str:
    """A ticket of Ana's that agent bob resolved."""
    key = channels.receive(read(mail())).ticket
    desk = TicketDesk(channels.store, clock)
    desk.assign(key, "bob", by="bob")
    desk.resolve(key, by="bob", comment="router restarted")
    return key


@pytest.fixture
def server(channels: Channels) -> Iterator[str]:
    with served(channels) as address:
        yield address


def test_customer_of_a_resolved_ticket_is_asked_once_with_a_link(channels: Channels, ticket: str) -> None:
    assert [survey.invite(channels) for _ in range(2)] == [1, 0]
    (asked,) = [row for row in channels.book.list(direction="outbound") if "/survey/" in row[INDEX]["text"]]
    assert asked[INDEX]["recipient"] == ANA
    found = re.search(r"https://help\.operator\.example/survey/(\S+)", asked[INDEX]["text"])
    assert found
    assert survey.question(channels, found[1]) == survey.Question(ticket, "C1")


def test_customer_who_did_not_agree_to_surveys_is_not_asked(channels: Channels, ticket: str) -> None:
    found = channels.store.get("customer", "C1")
    assert found is not None
    source = {**found.source, "customer": {**found.source["customer"], "consents": ["marketing"]}}
    channels.store.write_all([Operation("index", found.index, "C1", source)])
    assert survey.invite(channels) == 0


def test_answer_is_kept_once_with_agent_and_category(channels: Channels, ticket: str, server: str) -> None:
    address = f"{server}/survey/{survey.token(channels, ticket, 'C1')}"
    for _ in range(2):  # a mail scanner opens the link
        page = requests.get(address, timeout=60)
        assert "<form" in page.text
        assert "script" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
    first = requests.post(address, {"score": "4", "comment": "<b>Quick</b> & friendly"}, timeout=60)
    assert first.status_code == 200
    requests.post(address, {"score": "1"}, timeout=60)
    (kept,) = channels.book.list(channel="survey")
    assert kept["survey"] == {"score": 4, "agent": "bob", "category": "customer"}
    assert kept[INDEX]["text"] == "<b>Quick</b> & friendly"
    assert "<form" not in requests.get(address, timeout=60).text


def test_answer_by_a_link_that_was_changed_or_is_old_is_refused(
    channels: Channels, ticket: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = survey.token(channels, ticket, "C1")
    other = survey.token(channels, ticket, "C2")
    for forged in (token[:-3] + "abc", "x", token.split(".")[0] + "." + ".".join(other.split(".")[1:])):
        assert requests.post(f"{server}/survey/{forged}", {"score": "5"}, timeout=60).status_code == 404
    for score in ("0", "6", "-1", "five", ""):
        assert requests.post(f"{server}/survey/{token}", {"score": score}, timeout=60).status_code == 400
    monkeypatch.setitem(survey.tokens.LIFE_SEC, "survey", -1)
    assert requests.get(f"{server}/survey/{token}", timeout=60).status_code == 404
    assert channels.book.list(channel="survey") == []


def test_answer_about_no_ticket_is_refused(channels: Channels) -> None:
    with pytest.raises(UserError, match="no such ticket"):
        survey.answer(channels, survey.Question("T-20260101-ffffff", "C1"), 5)
