"""The report by mail, through a real SMTP server: whole, once a period, and what becomes of it when the process is killed."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiosmtpd.controller import Controller

from contracts.errors import OperatorError, SettingError
from contracts.settings import read
from infrastructure.store import Store
from reports.content import Content, Line
from reports.mailing import send
from reports.schedule import Postman, Wanted, last_whole, wanted

NOW = datetime(2026, 11, 18, 9, tzinfo=UTC)  # a Wednesday
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


class Box:
    """Mails as they came. `refuse`: the answer to the next ones."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.refuse = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd calls it so
        if self.refuse:
            return self.refuse
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 taken"


@pytest.fixture
def box(store: Store, tmp_path: Path) -> Iterator[Box]:
    """A mailbox behind the target `board`."""
    found = Box()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"mailto://127.0.0.1:{port}/?from=busyhour@example.org&to=board@example.org&mode=insecure"
    (tmp_path / "notify.yml").write_bytes(orjson.dumps({"targets": {"board": {"apprise": address}}, "routes": []}))
    store.settings = store.settings.with_values(
        alert_notify_file=str(tmp_path / "notify.yml"), kpi_report_mail="board:week"
    )
    controller = Controller(found, hostname="127.0.0.1", port=port)
    controller.start()
    yield found
    controller.stop()


def content(start: datetime, end: datetime, title: str) -> Content:
    days = tuple((start + timedelta(days=number), 0.98) for number in range(7))
    line = Line("voip.ner", "NER", "network", "ratio", "low", "service:voip", 0.98, 0.99, 500, ">=", 0.99, False, "target",
                "level", (), days)  # fmt: skip
    return Content(title=title, start=start, end=end, made=end, lines=[line], states=[], incidents=[], incidents_in_all=0,
                   worst=[], funnel=None, outlooks=[])  # fmt: skip


def test_weekly_report_arrives_once_with_its_attachment(store: Store, box: Box) -> None:
    assert Postman(store, content).send_due(NOW) == (["board"], [])
    assert Postman(store, content).send_due(NOW + timedelta(days=3)) == ([], [])
    (mail,) = box.mails
    assert "0 of 1 targets held" in mail["Subject"]
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "kpi-report-2026-11-09.pdf"
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_content().startswith(b"%PDF-")
    page = mail.get_body(("html",))
    assert page is not None and "voip.ner" in page.get_content()
    assert Postman(store, content).send_due(NOW + timedelta(days=5)) == (["board"], [])  # the next week is over
    assert len({each["X-Busyhour-Notification"] for each in box.mails}) == 2


def test_report_is_sent_again_with_the_same_key_when_killed_before_the_note(
    store: Store, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As kill -9: nothing of ours runs any more."""

    def dies(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(store, "modify", dies)
        with pytest.raises(Killed):
            Postman(store, content).send_due(NOW)
    assert Postman(store, content).send_due(NOW) == (["board"], [])
    first, second = box.mails
    assert first["X-Busyhour-Notification"] == second["X-Busyhour-Notification"]
    assert Postman(store, content).send_due(NOW) == ([], [])


def test_report_that_a_server_refuses_is_not_booked_and_waits_an_hour(store: Store, box: Box) -> None:
    box.refuse = "550 no such user"
    postman = Postman(store, content)
    sent, problems = postman.send_due(NOW)
    assert (sent, len(problems)) == ([], 1)
    assert "board" in problems[0]
    box.refuse = ""
    assert postman.send_due(NOW + timedelta(minutes=30)) == ([], [])
    assert postman.send_due(NOW + timedelta(minutes=61)) == (["board"], [])
    with pytest.raises(SettingError, match="unknown target"):
        send(store, content(MONDAY, NOW, "t"), "bord")


def test_report_to_nobody_who_listens_is_an_error(store: Store, box: Box, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"mailto://127.0.0.1:{port}/?from=a@example.org&to=b@example.org&mode=insecure"
    (tmp_path / "notify.yml").write_bytes(orjson.dumps({"targets": {"board": {"apprise": address}}, "routes": []}))
    with pytest.raises(OperatorError, match="could not be delivered"):
        send(store, content(MONDAY, NOW, "t"), "board")


def test_schedule_names_targets_and_whole_periods() -> None:
    settings = read({"BUSYHOUR_KPI_REPORT_MAIL": "board:week, noc : day,"})
    assert wanted(settings) == [Wanted("board", "week"), Wanted("noc", "day")]
    assert last_whole("week", NOW) == (MONDAY - timedelta(weeks=1), MONDAY)
    assert last_whole("week", MONDAY) == (MONDAY - timedelta(weeks=1), MONDAY)
    assert last_whole("day", NOW) == (datetime(2026, 11, 17, tzinfo=UTC), datetime(2026, 11, 18, tzinfo=UTC))
    assert last_whole("month", NOW) == (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
    for bad in ("board", "board:year", ":week"):
        with pytest.raises(SettingError, match="TARGET:PERIOD"):
            wanted(read({"BUSYHOUR_KPI_REPORT_MAIL": bad}))
