"""The channels' round of `busyhour run`: mail fetched → what was left behind filed → customers asked → mail sent."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from contracts.errors import OperatorError, SettingError, StoreUnavailable
from infrastructure.store import Store
from servicedesk.channels import survey
from servicedesk.channels.mail.places import imap_place, smtp_place
from servicedesk.channels.mail.poll import poll
from servicedesk.channels.mail.send import Smtp
from servicedesk.channels.pipeline import Channels


@dataclass(slots=True)
class ChannelReport:
    """What a round did; `problems`: mail servers that could not be reached, one line each."""

    filed: int = 0
    bounced: int = 0
    asked: int = 0
    sent: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def run_channels(store: Store) -> ChannelReport:
    """One round, of what is set up: without a mailbox none is polled, without a mail server nothing is sent.

    Safe to kill and to run again. A mail server that is away, or set up wrongly, stops its own part only. Raises
    StoreUnavailable.
    """
    channels, report = Channels(store, store.clock), ChannelReport()
    settings = store.settings
    if settings.text("channel.mail.imap.url"):
        try:
            fetched = poll(channels, imap_place(settings))
            report.filed, report.bounced = fetched.filed, fetched.bounced
        except StoreUnavailable:
            raise
        except (OperatorError, SettingError) as error:
            report.problems.append(error.sentence())
    report.filed += channels.settle()
    if settings.text("channel.url") and channels.address:
        report.asked = survey.invite(channels)
    if settings.text("channel.mail.smtp.url"):
        try:
            with Smtp(smtp_place(settings), channels.address) as send:
                tally = channels.outbox.run(send)
        except SettingError as error:
            return replace(report, problems=[*report.problems, error.sentence()])
        report.sent, report.failed = tally.sent, tally.failed
        report.problems += tally.problems
    return report
