"""The commands, from a mail in a mailbox to the answer on its way, and the servers as processes."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from cli.main import cli
from contracts.settings import Settings
from infrastructure.store import Store
from tests.servicedesk.channels.conftest import ANA, DESK, SECRET, Mailbox, Taken, free_port, mail

BUSYHOUR = Path(sys.executable).parent / "busyhour"


@pytest.fixture
def environment(node_settings: Settings, channel_store: Store) -> dict[str, str]:
    return {
        "BUSYHOUR_HOME": node_settings.text("home"),
        "BUSYHOUR_CHANNEL_MAIL_ADDRESS": DESK,
        "BUSYHOUR_CHANNEL_URL": "https://help.operator.example",
        "BUSYHOUR_CHANNEL_KEY": SECRET,
    }


def _run(environment: dict[str, str], *arguments: str) -> Result:
    command = ["channel", *arguments, "--json"]
    return CliRunner().invoke(cli, command, env=environment, catch_exceptions=False)


def _answer(environment: dict[str, str], *arguments: str, code: int = 0) -> dict[str, Any]:
    done = _run(environment, *arguments)
    assert done.exit_code == code, done.output
    return dict(json.loads(done.stdout))


def test_mail_is_polled_answered_and_sent(environment: dict[str, str], mailbox: Mailbox, smtp: Taken) -> None:
    mailbox.put(mail())
    environment |= {
        "BUSYHOUR_CHANNEL_MAIL_IMAP_URL": f"imap://support@127.0.0.1:{mailbox.place.port}",
        "BUSYHOUR_CHANNEL_MAIL_IMAP_PASSWORD": "imap-password",
        "BUSYHOUR_CHANNEL_MAIL_SMTP_URL": f"smtp://127.0.0.1:{smtp.port}",
    }
    (ticket,) = _answer(environment, "mail", "poll")["tickets"]
    _answer(environment, "reply", ticket, "Please restart the phone.", "--by", "bob")
    assert _answer(environment, "mail", "send")["sent"] == 2
    assert {made["To"] for made in smtp.mails} == {ANA}
    listed = _answer(environment, "list", "--ticket", ticket)["interactions"]
    assert sorted(row["interaction"]["status"] for row in listed) == ["filed", "sent", "sent"]
    counted = {(row["direction"], row["count"]) for row in _answer(environment, "counts", "--days", "366")["counts"]}
    assert counted == {("inbound", 1), ("outbound", 2)}


def test_send_says_that_the_server_is_away_by_its_exit_code(environment: dict[str, str], mailbox: Mailbox) -> None:
    mailbox.put(mail())
    environment |= {
        "BUSYHOUR_CHANNEL_MAIL_IMAP_URL": f"imap://support@127.0.0.1:{mailbox.place.port}",
        "BUSYHOUR_CHANNEL_MAIL_IMAP_PASSWORD": "imap-password",
        "BUSYHOUR_CHANNEL_MAIL_SMTP_URL": f"smtp://127.0.0.1:{free_port()}",
    }
    _answer(environment, "mail", "poll")
    assert _answer(environment, "mail", "send", code=3)["pending"] == 1


@pytest.mark.parametrize("url", ["", "http://x", "imaps://", "imaps://u:secret-word@x", "imap://x:notaport"])
def test_mailbox_that_is_none_is_refused_without_saying_a_password(environment: dict[str, str], url: str) -> None:
    from contracts.errors import SettingError

    with pytest.raises(SettingError) as refused:
        _run({**environment, "BUSYHOUR_CHANNEL_MAIL_IMAP_URL": url}, "mail", "poll")
    assert "channel.mail.imap.url" in refused.value.sentence()
    assert "secret-word" not in refused.value.sentence()


@contextmanager
def _started(environment: dict[str, str], *arguments: str) -> Iterator[dict[str, Any]]:
    """A server as a process; what it says when it is ready. It ends in good order at the end of the block."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BUSYHOUR_")}
    command = [str(BUSYHOUR), "channel", *arguments, "--json"]
    with subprocess.Popen(command, env={**kept, **environment}, stdout=subprocess.PIPE) as running:
        try:
            said = b""
            while not said.rstrip().endswith(b"}"):
                line = running.stdout.readline() if running.stdout else b""
                assert line, said
                said += line
            yield dict(json.loads(said))
        finally:
            running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=60) in (0, -signal.SIGTERM)  # uvicorn ends by the signal it was sent


def test_servers_take_what_comes_and_end_in_good_order(environment: dict[str, str]) -> None:
    with _started(environment, "serve", "--port", "0") as web:
        assert web["url"].startswith("http://127.0.0.1:")
        assert requests.post(f"{web['url']}/voice", b"{}", timeout=60).status_code == 403
    with (
        _started(environment, "mail", "serve", "--port", str(free_port())) as place,
        smtplib.SMTP(place["host"], place["port"], timeout=60) as client,
    ):
        client.send_message(mail())
    assert len(_answer(environment, "list")["interactions"]) == 2
