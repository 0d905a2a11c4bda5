"""The channels' round of `busyhour run`: mail fetched → what was left behind filed → customers asked → answers sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from contracts.errors import OperatorError, SettingError, StoreUnavailable
from infrastructure.store import Store
from servicedesk.channels import survey
from servicedesk.channels.mail.places import imap_place, smtp_place
from servicedesk.channels.mail.poll import poll
from servicedesk.channels.mail.send import Smtp
from servicedesk.channels.outbox import Tally
from servicedesk.channels.pipeline import Channels

ROUND_SEC = (
    15.0  # for fetching, and for each kind of sending: alerts, which share the loop, must not wait for a flood of mail
)


@dataclass(slots=True)
class ChannelReport:
    """What a round did; `problems`: servers that could not be reached, one line each."""

    filed: int = 0
    bounced: int = 0
    asked: int = 0
    sent: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def run_channels(store: Store) -> ChannelReport:
    """One round, of what is set up: without a mailbox none is polled, without a mail server no mail is sent.

    Safe to kill and to run again. A mail server that is away, or set up wrongly, stops its own part only. Raises
    StoreUnavailable.
    """
    channels, report = Channels(store, store.clock), ChannelReport()
    settings = store.settings
    if settings.text("channel.mail.imap.url"):
        try:
            fetched = poll(channels, imap_place(settings), within_sec=ROUND_SEC)
            report.filed, report.bounced = fetched.filed, fetched.bounced
        except StoreUnavailable:
            raise
        except (OperatorError, SettingError) as error:
            report.problems.append(error.sentence())
    report.filed += channels.settle()
    if settings.text("channel.url"):
        try:
            report.asked = survey.invite(channels)
        except SettingError as error:
            report.problems.append(error.sentence())
    for deliver in (_mails, _messages):
        try:
            for tally in deliver(channels):
                report.sent, report.failed = report.sent + tally.sent, report.failed + tally.failed
                report.problems += tally.problems
        except SettingError as error:
            report.problems.append(error.sentence())
    return report


def _mails(channels: Channels) -> Iterator[Tally]:
    if channels.store.settings.text("channel.mail.smtp.url"):
        with Smtp(smtp_place(channels.store.settings), channels.address) as send:
            yield channels.outbox.run(send, within_sec=ROUND_SEC)


def _messages(channels: Channels) -> Iterator[Tally]:
    for name, send in channels.senders.items():
        yield channels.outbox.run(send, name, within_sec=ROUND_SEC)
