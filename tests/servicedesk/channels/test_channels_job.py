"""The round that `busyhour run` makes of the channels."""

from __future__ import annotations

from infrastructure.store import Store
from servicedesk.channels.job import run_channels
from tests.servicedesk.channels.conftest import ANA, Clock, Mailbox, Taken, free_port, mail


def test_round_files_what_came_and_sends_what_is_due_and_says_which_server_is_away(
    channel_store: Store, mailbox: Mailbox, smtp: Taken, clock: Clock
) -> None:
    mailbox.put(mail())
    channel_store.clock = clock
    settings = channel_store.settings.with_values(
        channel_mail_imap_url=f"imap://support@127.0.0.1:{mailbox.place.port}",
        channel_mail_imap_password="imap-password",
        channel_mail_smtp_url=f"smtp://127.0.0.1:{smtp.port}",
    )
    channel_store.settings = settings
    first = run_channels(channel_store)
    assert (first.filed, first.sent, first.problems) == (1, 1, [])
    assert [made["To"] for made in smtp.mails] == [ANA]
    second = run_channels(channel_store)
    assert (second.filed, second.sent) == (0, 0)
    away = f"imap://support@127.0.0.1:{free_port()}"
    channel_store.settings = settings.with_values(channel_mail_imap_url=away, channel_mail_smtp_url="http://x")
    unread, unsent = run_channels(channel_store).problems
    assert "nothing was lost" in unread
    assert "channel.mail.smtp.url" in unsent


def test_round_of_a_desk_without_mail_does_nothing(channel_store: Store) -> None:
    assert run_channels(channel_store).as_dict() == {
        "filed": 0,
        "bounced": 0,
        "asked": 0,
        "sent": 0,
        "failed": 0,
        "problems": [],
    }
