"""A real mailbox polled: every mail once, whatever happens between two of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from contracts.errors import OperatorError, StoreUnavailable
from contracts.settings import Settings
from infrastructure.node.lifecycle import LocalNode
from infrastructure.store import Store
from servicedesk import TicketDesk
from servicedesk.channels.mail.places import MailPlace
from servicedesk.channels.mail.poll import poll
from servicedesk.channels.pipeline import Channels
from tests.mediation.test_ingest_faults import Wire
from tests.servicedesk.channels.conftest import DESK, Clock, Mailbox, free_port, mail

ROOT = Path(__file__).resolve().parents[3]
# A poller that is killed with -9 the moment it is about to keep how far it read, the second time it does.
KILLED = """
import os, signal, sys
from contracts.settings import read
from infrastructure.store import Store
from servicedesk.channels.mail import poll
from servicedesk.channels.mail.places import MailPlace
from servicedesk.channels.pipeline import Channels
home, port, address = sys.argv[1], int(sys.argv[2]), sys.argv[3]
store = Store.connect(read({"BUSYHOUR_HOME": home}).with_values(channel_mail_address=address))
keep, calls = poll._keep, []
def dies(*given):
    calls.append(given)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    keep(*given)
poll._keep = dies
poll.poll(Channels(store), MailPlace("127.0.0.1", port, secure=False, user="support", password="imap-password"))
"""


def _mails(count: int) -> list[bytes]:
    return [
        bytes(mail(f"Trouble number {n}", sender=f"p{n}@x.example", message_id=f"<{n}@x.example>"))
        for n in range(count)
    ]


def test_poll_files_what_came_since_the_last_one_and_leaves_the_mailbox_as_it_is(
    channels: Channels, mailbox: Mailbox
) -> None:
    mailbox.put(*_mails(3))
    before = mailbox.flags()
    first = poll(channels, mailbox.place)
    assert (first.seen, first.filed, len(first.tickets)) == (3, 3, 3)
    assert poll(channels, mailbox.place).seen == 0
    mailbox.put(mail("One more", message_id="<more@x.example>"))
    assert poll(channels, mailbox.place).filed == 1
    assert mailbox.flags()[:3] == before


def test_poll_goes_on_where_it_stopped_when_there_is_more_than_one_poll_takes(
    channels: Channels, mailbox: Mailbox
) -> None:
    mailbox.put(*_mails(5))
    assert [poll(channels, mailbox.place, most=2).filed for _ in range(4)] == [2, 2, 1, 0]


def test_poll_ends_in_time_and_the_next_one_goes_on(channels: Channels, mailbox: Mailbox) -> None:
    mailbox.put(
        *(mail(message_id=f"<{number}@customer.example>", sender=f"a{number}@x.example") for number in range(3))
    )
    assert [poll(channels, mailbox.place, within_sec=0).filed for _ in range(4)] == [1, 1, 1, 0]  # never none at all


def test_poll_of_a_mailbox_that_was_made_anew_files_nothing_twice(
    channels: Channels, mailbox: Mailbox, clock: Clock
) -> None:
    mailbox.put(*_mails(2))
    poll(channels, mailbox.place)
    channels.store.refresh("job")
    job = next(channels.store.scan("job", {"term": {"job.name": "channel-mail"}}))
    older = {**job["_source"]["job"], "detail": '{"validity": 1, "uid": 999}'}
    channels.store.modify("job", job["_id"], lambda source: {**source, "job": older})
    again = poll(channels, mailbox.place)
    assert (again.seen, again.filed, again.repeated) == (2, 0, 2)


def test_poller_killed_between_filing_and_keeping_its_place_loses_and_doubles_nothing(
    channels: Channels, mailbox: Mailbox, node_settings: Settings, clock: Clock
) -> None:
    mailbox.put(*_mails(4))
    arguments = [node_settings.text("home"), str(mailbox.place.port), DESK]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BUSYHOUR_")}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments],
        cwd=ROOT,
        env=environment,
        check=False,
        timeout=120,
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-500:]
    assert len(TicketDesk(channels.store, clock).list()) == 2
    rest = poll(channels, mailbox.place)
    assert (rest.seen, rest.filed, rest.repeated) == (3, 2, 1)
    tickets = TicketDesk(channels.store, clock).list()
    assert sorted(ticket.body for ticket in tickets) == [f"Trouble number {n}" for n in range(4)]
    assert len(channels.book.list(direction="outbound")) == 4


@pytest.fixture
def wire(prepared: Store) -> Iterator[Wire]:
    address = urlsplit(prepared.info()["url"])
    between = Wire(str(address.hostname), int(address.port or 0))
    yield between
    between.close()


def test_poll_loses_nothing_when_elasticsearch_goes_away_in_the_middle(
    channels: Channels,
    mailbox: Mailbox,
    node_settings: Settings,
    wire: Wire,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
) -> None:
    mailbox.put(*_mails(4))
    user, password = LocalNode(Path(node_settings.text("home")), node_settings).credentials()
    address = f"http://127.0.0.1:{wire.port}"
    values = {"es_url": address, "es_user": user, "es_password": password, "es_wait_sec": 0}
    far = Channels(Store.connect(channels.store.settings.with_values(**values), say=lambda text: None), clock)
    receive, taken = far.receive, []

    def goes_away(message: object) -> object:
        if len(taken) == 2:
            wire.cut()
        taken.append(message)
        return receive(message)  # type: ignore[arg-type]

    monkeypatch.setattr(far, "receive", goes_away)
    with pytest.raises(StoreUnavailable):
        poll(far, mailbox.place)
    wire.mend()
    assert poll(channels, mailbox.place).filed == 2
    assert len(TicketDesk(channels.store, clock).list()) == 4


def test_poll_says_what_to_do_when_the_password_is_wrong_or_nobody_listens(
    channels: Channels, mailbox: Mailbox
) -> None:
    place = mailbox.place
    for wrong in (
        MailPlace(place.host, place.port, secure=False, user=place.user, password="no"),
        MailPlace(place.host, free_port(), secure=False, user=place.user, password="no"),
    ):
        with pytest.raises(OperatorError, match="nothing was lost") as problem:
            poll(channels, wrong)
        assert "password" not in problem.value.what
