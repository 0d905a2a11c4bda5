"""Answers to messaging services over a real HTTP server, and customers told that the cause of their ticket is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from alerting.notify.signing import HEADER, verify
from contracts.errors import SettingError, UserError
from infrastructure.store import Store
from servicedesk import TicketDesk, run_desk
from servicedesk.channels.book import INDEX
from servicedesk.channels.job import run_channels
from servicedesk.channels.message import Inbound
from servicedesk.channels.outbox import TURN
from servicedesk.channels.pipeline import Channels
from servicedesk.channels.web.adapters import Report, WhatsApp
from servicedesk.channels.web.sending import senders
from servicedesk.relations import set_parent
from tests.servicedesk.channels.conftest import NOW, SECRET, Clock

TOKEN = "an-access-token"
GONE = "Message failed to send because more than 24 hours have passed since the customer last replied to this number."


@dataclass
class Service:
    """A messaging service that keeps what it is sent. `answers`: status and body of the next ones, before the usual one."""

    url: str = ""
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    answers: list[tuple[int, Any]] = field(default_factory=list)


@pytest.fixture
def service() -> Iterator[Service]:
    taken = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            number = len(taken.requests)
            status, answer = taken.answers.pop(0) if taken.answers else (200, {"messages": [{"id": f"wamid.{number}"}]})
            self.send_response(status)
            self.end_headers()
            self.wfile.write(orjson.dumps(answer))

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taken.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield taken
    server.shutdown()
    server.server_close()


@pytest.fixture
def desk(channel_store: Store, service: Service, clock: Clock) -> Channels:
    channel_store.settings = channel_store.settings.with_values(
        channel_whatsapp_url=f"{service.url}/v23.0/1065",
        channel_whatsapp_token=TOKEN,
        channel_messaging_url=service.url,
    )
    channel_store.clock = clock
    return Channels(channel_store, clock)


def wrote(desk: Channels, channel: str = "whatsapp", sender: str = "+4915112345678") -> str:
    """The ticket of a message that a customer wrote."""
    return desk.receive(Inbound(channel, "wamid.in", sender, "Seit heute früh geht gar kein Internet mehr", NOW)).ticket


def refused(code: int, message: str) -> dict[str, Any]:
    return {"error": {"message": f"(#{code}) {message}", "code": code, "error_data": {"details": message}}}


def test_answer_goes_to_whatsapp_once_as_its_reference_has_it(desk: Channels, service: Service, clock: Clock) -> None:
    ticket = wrote(desk)
    key = desk.reply(ticket, "Please restart the router.", by="eve")
    assert (run_channels(desk.store).sent, run_channels(desk.store).sent) == (1, 0)
    ((path, headers, body),) = service.requests
    assert (path, headers["authorization"]) == ("/v23.0/1065/messages", f"Bearer {TOKEN}")
    assert orjson.loads(body) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "4915112345678",
        "type": "text",
        "text": {"preview_url": False, "body": "Please restart the router."},
        "context": {"message_id": "wamid.in"},
        "biz_opaque_callback_data": key,
    }
    kept = desk.book.get(key)
    assert kept is not None and (kept[INDEX]["status"], kept[INDEX]["external_id"]) == ("sent", "wamid.1")
    assert "Please restart the router." in [
        entry.get("comment") for entry in TicketDesk(desk.store).get(ticket).history
    ]


def test_answer_after_24_hours_is_refused_and_the_agent_sees_it_in_the_ticket(desk: Channels, service: Service) -> None:
    ticket = wrote(desk)
    key = desk.reply(ticket, "Is it well again?", by="eve")
    service.answers.append((400, refused(131047, GONE)))
    assert [run_channels(desk.store).failed for _ in range(2)] == [1, 0]
    kept = desk.book.get(key)
    assert kept is not None and (kept[INDEX]["status"], "131047" in kept[INDEX]["reason"]) == ("failed", True)
    said = [str(entry.get("comment")) for entry in TicketDesk(desk.store).get(ticket).history]
    assert sum("not delivered by whatsapp: 400 131047" in comment for comment in said) == 1


@pytest.mark.parametrize(
    ("status", "answer", "tries"),
    [(429, refused(130429, "Rate limit hit"), 1), (500, {}, 1), (503, "away", 1), (401, refused(190, "expired"), 0)],
)
def test_answer_goes_later_when_the_service_cannot_take_it_now(
    desk: Channels, service: Service, clock: Clock, status: int, answer: Any, tries: int
) -> None:
    key = desk.reply(wrote(desk), "Please restart the router.", by="eve")
    service.answers.append((status, answer))
    assert run_channels(desk.store).sent == 0
    kept = desk.book.get(key)
    assert kept is not None and (kept[INDEX]["status"], kept[INDEX]["attempts"]) == ("pending", tries)
    clock.forward(minutes=2)
    assert run_channels(desk.store).sent == 1
    assert len(service.requests) == 2


def test_answer_that_was_sent_by_a_killed_process_is_known_by_the_services_own_word(
    desk: Channels, service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = desk.reply(wrote(desk), "Please restart the router.", by="eve")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(desk.book, "mark", killed)
        with pytest.raises(KeyboardInterrupt):
            desk.outbox.run(desk.senders["whatsapp"], "whatsapp")
    assert desk.reported("whatsapp", Report(key, "wamid.1"))
    clock.forward(seconds=2 * TURN.total_seconds())
    assert run_channels(desk.store).sent == 0
    assert len(service.requests) == 1  # and never a second time
    kept = desk.book.get(key)
    assert kept is not None and (kept[INDEX]["status"], kept[INDEX]["external_id"]) == ("sent", "wamid.1")


def test_failure_that_the_service_reports_afterwards_is_in_the_ticket_once(desk: Channels) -> None:
    ticket = wrote(desk)
    key = desk.reply(ticket, "Is it well again?", by="eve")
    run_channels(desk.store)
    error = {"code": 131047, "title": "Re-engagement message"}
    change = {"field": "messages", "value": {"statuses": [{"id": "wamid.1", "status": "failed", "errors": [error]}]}}
    body = orjson.dumps({"object": "whatsapp_business_account", "entry": [{"changes": [change]}]})
    for report in [*WhatsApp(SECRET, "").reports(body)] * 2:
        assert desk.reported("whatsapp", report)
    kept = desk.book.get(key)
    assert kept is not None and (kept[INDEX]["status"], kept[INDEX]["reason"]) == (
        "failed",
        "131047 Re-engagement message",
    )
    said = [str(entry.get("comment")) for entry in TicketDesk(desk.store).get(ticket).history]
    assert sum("not delivered" in comment for comment in said) == 1
    assert not desk.reported("whatsapp", Report("", "wamid.unknown"))
    assert not desk.reported("messaging", Report(key, ""))  # of another service


def test_answer_to_a_generic_service_is_signed(desk: Channels, service: Service) -> None:
    key = desk.reply(wrote(desk, "messaging"), "Please restart the router.", by="eve")
    assert run_channels(desk.store).sent == 1
    ((_, headers, body),) = service.requests
    stamp = int(headers[HEADER.lower()].partition(",")[0].removeprefix("t="))
    assert verify(SECRET, headers[HEADER.lower()], body, stamp)
    assert (orjson.loads(body)["id"], headers["idempotency-key"]) == (key, key)


def test_customer_who_wrote_by_whatsapp_is_asked_there_while_it_is_fresh(
    desk: Channels, service: Service, clock: Clock
) -> None:
    tickets = TicketDesk(desk.store, clock)
    for number in range(2):
        sender, customer = (("+4915112345678", "C1"), ("+4915112345679", "C2"))[number]
        ticket = desk.receive(Inbound("whatsapp", f"wamid.{number}", sender, "no internet", NOW), customer).ticket
        clock.forward(days=2 * number)
        tickets.assign(ticket, "bob", by="bob")
        tickets.resolve(ticket, by="bob", comment="done")
        assert run_channels(desk.store).asked == 1 - number  # the second one is resolved two days later
    (said,) = (orjson.loads(body) for _, _, body in service.requests)
    assert "https://help.operator.example/survey/" in said["text"]["body"]


def test_answer_that_cannot_go_is_refused_before_it_is_written(desk: Channels, channel_store: Store) -> None:
    ticket = wrote(desk)
    with pytest.raises(UserError, match="4,096 characters"):
        desk.reply(ticket, "x" * 5000, by="eve")
    channel_store.settings = channel_store.settings.with_values(channel_whatsapp_url="")
    with pytest.raises(UserError, match="whatsapp takes no answers"):
        Channels(channel_store).reply(ticket, "Hello", by="eve")
    channel_store.settings = channel_store.settings.with_values(channel_whatsapp_url="http://graph.example/v23.0/1")
    with pytest.raises(SettingError, match="no https address"):
        senders(channel_store.settings)
    assert any("no https address" in problem for problem in run_channels(channel_store).problems)


@pytest.fixture
def family(desk: Channels) -> Callable[[], tuple[str, str, str]]:
    """A parent, a child whose customer wrote by WhatsApp, and one whose customer called."""

    def make() -> tuple[str, str, str]:
        tickets, child = TicketDesk(desk.store, desk.clock), wrote(desk)
        parent = tickets.create("p", title="TG2 is down", body="", priority="high", by="eve").id
        called = tickets.create("c", title="No sound", body="", priority="low", by="eve", customers=["C2"]).id
        for key in (child, called):
            set_parent(tickets, key, parent, by="eve")
        return parent, child, called

    return make


def test_customers_are_told_once_when_the_parent_is_resolved_by_whoever(
    desk: Channels, family: Callable[[], tuple[str, str, str]], service: Service
) -> None:
    parent, child, called = family()
    TicketDesk(desk.store, desk.clock).transition(parent, "open", by="eve")
    TicketDesk(desk.store, desk.clock).resolve(
        parent, by="eve", comment="card changed"
    )  # as the command does: no `tell`
    run_desk(desk.store, desk.tell)
    run_desk(desk.store, desk.tell)
    said = {row[INDEX]["ticket"]: row[INDEX] for row in desk.book.list(direction="outbound")}
    assert len(desk.book.list(direction="outbound")) == 2
    assert (said[child]["channel"], said[called]["channel"]) == ("whatsapp", "email")
    assert said[child]["text"].startswith("Die Störung")  # in the language of whom it goes to
    assert (said[called]["recipient"], said[called]["text"][:9]) == ("ben@customer.example", "The fault")
    assert not any("TG2" in row["text"] for row in said.values())  # nothing of our network
    run_channels(desk.store)
    told = [body for _, _, body in service.requests if "Störung" in body.decode()]  # beside it the survey of the ticket
    assert len(told) == 1


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_customers_are_told_once_when_the_resolution_is_killed_at_any_write(
    desk: Channels, family: Callable[[], tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    parent, child, called = family()
    tickets = TicketDesk(desk.store, desk.clock, desk.tell)
    tickets.transition(parent, "open", by="eve")
    writes, change = [0], TicketDesk.change

    def until(self: TicketDesk, *what: Any) -> Any:
        writes[0] += 1
        if writes[0] > cut:
            raise KeyboardInterrupt
        return change(self, *what)

    with monkeypatch.context() as patch:
        patch.setattr(TicketDesk, "change", until)
        with pytest.raises(KeyboardInterrupt):
            tickets.resolve(parent, by="eve", comment="card changed")
    for _ in range(2):
        run_desk(desk.store, desk.tell)
    assert [tickets.get(key).state for key in (child, called)] == ["resolved", "resolved"]
    assert sorted(row[INDEX]["ticket"] for row in desk.book.list(direction="outbound")) == sorted([child, called])
