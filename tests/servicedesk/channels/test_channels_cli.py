"""The commands, from a mail in a mailbox to the answer on its way, and the servers as processes."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from click.testing import CliRunner, Result

from alerting.notify.signing import HEADER, sign
from cli.main import cli
from contracts.settings import Settings
from infrastructure.node.lifecycle import LocalNode
from infrastructure.store import Store
from tests.mediation.test_ingest_faults import Wire
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
    command = [*(() if arguments[0] in ("ticket", "desk") else ("channel",)), *arguments, "--json"]
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
    _answer(environment, "ticket", "reply", ticket, "Please restart the phone.", "--by", "bob")
    assert _answer(environment, "mail", "send")["sent"] == 2
    assert {made["To"] for made in smtp.mails} == {ANA}
    listed = _answer(environment, "list", "--ticket", ticket)["interactions"]
    assert sorted(row["interaction"]["status"] for row in listed) == ["filed", "sent", "sent"]
    counted = {(row["direction"], row["count"]) for row in _answer(environment, "counts", "--days", "366")["counts"]}
    assert counted == {("inbound", 1), ("outbound", 2)}


def test_rounds_of_desk_and_channels_do_all_of_it_and_say_which_server_is_away(
    environment: dict[str, str], mailbox: Mailbox, smtp: Taken
) -> None:
    mailbox.put(mail(sender="home@else.example"))
    environment |= {
        "BUSYHOUR_CHANNEL_MAIL_IMAP_URL": f"imap://support@127.0.0.1:{mailbox.place.port}",
        "BUSYHOUR_CHANNEL_MAIL_IMAP_PASSWORD": "imap-password",
        "BUSYHOUR_CHANNEL_MAIL_SMTP_URL": f"smtp://127.0.0.1:{smtp.port}",
    }
    done = _answer(environment, "run")
    assert (done["filed"], done["sent"], done["problems"]) == (1, 1, [])
    (kept,) = _answer(environment, "list", "--status", "filed")["interactions"]
    assert _answer(environment, "link", kept["id"], "C1", "--by", "eve") == {"customer": "C1", "linked": 1}
    assert _answer(environment, "desk", "run")["problems"] == []
    away = {**environment, "BUSYHOUR_CHANNEL_MAIL_IMAP_URL": f"imap://support@127.0.0.1:{free_port()}"}
    assert len(_answer(away, "run", code=1)["problems"]) == 1


def test_servers_say_soon_that_elasticsearch_is_away_and_take_it_later(
    environment: dict[str, str], node_settings: Settings, prepared: Store
) -> None:
    address = urlsplit(prepared.info()["url"])
    wire = Wire(str(address.hostname), int(address.port or 0))
    user, password = LocalNode(Path(node_settings.text("home")), node_settings).credentials()
    environment |= {"ES_URL": f"http://127.0.0.1:{wire.port}", "ES_USER": user, "ES_PASSWORD": password}
    environment["BUSYHOUR_CHANNEL_MESSAGING_SECRET"] = SECRET
    body = json.dumps({"messages": [{"id": "1", "from": "+4930123456", "text": "no internet at home"}]}).encode()

    def post(url: str) -> int:
        headers = {HEADER: sign(SECRET, body, int(time.time()))}
        return requests.post(f"{url}/messages/messaging", body, headers=headers, timeout=60).status_code

    with _started(environment, "serve", "--port", "0") as web:
        wire.cut()
        began = time.monotonic()
        assert post(web["url"]) == 503
        assert time.monotonic() - began < 40  # ten seconds, and not the quarter of an hour that jobs wait
        wire.mend()
        assert [post(web["url"]) for _ in range(2)] == [200, 200]
    wire.close()
    assert len(_answer(environment | {"ES_URL": ""}, "list")["interactions"]) == 1


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
